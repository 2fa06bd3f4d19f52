// SPDX-License-Identifier: Apache-2.0
/* stage.c: files of a batch, and what is looked up at a start or now and then. */
#include "stage/stage.h"

#include "core/diag.h"
#include "core/num.h"
#include "stage/tables.h"

#include <inttypes.h>

enum { ZSTD_LEVEL_STREAMING = 1 };

void stage_chain_init(struct chain_table *chain, const struct stage_ports *ports,
                      const struct ice_definition *definition, const struct chain_origin *origin)
{
    chain_init(chain, &ports->table, ports->space, definition, origin, ports->worker);
    if (ports->delta)
        table_use_delta(&chain->table);
    if (ports->keep_newest > 0)
        chain->keep_newest = ports->keep_newest;
    if (ports->keep_for_readers > 0)
        chain->keep_for_readers = ports->keep_for_readers;
}

static void files_add(struct stage_files *files, const struct ice_data_file *file)
{
    if (files->count == files->capacity) {
        files->capacity = size_max(8, 2 * files->capacity);
        files->file = mem_realloc(files->file, files->capacity, sizeof(*files->file));
    }
    files->file[files->count++] = file;
}

void stage_files_deinit(struct stage_files *files)
{
    free(files->file);
    *files = (struct stage_files){ 0 };
}

int stage_write_files(struct chain_table *chain, struct arena *arena,
                      const struct column *const *columns, size_t first, size_t count,
                      const int32_t *partition, size_t file_rows, int64_t row_group_rows,
                      bool sorted, struct stage_files *files, struct err *err)
{
    struct table_file_options options = { .zstd_level = ZSTD_LEVEL_STREAMING,
                                          .row_group_rows = row_group_rows,
                                          .sorted = sorted };
    size_t end = first + count;

    options.pairs = tables_footer(&options.pair_count);
    while (first < end) {
        size_t rows = file_rows == 0 ? end - first : size_min(file_rows, end - first);
        struct ice_data_file *file;

        if (table_write_file(&chain->table, arena, columns, first, rows, partition, &options, &file,
                             err) != 0)
            return -1;
        files_add(files, file);
        first += rows;
    }
    return 0;
}

int stage_ensure_table(struct chain_table *chain, struct err *err)
{
    size_t count;
    const struct ice_pair *properties = tables_properties(&chain->table.definition, &count);

    return table_ensure(&chain->table, properties, count, err);
}

int stage_commit(struct chain_table *chain, const struct commit_batch *batch, struct err *err)
{
    int rc = commit_run(chain, batch, err);

    return rc == COMMIT_LOST ? STAGE_LOST : rc;
}

int stage_check_taken(struct log *log, const char *table, const struct position_offset *entry,
                      struct err *err)
{
    int64_t timestamp_us;
    int rc;

    if (entry->last == POSITION_NONE)
        return 0;
    rc = log_timestamp_at(log, entry->topic, entry->partition, entry->last, &timestamp_us, err);
    if (rc == LOG_ABSENT || rc < 0)
        return rc < 0 ? -1 : 0;
    if (timestamp_us == entry->last_us)
        return 0;
    return err_set(err, ERR_REFUSED,
                   "topic_recreated: %s: partition %" PRId32 " of topic %s has another record at "
                   "offset %" PRId64 " than the one taken: no position mends that, a re-created "
                   "topic needs a new name",
                   table, entry->partition, entry->topic, entry->last);
}

bool stage_is_due(struct clock *clock, int64_t every_us, int64_t *last_us)
{
    int64_t now = clock_now_us(clock);

    if (*last_us != 0 && now - *last_us < every_us && now >= *last_us)
        return false;
    *last_us = now;
    return true;
}

/* How far a reader has read.  One that reads the live files of a snapshot needs those since. */
static int64_t sequence_of(const struct chain_table *chain, const struct position_input *entry)
{
    const struct ice_snapshot *listed = NULL;

    if (entry == NULL)
        return 0;
    if (entry->listed > 0 && chain->table.metadata != NULL)
        listed = ice_metadata_snapshot(chain->table.metadata, entry->listed);
    return listed == NULL ? entry->sequence : listed->sequence;
}

void stage_look_downstream(struct chain_table *chain, struct stage_reader *readers, size_t count)
{
    struct arena arena = ARENA_INIT;
    struct err err = { 0 };
    int64_t sequence = INT64_MAX;
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct position_input *entry;
        struct positions map;

        positions_init(&map, &arena);
        rc = chain_load(readers[i].reader, &arena, &map, &err);
        if (rc < 0)
            break;
        entry = rc == 0 ? positions_input(&map, readers[i].input) : NULL;
        sequence = int64_min(sequence, sequence_of(chain, entry));
        rc = 0;
    }
    if (rc == 0)
        chain->downstream_sequence = sequence;
    else
        diag_err(DIAG_WARN, "downstream_unknown", &err, "table=%s", chain->table.definition.name);
    arena_deinit(&arena);
}
