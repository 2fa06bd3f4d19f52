// SPDX-License-Identifier: Apache-2.0
/* own_rows.c: walks the live files and reads the columns of origin.  Files without our key wait
 * until those with it are through: whether any of their rows are ours is decided by counting the
 * whole table, once.  Counting goes by (topic, partition) in a small table grown as partitions turn
 * up. */
#include "protocol/own_rows.h"

#include "core/num.h"
#include "protocol/clause.h"

#include <inttypes.h>
#include <string.h>

bool own_rows_is_ours(const struct table_reader *reader)
{
    return parquet_file_pair(&reader->file, CHAIN_WRITER_KEY).data != NULL;
}

enum own_level own_rows_level_unkeyed(const struct ice_metadata *metadata, int64_t snapshot_id)
{
    const struct ice_snapshot *added = ice_metadata_snapshot(metadata, snapshot_id);

    if (added == NULL)
        return OWN_UNSURE;
    if (strcmp(added->operation, "append") == 0)
        return OWN_APPENDED;
    return strcmp(added->operation, "replace") == 0 ? OWN_REWRITTEN : OWN_UNSURE;
}

/* -- claims */

void own_claims_deinit(struct own_claims *claims)
{
    arena_deinit(&claims->arena);
    *claims = (struct own_claims){ 0 };
}

/* A rewrite holds only rows that were there before it. */
static bool may_be_ours(int64_t high, int64_t high_sequence, int64_t file_sequence, int64_t offset)
{
    if (offset != high || !clause_on(CLAUSE_REWRITE_COMES_LATER))
        return offset <= high;
    return high_sequence == 0 || file_sequence > high_sequence;
}

bool own_claims_hold(const struct own_claims *claims, enum own_level level, int64_t file_sequence,
                     struct span topic, int32_t partition, int64_t offset)
{
    if (level == OWN_KEYED || !clause_on(CLAUSE_CLAIM_BY_COUNT))
        return true;
    for (size_t i = 0; i < claims->count; i++) {
        const struct own_claim *claim = &claims->claim[i];

        if (claim->partition == partition && span_equal(span_text(claim->topic), topic))
            return level <= claim->level &&
                   may_be_ours(claim->high, claim->high_sequence, file_sequence, offset);
    }
    return false;
}

/* -- walking */

struct walk {
    struct chain_table *chain;
    const struct ice_metadata *metadata;
    const struct own_rows_visitor *visitor;
    const struct own_claims *claims; /* NULL: rows are not cut */
    bool keyed_first;
    struct table_reader reader;
    struct column topic, partition, offset;
    struct arena arena;
    struct buf later; /* struct ice_data_file *, without our key */
};

static void walk_init(struct walk *walk, struct chain_table *chain,
                      const struct ice_metadata *metadata, const struct own_rows_visitor *visitor)
{
    *walk = (struct walk){ .chain = chain, .metadata = metadata, .visitor = visitor };
    column_init(&walk->topic, COLUMN_BYTES);
    column_init(&walk->partition, COLUMN_INT32);
    column_init(&walk->offset, COLUMN_INT64);
}

static void walk_deinit(struct walk *walk)
{
    table_reader_deinit(&walk->reader);
    column_deinit(&walk->topic);
    column_deinit(&walk->partition);
    column_deinit(&walk->offset);
    buf_deinit(&walk->later);
    arena_deinit(&walk->arena);
}

static enum own_level level_of(const struct walk *walk, const struct ice_data_file *file)
{
    return own_rows_is_ours(&walk->reader)
               ? OWN_KEYED
               : own_rows_level_unkeyed(walk->metadata, file->snapshot_id);
}

static int read_origin(struct walk *walk, struct err *err)
{
    const struct chain_origin *origin = &walk->chain->origin;

    column_clear(&walk->topic);
    column_clear(&walk->partition);
    column_clear(&walk->offset);
    for (size_t g = 0; g < walk->reader.file.row_group_count; g++) {
        int rc =
            table_reader_column(&walk->reader, g, (size_t)origin->partition, &walk->partition, err);

        if (rc == 0)
            rc = table_reader_column(&walk->reader, g, (size_t)origin->offset, &walk->offset, err);
        if (rc == 0 && origin->topic >= 0)
            rc = table_reader_column(&walk->reader, g, (size_t)origin->topic, &walk->topic, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static struct span topic_at(const struct walk *walk, size_t row)
{
    if (walk->chain->origin.topic < 0)
        return span_text(walk->chain->origin.only_topic);
    return column_is_null(&walk->topic, row) ? span_of(NULL, 0) : column_bytes(&walk->topic, row);
}

static void cut_to_claims(struct walk *walk, enum own_level level, int64_t file_sequence)
{
    size_t rows = walk->offset.rows;
    uint32_t *index = arena_zero(&walk->arena, rows + 1, sizeof(*index));
    size_t kept = 0;

    for (size_t row = 0; row < rows; row++)
        if (!column_is_null(&walk->offset, row) && !column_is_null(&walk->partition, row) &&
            own_claims_hold(walk->claims, level, file_sequence, topic_at(walk, row),
                            column_int32(&walk->partition, row), column_int64(&walk->offset, row)))
            index[kept++] = (uint32_t)row;
    if (walk->chain->origin.topic >= 0)
        column_keep(&walk->topic, 0, index, kept);
    column_keep(&walk->partition, 0, index, kept);
    column_keep(&walk->offset, 0, index, kept);
}

/* Of a file whose footer was read. */
static int visit_rows(struct walk *walk, const struct ice_data_file *file, enum own_level level,
                      struct err *err)
{
    int rc = read_origin(walk, err);

    if (rc != 0)
        return rc;
    if (level != OWN_KEYED && walk->claims != NULL)
        cut_to_claims(walk, level, file->file_sequence);
    return walk->visitor->visit(walk->visitor->context, file, level,
                                walk->chain->origin.topic >= 0 ? &walk->topic : NULL,
                                &walk->partition, &walk->offset, err);
}

static void keep_for_later(struct walk *walk, const struct ice_data_file *file)
{
    struct ice_data_file *copy = arena_zero(&walk->arena, 1, sizeof(*copy));

    *copy = (struct ice_data_file){ .path = arena_text(&walk->arena, span_text(file->path)),
                                    .rows = file->rows,
                                    .bytes = file->bytes,
                                    .snapshot_id = file->snapshot_id,
                                    .sequence = file->sequence,
                                    .file_sequence = file->file_sequence };
    buf_put(&walk->later, &copy, sizeof(copy));
}

static int visit_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct walk *walk = context;
    const struct own_rows_visitor *visitor = walk->visitor;
    enum own_level level;
    int rc;

    if (visitor->wants != NULL && !visitor->wants(visitor->context, file))
        return 0;
    rc = table_reader_open(&walk->reader, &walk->chain->table, file, err);
    if (rc != 0)
        return rc;
    level = level_of(walk, file);
    if (level != OWN_KEYED && walk->keyed_first) {
        keep_for_later(walk, file);
        return 0;
    }
    return visit_rows(walk, file, level, err);
}

static int visit_live(struct walk *walk, const struct ice_snapshot *snapshot, struct err *err)
{
    const struct ice_file_visitor files = { visit_file, walk };

    return snapshot == NULL ? 0 : table_visit_live(&walk->chain->table, snapshot, &files, err);
}

int own_rows_visit(struct chain_table *chain, const struct ice_metadata *metadata,
                   const struct positions *map, const struct own_rows_visitor *visitor,
                   struct own_claims *claims, struct err *err)
{
    const struct ice_snapshot *current = ice_metadata_current(metadata);
    struct ice_data_file *const *later;
    struct walk walk;
    size_t count;
    int rc;

    walk_init(&walk, chain, metadata, visitor);
    walk.keyed_first = true;
    rc = visit_live(&walk, current, err);
    later = (struct ice_data_file *const *)(void *)walk.later.data;
    count = walk.later.size / sizeof(*later);
    if (rc == 0 && count > 0)
        rc = own_rows_claim(chain, metadata, current, map, claims, err);
    walk.claims = claims;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = table_reader_open(&walk.reader, &chain->table, later[i], err);
        if (rc == 0)
            rc = visit_rows(&walk, later[i], level_of(&walk, later[i]), err);
    }
    walk_deinit(&walk);
    return rc;
}

/* -- counting */

struct tally {
    struct arena *arena;
    const struct positions *map;
    const char *only_topic;
    struct tally_entry {
        const char *topic;
        int32_t partition;
        int64_t rows[OWN_LEVELS], high[OWN_LEVELS];
    } * entry;
    size_t count, capacity;
};

static struct tally_entry *entry_of(struct tally *tally, struct span topic, int32_t partition)
{
    struct tally_entry *entry;

    for (size_t i = 0; i < tally->count; i++)
        if (tally->entry[i].partition == partition &&
            span_equal(span_text(tally->entry[i].topic), topic))
            return &tally->entry[i];
    if (tally->count == tally->capacity) {
        tally->capacity = size_max(16, 2 * tally->capacity);
        tally->entry = mem_realloc(tally->entry, tally->capacity, sizeof(*tally->entry));
    }
    entry = &tally->entry[tally->count++];
    *entry =
        (struct tally_entry){ .topic = arena_text(tally->arena, topic), .partition = partition };
    for (size_t i = 0; i < OWN_LEVELS; i++)
        entry->high[i] = POSITION_NONE;
    return entry;
}

/* Rows [first, end) of one topic and partition. */
static void count_run(struct tally *tally, const struct ice_data_file *file, enum own_level level,
                      struct span topic, int32_t partition, const struct column *offset,
                      size_t first, size_t end)
{
    struct tally_entry *entry = entry_of(tally, topic, partition);
    const struct position_offset *told = positions_offset(tally->map, entry->topic, partition);

    for (size_t row = first; row < end; row++) {
        int64_t at = column_int64(offset, row);

        if (level != OWN_KEYED && (told == NULL || !may_be_ours(told->high, told->high_sequence,
                                                                file->file_sequence, at)))
            continue;
        entry->rows[level]++;
        entry->high[level] = int64_max(entry->high[level], at);
    }
}

static bool has_origin(const struct column *topic, const struct column *partition,
                       const struct column *offset, size_t row)
{
    return !column_is_null(offset, row) && !column_is_null(partition, row) &&
           (topic == NULL || !column_is_null(topic, row));
}

static int count_file(void *context, const struct ice_data_file *file, enum own_level level,
                      const struct column *topic, const struct column *partition,
                      const struct column *offset, struct err *err)
{
    struct tally *tally = context;
    size_t row = 0;

    (void)err;
    while (row < offset->rows) {
        size_t first = row++;
        struct span name;

        if (!has_origin(topic, partition, offset, first))
            continue;
        name = topic == NULL ? span_text(tally->only_topic) : column_bytes(topic, first);
        while (row < offset->rows && has_origin(topic, partition, offset, row) &&
               column_int32(partition, row) == column_int32(partition, first) &&
               (topic == NULL || span_equal(column_bytes(topic, row), name)))
            row++;
        count_run(tally, file, level, name, column_int32(partition, first), offset, first, row);
    }
    return 0;
}

/* How far down the levels a partition must go; REFUSED. */
static int settle(const struct chain_table *chain, const struct position_offset *told,
                  const struct tally_entry *found, enum own_level *level, struct err *err)
{
    int64_t want = told == NULL ? 0 : told->rows;
    int64_t want_high = told == NULL ? POSITION_NONE : told->high;
    int64_t have = 0;
    int64_t high = POSITION_NONE;

    for (*level = OWN_KEYED; *level < OWN_LEVELS; (*level)++) {
        have += found == NULL ? 0 : found->rows[*level];
        high = found == NULL ? high : int64_max(high, found->high[*level]);
        if (want == have && (have == 0 || want_high == high))
            return 0;
        if (have > want)
            break;
    }
    return err_set(err, ERR_REFUSED,
                   "%s: %s: topic %s partition %" PRId32 ": the map says %" PRId64
                   " rows up to offset %" PRId64 ", the table holds %" PRId64 " up to %" PRId64
                   "; see `k2 positions show`, then mend the table or `k2 positions set %s rows`",
                   chain->table.definition.name, have < want ? "rows_lost" : "foreign_rows",
                   told != NULL ? told->topic : found->topic,
                   told != NULL ? told->partition : found->partition, want, want_high, have, high,
                   chain->table.definition.name);
}

static const struct tally_entry *found_of(const struct tally *tally, const char *topic,
                                          int32_t partition)
{
    for (size_t i = 0; i < tally->count; i++)
        if (tally->entry[i].partition == partition && strcmp(tally->entry[i].topic, topic) == 0)
            return &tally->entry[i];
    return NULL;
}

static int settle_all(const struct chain_table *chain, const struct tally *tally,
                      struct own_claims *claims, struct err *err)
{
    const struct positions *map = tally->map;
    enum own_level level;

    claims->claim = arena_zero(&claims->arena, map->offset_count + 1, sizeof(*claims->claim));
    for (size_t i = 0; i < map->offset_count; i++) {
        const struct position_offset *told = &map->offset[i];

        if (settle(chain, told, found_of(tally, told->topic, told->partition), &level, err) != 0)
            return -1;
        claims->claim[claims->count++] =
            (struct own_claim){ .topic = arena_text(&claims->arena, span_text(told->topic)),
                                .partition = told->partition,
                                .level = level,
                                .high = told->high,
                                .high_sequence = told->high_sequence };
    }
    for (size_t i = 0; i < tally->count; i++) {
        const struct tally_entry *found = &tally->entry[i];

        if (positions_offset(map, found->topic, found->partition) == NULL &&
            settle(chain, NULL, found, &level, err) != 0)
            return -1;
    }
    return 0;
}

int own_rows_claim(struct chain_table *chain, const struct ice_metadata *metadata,
                   const struct ice_snapshot *snapshot, const struct positions *map,
                   struct own_claims *claims, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct tally tally = { .arena = &arena, .map = map, .only_topic = chain->origin.only_topic };
    const struct own_rows_visitor visitor = { .visit = count_file, .context = &tally };
    struct walk walk;
    int rc;

    own_claims_deinit(claims);
    walk_init(&walk, chain, metadata, &visitor);
    rc = visit_live(&walk, snapshot, err);
    if (rc > 0)
        rc = err_set(err, ERR_RETRY, "%s: a live file is gone", chain->table.definition.name);
    if (rc == 0)
        rc = settle_all(chain, &tally, claims, err);
    walk_deinit(&walk);
    free(tally.entry);
    arena_deinit(&arena);
    return rc;
}

int own_rows_visit_all(struct chain_table *chain, const struct ice_metadata *metadata,
                       const struct own_rows_visitor *visitor, struct err *err)
{
    struct walk walk;
    int rc;

    walk_init(&walk, chain, metadata, visitor);
    rc = visit_live(&walk, ice_metadata_current(metadata), err);
    walk_deinit(&walk);
    return rc;
}

int own_rows_check(struct chain_table *chain, const struct ice_metadata *metadata,
                   const struct positions *map, struct err *err)
{
    struct own_claims claims = { 0 };
    int rc = own_rows_claim(chain, metadata, ice_metadata_current(metadata), map, &claims, err);

    own_claims_deinit(&claims);
    return rc;
}
