// SPDX-License-Identifier: Apache-2.0
/* dead_letters.c: a dead letter keeps the raw bytes, why, and where they came from. */
#include "stage/dead_letters.h"

#include "core/micros.h"

static const enum column_type types[DEAD_COLUMNS] = {
    [DEAD_RAW_RECORD] = COLUMN_BYTES,      [DEAD_ERROR_REASON] = COLUMN_BYTES,
    [DEAD_ERROR_TYPE] = COLUMN_BYTES,      [DEAD_ERROR_TIMESTAMP] = COLUMN_INT64,
    [DEAD_BRONZE_SOURCE] = COLUMN_BYTES,   [DEAD_KAFKA_TOPIC] = COLUMN_BYTES,
    [DEAD_KAFKA_PARTITION] = COLUMN_INT32, [DEAD_KAFKA_OFFSET] = COLUMN_INT64,
    [DEAD_SCHEMA_ID] = COLUMN_INT32,       [DEAD_DATE] = COLUMN_INT32,
};

void dead_letters_init(struct dead_letters *dead)
{
    for (size_t i = 0; i < DEAD_COLUMNS; i++)
        column_init(&dead->column[i], types[i]);
}

void dead_letters_deinit(struct dead_letters *dead)
{
    for (size_t i = 0; i < DEAD_COLUMNS; i++)
        column_deinit(&dead->column[i]);
}

/* What is the same in all rows of a batch. */
static void stamp(struct dead_letters *dead, size_t count, const char *source, const char *topic,
                  int64_t now_us)
{
    column_repeat_int64(&dead->column[DEAD_ERROR_TIMESTAMP], now_us, count);
    column_repeat_int32(&dead->column[DEAD_DATE], micros_day(now_us), count);
    column_repeat_bytes(&dead->column[DEAD_BRONZE_SOURCE], span_text(source), count);
    column_repeat_bytes(&dead->column[DEAD_KAFKA_TOPIC], span_text(topic), count);
}

static void clear(struct dead_letters *dead)
{
    for (size_t i = 0; i < DEAD_COLUMNS; i++)
        column_clear(&dead->column[i]);
}

void dead_letters_from_bronze(struct dead_letters *dead, const struct verdict *verdict,
                              const struct bronze_rows *rows, const uint32_t *index, size_t count,
                              const char *bronze_source, const char *topic, int64_t now_us)
{
    struct column *to = dead->column;

    clear(dead);
    stamp(dead, count, bronze_source, topic, now_us);
    column_gather(&to[DEAD_RAW_RECORD], &rows->column[BRONZE_RAW_BYTES], index, count);
    column_gather(&to[DEAD_KAFKA_PARTITION], &rows->column[BRONZE_PARTITION], index, count);
    column_gather(&to[DEAD_KAFKA_OFFSET], &rows->column[BRONZE_OFFSET], index, count);
    column_gather(&to[DEAD_SCHEMA_ID], &verdict->schema_id, index, count);
    for (size_t i = 0; i < count; i++) {
        enum trade_reason reason = verdict->reason[index[i]];
        bool is_lost = reason == TRADE_GOOD;

        column_put_bytes(&to[DEAD_ERROR_REASON], is_lost
                                                     ? SPAN("decision_lost")
                                                     : span_text(trade_check_reason_text(reason)));
        column_put_bytes(&to[DEAD_ERROR_TYPE],
                         is_lost ? SPAN("recovery") : span_text(trade_check_type_text(reason)));
    }
}

void dead_letters_from_frames(struct dead_letters *dead, const struct log_batch *frames,
                              const char *source, const char *topic, int64_t now_us)
{
    struct column *to = dead->column;
    size_t count = frames->offset.rows;

    clear(dead);
    stamp(dead, count, source, topic, now_us);
    column_append(&to[DEAD_RAW_RECORD], &frames->value, 0, count);
    column_append(&to[DEAD_KAFKA_OFFSET], &frames->offset, 0, count);
    column_repeat_int32(&to[DEAD_KAFKA_PARTITION], 0, count);
    column_repeat_null(&to[DEAD_SCHEMA_ID], count);
    column_repeat_bytes(&to[DEAD_ERROR_TYPE], SPAN("ingest"), count);
    for (size_t row = 0; row < count; row++) {
        struct span reason = SPAN("unknown");

        if (column_is_null(&frames->headers, row) ||
            !log_headers_get(column_bytes(&frames->headers, row), "k2-reason", &reason))
            reason = SPAN("unknown");
        column_put_bytes(&to[DEAD_ERROR_REASON], reason);
    }
}

int dead_letters_write(struct dead_letters *dead, struct chain_table *table, struct arena *arena,
                       size_t file_rows, struct stage_files *files, struct err *err)
{
    const struct column *columns[DEAD_COLUMNS];
    size_t rows = dead->column[DEAD_DATE].rows;
    int32_t day;

    if (rows == 0)
        return 0;
    day = column_int32(&dead->column[DEAD_DATE], 0);
    for (size_t i = 0; i < DEAD_COLUMNS; i++)
        columns[i] = &dead->column[i];
    return stage_write_files(table, arena, columns, 0, rows, &day, file_rows, 0, false, files, err);
}
