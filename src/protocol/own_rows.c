// SPDX-License-Identifier: Apache-2.0
/* own_rows.c: walks the live files, keeps those with our writer's key, and reads the columns of
 * origin.  Counting goes by (topic, partition) in a small table grown as partitions turn up. */
#include "protocol/own_rows.h"

#include "core/num.h"

#include <inttypes.h>

bool own_rows_is_ours(const struct table_reader *reader)
{
    return parquet_file_pair(&reader->file, CHAIN_WRITER_KEY).data != NULL;
}

struct walk {
    struct chain_table *chain;
    const struct own_rows_visitor *visitor;
    struct table_reader reader;
    struct column topic, partition, offset;
    size_t foreign; /* files that the visitor wanted and that are not ours */
};

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

static int visit_file(void *context, const struct ice_data_file *file, struct err *err)
{
    struct walk *walk = context;
    const struct own_rows_visitor *visitor = walk->visitor;
    int rc;

    if (visitor->wants != NULL && !visitor->wants(visitor->context, file))
        return 0;
    rc = table_reader_open(&walk->reader, &walk->chain->table, file, err);
    if (rc != 0)
        return rc;
    if (!own_rows_is_ours(&walk->reader)) {
        walk->foreign++;
        return 0;
    }
    rc = read_origin(walk, err);
    if (rc != 0)
        return rc;
    return visitor->visit(visitor->context, file,
                          walk->chain->origin.topic >= 0 ? &walk->topic : NULL, &walk->partition,
                          &walk->offset, err);
}

int own_rows_visit(struct chain_table *chain, const struct ice_metadata *metadata,
                   const struct positions *map, const struct own_rows_visitor *visitor,
                   struct err *err)
{
    struct walk walk = { .chain = chain, .visitor = visitor };
    const struct ice_file_visitor files = { visit_file, &walk };
    const struct ice_snapshot *current = ice_metadata_current(metadata);
    int rc = 0;

    column_init(&walk.topic, COLUMN_BYTES);
    column_init(&walk.partition, COLUMN_INT32);
    column_init(&walk.offset, COLUMN_INT64);
    if (current != NULL)
        rc = table_visit_live(&chain->table, current, &files, err);
    table_reader_deinit(&walk.reader);
    column_deinit(&walk.topic);
    column_deinit(&walk.partition);
    column_deinit(&walk.offset);
    if (rc == 0 && walk.foreign > 0 && map != NULL)
        rc = own_rows_check(chain, metadata, map, err);
    return rc;
}

/* -- the check of rule 4 */

struct tally {
    struct arena arena;
    struct positions found; /* rows and high counted; next unused */
    const char *only_topic;
};

/* Adds a run of rows of one partition. */
static void count_run(struct tally *tally, const char *topic, int32_t partition, int64_t rows,
                      int64_t high)
{
    struct position_offset entry = {
        .topic = topic, .cluster = "", .partition = partition, .high = POSITION_NONE
    };
    const struct position_offset *old = positions_offset(&tally->found, topic, partition);

    if (old != NULL)
        entry = *old;
    entry.rows += rows;
    entry.high = int64_max(entry.high, high);
    positions_set_offset(&tally->found, &entry);
}

static int count_file(void *context, const struct ice_data_file *file, const struct column *topic,
                      const struct column *partition, const struct column *offset, struct err *err)
{
    struct tally *tally = context;
    const char *name = tally->only_topic;
    size_t row = 0;

    (void)file;
    (void)err;
    while (row < offset->rows) {
        int64_t rows = 0;
        int64_t high = POSITION_NONE;
        size_t first = row;

        if (column_is_null(offset, row) || column_is_null(partition, row)) {
            row++;
            continue;
        }
        if (topic != NULL &&
            (name == NULL || !span_equal(span_text(name), column_bytes(topic, row))))
            name = arena_text(&tally->arena, column_bytes(topic, row));
        while (
            row < offset->rows && !column_is_null(offset, row) && !column_is_null(partition, row) &&
            column_int32(partition, row) == column_int32(partition, first) &&
            (topic == NULL || span_equal(column_bytes(topic, row), column_bytes(topic, first)))) {
            rows++;
            high = int64_max(high, column_int64(offset, row));
            row++;
        }
        count_run(tally, name, column_int32(partition, first), rows, high);
    }
    return 0;
}

static int compare(const struct chain_table *chain, const struct position_offset *told,
                   const struct position_offset *found, struct err *err)
{
    int64_t want = told == NULL ? 0 : told->rows;
    int64_t have = found == NULL ? 0 : found->rows;
    int64_t want_high = told == NULL ? POSITION_NONE : told->high;
    int64_t have_high = found == NULL ? POSITION_NONE : found->high;
    const struct position_offset *any = told != NULL ? told : found;

    if (want == have && (have == 0 || want_high == have_high))
        return 0;
    return err_set(err, ERR_REFUSED,
                   "%s: %s: topic %s partition %" PRId32 ": the map says %" PRId64
                   " rows up to offset %" PRId64 ", the table holds %" PRId64 " up to %" PRId64
                   "; see `k2 positions show`, then mend the table or `k2 positions set`",
                   chain->table.definition.name, have < want ? "rows_lost" : "foreign_rows",
                   any->topic, any->partition, want, want_high, have, have_high);
}

int own_rows_check(struct chain_table *chain, const struct ice_metadata *metadata,
                   const struct positions *map, struct err *err)
{
    struct tally tally = { .only_topic = chain->origin.only_topic };
    const struct own_rows_visitor visitor = { .visit = count_file, .context = &tally };
    int rc;

    positions_init(&tally.found, &tally.arena);
    rc = own_rows_visit(chain, metadata, NULL, &visitor, err);
    if (rc > 0)
        rc = err_set(err, ERR_RETRY, "%s: a live file is gone", chain->table.definition.name);
    for (size_t i = 0; rc == 0 && i < map->offset_count; i++)
        rc = compare(chain, &map->offset[i],
                     positions_offset(&tally.found, map->offset[i].topic, map->offset[i].partition),
                     err);
    for (size_t i = 0; rc == 0 && i < tally.found.offset_count; i++)
        if (positions_offset(map, tally.found.offset[i].topic, tally.found.offset[i].partition) ==
            NULL)
            rc = compare(chain, NULL, &tally.found.offset[i], err);
    arena_deinit(&tally.arena);
    return rc;
}
