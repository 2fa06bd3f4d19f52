// SPDX-License-Identifier: Apache-2.0
/*
 * bronze.c: read each partition from where the table says, write one file, commit rows and
 * positions in one swap.
 *
 * One ingestion_timestamp is stamped on a whole batch, so that all of it falls into one day's
 * partition and the files of a snapshot are in offset order within each partition (rule 6).  The
 * records' bytes are moved once, from the log's batch into the file.
 */
#include "stage/bronze.h"

#include "core/micros.h"
#include "core/num.h"
#include "protocol/clause.h"
#include "stage/tables.h"

#include <inttypes.h>
#include <string.h>

/* The note under way, and the one before, which the table's map has reached: it may have been
 * others who read that far, so that no snapshot carries it yet. */
enum { NOTE_NEW, NOTE_REACHED, NOTES };

struct bronze {
    struct stage_ports ports;
    struct arena names_arena;
    struct tables_names names;
    int32_t partitions;
    struct chain_table table;
    struct chain_table silver, dead_letters; /* looked at for how far they have read */
    int64_t downstream_us, idle_commit_us;
    bool is_topic_there;
    struct log_assignment ours; /* what the log hands to this process */
    uint64_t generation;        /* of `ours`, when it was checked last */
    uint64_t *checked;          /* of each partition: `checks` when it was ours and checked */
    uint64_t checks;
    size_t first_partition;           /* of ours, where the next batch begins to read */
    struct position_note note[NOTES]; /* rule 9; at_us 0: none yet */
    struct stage_counters counters;

    /* of the batch at hand */
    struct arena arena;
    struct positions map;
    struct log_batch records;
    struct column column[BRONZE_COLUMNS]; /* raw bytes, offset and timestamp are the log batch's */
    struct position_offset *moved;
    size_t moved_count;
    struct position_retained *retained;
    size_t retained_count;
    struct stage_files files;
};

static const enum column_type own_types[BRONZE_COLUMNS] = {
    [BRONZE_RAW_BYTES] = COLUMN_BYTES,       [BRONZE_TOPIC] = COLUMN_BYTES,
    [BRONZE_PARTITION] = COLUMN_INT32,       [BRONZE_OFFSET] = COLUMN_INT64,
    [BRONZE_KAFKA_TIMESTAMP] = COLUMN_INT64, [BRONZE_INGESTION_TIMESTAMP] = COLUMN_INT64,
    [BRONZE_INGESTION_DATE] = COLUMN_INT32,
};

struct bronze *bronze_new(const struct stage_ports *ports, const char *exchange, int32_t partitions)
{
    struct bronze *bronze = mem_zero(1, sizeof(*bronze));
    struct chain_origin origin = tables_bronze_origin();
    struct chain_origin silver_origin, dead_origin = tables_dead_letters_origin();
    struct ice_definition definition;

    bronze->ports = *ports;
    bronze->partitions = partitions;
    tables_names(&bronze->names, &bronze->names_arena, exchange);
    definition = tables_bronze(bronze->names.bronze);
    stage_chain_init(&bronze->table, ports, &definition, &origin);
    bronze->table.downstream_sequence = 0; /* all is kept until the first look */
    silver_origin = tables_silver_origin(bronze->names.topic);
    definition = tables_silver(bronze->names.silver);
    stage_chain_init(&bronze->silver, ports, &definition, &silver_origin);
    definition = tables_dead_letters();
    stage_chain_init(&bronze->dead_letters, ports, &definition, &dead_origin);
    log_batch_init(&bronze->records);
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_init(&bronze->column[i], own_types[i]);
    bronze->moved = mem_zero((size_t)partitions, sizeof(*bronze->moved));
    bronze->retained = mem_zero((size_t)partitions, sizeof(*bronze->retained));
    bronze->ours.partition = mem_zero((size_t)partitions, sizeof(*bronze->ours.partition));
    bronze->ours.capacity = (size_t)partitions;
    bronze->checked = mem_zero((size_t)partitions, sizeof(*bronze->checked));
    for (size_t i = 0; i < NOTES; i++)
        bronze->note[i] =
            (struct position_note){ .topic = bronze->names.topic,
                                    .first = mem_zero((size_t)partitions, sizeof(int64_t)),
                                    .end = mem_zero((size_t)partitions, sizeof(int64_t)),
                                    .count = partitions };
    return bronze;
}

void bronze_free(struct bronze *bronze)
{
    if (bronze == NULL)
        return;
    chain_deinit(&bronze->table);
    chain_deinit(&bronze->silver);
    chain_deinit(&bronze->dead_letters);
    log_batch_deinit(&bronze->records);
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_deinit(&bronze->column[i]);
    stage_files_deinit(&bronze->files);
    free(bronze->moved);
    free(bronze->retained);
    free(bronze->ours.partition);
    free(bronze->checked);
    for (size_t i = 0; i < NOTES; i++) {
        free(bronze->note[i].first);
        free(bronze->note[i].end);
    }
    arena_deinit(&bronze->arena);
    arena_deinit(&bronze->names_arena);
    free(bronze);
}

const struct stage_counters *bronze_counters(const struct bronze *bronze)
{
    return &bronze->counters;
}

struct chain_table *bronze_table(struct bronze *bronze)
{
    return &bronze->table;
}

/* Rule 4: the log is the one that was read before, and so is the topic. */
static int check_partition(struct bronze *bronze, const struct position_offset *entry,
                           struct err *err)
{
    if (strcmp(entry->cluster, bronze->ports.log->cluster) != 0)
        return err_set(err, ERR_REFUSED,
                       "%s: positions of topic %s are of log %s, this log is %s: a new log needs a "
                       "new data folder or, if its offsets go on above the old ones, `k2 positions "
                       "set %s latest`",
                       bronze->names.bronze, entry->topic, entry->cluster,
                       bronze->ports.log->cluster, bronze->names.bronze);
    return stage_check_taken(bronze->ports.log, bronze->names.bronze, entry, err);
}

/* What is ours to read now; of what was not before, that log and table belong together. */
static int take_assignment(struct bronze *bronze, struct err *err)
{
    struct log *log = bronze->ports.log;
    const char *topic = bronze->names.topic;
    uint64_t before = bronze->checks;
    int rc;

    if (!bronze->is_topic_there && log_ensure_topic(log, topic, bronze->partitions, err) != 0)
        return -1;
    bronze->is_topic_there = true;
    rc = log_assigned(log, topic, &bronze->ours, err);
    if (rc != 0)
        return rc < 0 ? -1 : err_set(err, ERR_RETRY, "topic %s is gone", topic);
    if (bronze->ours.generation == bronze->generation)
        return 0;
    bronze->checks++;
    for (size_t i = 0; i < bronze->ours.count; i++) {
        int32_t partition = bronze->ours.partition[i];
        const struct position_offset *entry = positions_offset(&bronze->map, topic, partition);

        if ((before == 0 || bronze->checked[partition] != before) && entry != NULL &&
            check_partition(bronze, entry, err) != 0)
            return -1;
        bronze->checked[partition] = bronze->checks;
    }
    bronze->generation = bronze->ours.generation;
    return 0;
}

static int refuse_out_of_range(struct bronze *bronze, int32_t partition, int64_t from,
                               struct err *err)
{
    int64_t first = 0;
    int64_t end = 0;

    if (log_bounds(bronze->ports.log, bronze->names.topic, partition, &first, &end, err) != 0)
        return -1;
    return err_set(err, ERR_REFUSED,
                   "%s: partition %" PRId32 " of topic %s: the position is %" PRId64
                   ", the log holds %" PRId64 " to %" PRId64 ": nothing is skipped silently, see "
                   "`k2 positions show`, then mend the log or `k2 positions set %s %s/%" PRId32
                   "=%s`",
                   from < first ? "log_starts_after_position" : "log_ends_before_position",
                   partition, bronze->names.topic, from, first, end, bronze->names.bronze,
                   bronze->names.topic, partition, from < first ? "earliest" : "latest");
}

static void note_moved(struct bronze *bronze, int32_t partition, int64_t from, int64_t next,
                       size_t first_row)
{
    const struct position_offset *old =
        positions_offset(&bronze->map, bronze->names.topic, partition);
    struct position_offset entry = { .last = POSITION_NONE, .high = POSITION_NONE };
    size_t rows = bronze->records.offset.rows - first_row;

    if (old != NULL)
        entry = *old;
    entry.topic = bronze->names.topic;
    entry.cluster = bronze->ports.log->cluster;
    entry.partition = partition;
    entry.next = next;
    entry.rows += (int64_t)rows;
    if (rows > 0) {
        entry.last = column_int64(&bronze->records.offset, first_row + rows - 1);
        entry.last_us = column_int64(&bronze->records.timestamp, first_row + rows - 1);
        entry.high = entry.last;
    }
    bronze->moved[bronze->moved_count++] = entry;
    if (old == NULL)
        bronze->retained[bronze->retained_count++] =
            (struct position_retained){ bronze->names.topic, partition, from };
}

/* Where a partition is to be read from: its position; where it was begun before a rollback; or at a
 * first start the earliest. */
static int start_of(struct bronze *bronze, int32_t partition, int64_t *from, struct err *err)
{
    const struct position_offset *entry =
        positions_offset(&bronze->map, bronze->names.topic, partition);
    int64_t end;

    *from = entry != NULL ? entry->next
                          : positions_retained_or(&bronze->map, bronze->names.topic, partition, -1);
    if (*from >= 0)
        return 0;
    if (log_bounds(bronze->ports.log, bronze->names.topic, partition, from, &end, err) != 0)
        return -1;
    return 0;
}

static int read_partition(struct bronze *bronze, int32_t partition, struct err *err)
{
    struct log_batch *records = &bronze->records;
    size_t first_row = records->offset.rows;
    int64_t from, next;
    int rc;

    if (start_of(bronze, partition, &from, err) != 0)
        return -1;
    rc = log_read(bronze->ports.log, bronze->names.topic, partition, from,
                  bronze->ports.batch_rows - first_row,
                  bronze->ports.batch_bytes - records->value.values.size, records, &next, err);
    if (rc == LOG_OUT_OF_RANGE)
        return refuse_out_of_range(bronze, partition, from, err);
    if (rc != 0)
        return rc < 0 ? -1 : err_set(err, ERR_RETRY, "topic %s is gone", bronze->names.topic);
    if (next > from) {
        note_moved(bronze, partition, from, next, first_row);
        column_repeat_int32(&bronze->column[BRONZE_PARTITION], partition,
                            records->offset.rows - first_row);
    }
    return 0;
}

static bool is_full(const struct bronze *bronze)
{
    return bronze->records.offset.rows >= bronze->ports.batch_rows ||
           bronze->records.value.values.size >= bronze->ports.batch_bytes;
}

static int read_batch(struct bronze *bronze, struct err *err)
{
    const struct log_assignment *ours = &bronze->ours;

    log_batch_clear(&bronze->records);
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        column_clear(&bronze->column[i]);
    bronze->moved_count = 0;
    bronze->retained_count = 0;
    for (size_t i = 0; i < ours->count; i++) {
        size_t at = (bronze->first_partition + i) % ours->count;

        if (is_full(bronze)) {
            bronze->first_partition = at;
            break;
        }
        if (read_partition(bronze, ours->partition[at], err) != 0)
            return -1;
    }
    return 0;
}

/*
 * Rule 9: the time, then where each partition ends, also those that others read and those without
 * records.  Whatever the log had acknowledged before that time lies below these ends.  A note
 * stands until the map reaches it: under a backlog that takes many batches.
 */
static int note_ends(struct bronze *bronze, struct err *err)
{
    int64_t now_us = clock_now_us(bronze->ports.table.clock);
    struct position_note *note = &bronze->note[NOTE_NEW];
    int rc;

    if (note->at_us != 0) {
        struct position_note reached = *note;

        if (!positions_reach(&bronze->map, note))
            return 0;
        *note = bronze->note[NOTE_REACHED];
        bronze->note[NOTE_REACHED] = reached;
    }
    note->at_us = 0;
    rc = log_bounds_all(bronze->ports.log, note->topic, note->count, note->first, note->end, err);
    if (rc == 0)
        note->at_us = now_us;
    return rc <= 0 ? rc : err_set(err, ERR_RETRY, "topic %s is gone", note->topic);
}

/* Rule 9's time is old, and could be newer although nothing moves: true that it is to be committed
 * alone. */
static bool is_complete_due(const struct bronze *bronze)
{
    int64_t every_us = bronze->ports.complete_commit_us;

    for (size_t i = 0; every_us > 0 && i < ARRAY_LEN(bronze->note); i++)
        if (bronze->note[i].at_us - bronze->map.complete_us >= every_us &&
            positions_reach(&bronze->map, &bronze->note[i]))
            return true;
    return false;
}

/* Mutation of rule 6: two files that interleave in offsets, as rows stamped singly would. */
static int write_interleaved(struct bronze *bronze, const struct column *const *columns,
                             const int32_t *partition, struct err *err)
{
    struct column part[BRONZE_COLUMNS];
    const struct column *parts[BRONZE_COLUMNS];
    uint32_t *index = arena_zero(&bronze->arena, columns[0]->rows, sizeof(*index));
    int rc = 0;

    for (size_t odd = 2; odd-- > 0 && rc == 0;) {
        size_t count = 0;

        for (size_t row = odd; row < columns[0]->rows; row += 2)
            index[count++] = (uint32_t)row;
        for (size_t i = 0; i < BRONZE_COLUMNS; i++) {
            column_init(&part[i], columns[i]->type);
            column_gather(&part[i], columns[i], index, count);
            parts[i] = &part[i];
        }
        rc = stage_write_files(&bronze->table, &bronze->arena, parts, 0, count, partition, 0, 0,
                               false, &bronze->files, err);
        for (size_t i = 0; i < BRONZE_COLUMNS; i++)
            column_deinit(&part[i]);
    }
    return rc;
}

static int write_files(struct bronze *bronze, struct err *err)
{
    struct column *own = bronze->column;
    size_t rows = bronze->records.offset.rows;
    int64_t now_us = clock_now_us(bronze->ports.table.clock);
    int32_t day = micros_day(now_us);
    const struct column *columns[BRONZE_COLUMNS];

    bronze->files.count = 0;
    if (rows == 0)
        return 0;
    column_repeat_bytes(&own[BRONZE_TOPIC], span_text(bronze->names.topic), rows);
    column_repeat_int64(&own[BRONZE_INGESTION_TIMESTAMP], now_us, rows);
    column_repeat_int32(&own[BRONZE_INGESTION_DATE], day, rows);
    for (size_t i = 0; i < BRONZE_COLUMNS; i++)
        columns[i] = &own[i];
    columns[BRONZE_RAW_BYTES] = &bronze->records.value;
    columns[BRONZE_OFFSET] = &bronze->records.offset;
    columns[BRONZE_KAFKA_TIMESTAMP] = &bronze->records.timestamp;
    if (!clause_on(CLAUSE_ONE_STAMP_A_BATCH))
        return write_interleaved(bronze, columns, &day, err);
    return stage_write_files(&bronze->table, &bronze->arena, columns, 0, rows, &day,
                             bronze->ports.file_rows, 0, false, &bronze->files, err);
}

static int load(struct bronze *bronze, struct err *err)
{
    struct stage_reader readers[] = { { &bronze->silver, bronze->names.bronze },
                                      { &bronze->dead_letters, bronze->names.bronze } };

    if (stage_is_due(bronze->ports.table.clock, bronze->ports.downstream_look_us,
                     &bronze->downstream_us))
        stage_look_downstream(&bronze->table, readers, ARRAY_LEN(readers));
    arena_reset(&bronze->arena);
    positions_init(&bronze->map, &bronze->arena);
    if (bronze->table.table.metadata == NULL && stage_ensure_table(&bronze->table, err) != 0)
        return -1;
    return chain_load(&bronze->table, &bronze->arena, &bronze->map, err);
}

/* Rule 1: what moves a position without rows, or nothing but rule 9's time, is committed seldom. */
static bool is_worth_a_commit(struct bronze *bronze)
{
    if (bronze->moved_count == 0)
        return is_complete_due(bronze);
    return bronze->records.offset.rows > 0 ||
           stage_is_due(bronze->ports.table.clock, bronze->ports.idle_commit_us,
                        &bronze->idle_commit_us);
}

int bronze_step(struct bronze *bronze, struct err *err)
{
    struct commit_batch batch = { .planned = &bronze->map };
    int rc = load(bronze, err);

    if (rc == 0)
        rc = take_assignment(bronze, err);
    if (rc == 0)
        rc = note_ends(bronze, err);
    if (rc == 0)
        rc = read_batch(bronze, err);
    if (rc != 0)
        return rc < 0 ? -1 : err_set(err, ERR_RETRY, "table %s is gone", bronze->names.bronze);
    if (!clause_on(CLAUSE_NOTE_BEFORE_ENDS))
        bronze->note[NOTE_NEW].at_us = clock_now_us(bronze->ports.table.clock);
    if (!is_worth_a_commit(bronze))
        return STAGE_IDLE;
    if (write_files(bronze, err) != 0)
        return -1;
    batch.offset = bronze->moved;
    batch.offset_count = bronze->moved_count;
    batch.retained = bronze->retained;
    batch.retained_count = bronze->retained_count;
    batch.note = bronze->note;
    batch.note_count = NOTES;
    batch.file = bronze->files.file;
    batch.file_count = bronze->files.count;
    rc = stage_commit(&bronze->table, &batch, err);
    if (rc == 0) {
        bronze->counters.batches++;
        bronze->counters.rows += (int64_t)bronze->records.offset.rows;
        bronze->counters.is_full = is_full(bronze);
    } else if (rc == STAGE_LOST) {
        bronze->counters.lost++;
    }
    return rc;
}
