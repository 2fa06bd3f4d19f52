// SPDX-License-Identifier: Apache-2.0
/* verdict.c: decode row by row into columns, judge by columns, keep the good rows in place. */
#include "stage/verdict.h"

#include "core/diag.h"
#include "core/hash.h"
#include "core/num.h"
#include "protocol/clause.h"
#include "protocol/offset_set.h"

#include <inttypes.h>

void verdict_init(struct verdict *verdict, struct registry *registry,
                  const struct trade_rules *rules)
{
    *verdict = (struct verdict){ .registry = registry, .rules = rules };
    trade_batch_init(&verdict->trades);
    column_init(&verdict->schema_id, COLUMN_INT32);
    column_init(&verdict->narrow[0], COLUMN_DECIMAL);
    column_init(&verdict->narrow[1], COLUMN_DECIMAL);
    column_init(&verdict->stamp[0], COLUMN_INT64);
    column_init(&verdict->stamp[1], COLUMN_BYTES);
}

void verdict_deinit(struct verdict *verdict)
{
    trade_batch_deinit(&verdict->trades);
    column_deinit(&verdict->schema_id);
    for (size_t i = 0; i < 2; i++) {
        column_deinit(&verdict->narrow[i]);
        column_deinit(&verdict->stamp[i]);
    }
    free(verdict->reason);
    free(verdict->good);
    free(verdict->bad);
    free(verdict->schemas.entry);
    arena_deinit(&verdict->schemas.arena);
}

static void reserve_rows(struct verdict *verdict, size_t rows)
{
    if (rows <= verdict->capacity)
        return;
    verdict->reason = mem_realloc(verdict->reason, rows, sizeof(*verdict->reason));
    verdict->good = mem_realloc(verdict->good, rows, sizeof(*verdict->good));
    verdict->bad = mem_realloc(verdict->bad, rows, sizeof(*verdict->bad));
    verdict->capacity = rows;
}

/* -- schemas */

/* The id's entry, or the free one where it belongs. */
static struct schema_cache_entry *cache_slot(const struct schema_cache *cache, int32_t id)
{
    size_t at = hash_mix((uint32_t)id, 0) & (cache->capacity - 1);

    while (cache->entry[at].is_used && cache->entry[at].id != id)
        at = (at + 1) & (cache->capacity - 1);
    return &cache->entry[at];
}

/* Into a table of this capacity. */
static void cache_rehash(struct schema_cache *cache, size_t capacity, bool keep_absent)
{
    struct schema_cache old = *cache;

    cache->entry = mem_zero(capacity, sizeof(*cache->entry));
    cache->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.entry[i].is_used && (keep_absent || !old.entry[i].is_absent))
            *cache_slot(cache, old.entry[i].id) = old.entry[i];
    }
    free(old.entry);
}

static void cache_forget_absent(struct schema_cache *cache)
{
    if (cache->absent_count == 0)
        return;
    cache->count -= cache->absent_count;
    cache->absent_count = 0;
    cache_rehash(cache, cache->capacity, false);
}

static void cache_add(struct schema_cache *cache, const struct schema_cache_entry *entry)
{
    if (2 * cache->count >= cache->capacity)
        cache_rehash(cache, size_max(16, 2 * cache->capacity), true);
    *cache_slot(cache, entry->id) = *entry;
    cache->count++;
    cache->absent_count += entry->is_absent;
}

/* A decoder that was handed out before is not in use when the next is asked for. */
static void cache_bound(struct schema_cache *cache)
{
    if (cache->count - cache->absent_count < SCHEMA_CACHE_IDS &&
        cache->arena.used < SCHEMA_CACHE_BYTES)
        return;
    free(cache->entry);
    arena_deinit(&cache->arena);
    *cache = (struct schema_cache){ 0 };
}

/* A schema that is not Avro, or of which no record can be a trade, has a NULL decoder: its records
 * are dead letters, and why is said once, here. */
static const struct trade_decoder *compile(struct schema_cache *cache, int32_t id, struct span json)
{
    const struct avro_schema *schema;
    const struct trade_decoder *decoder;
    struct buf missing = BUF_INIT;
    struct err err;

    if (avro_schema_parse(&cache->arena, arena_copy(&cache->arena, json), &schema, &err) != 0 ||
        trade_decoder_compile(&cache->arena, schema, &decoder, &err) != 0) {
        diag_err(DIAG_WARN, "schema_unreadable", &err, "schema_id=%" PRId32, id);
        return NULL;
    }
    trade_decoder_missing(decoder, &missing);
    if (missing.size > 0)
        diag(DIAG_WARN, "schema_incomplete", "schema_id=%" PRId32 " missing=%s", id,
             buf_text(&missing));
    buf_deinit(&missing);
    return decoder;
}

static int ask(struct verdict *verdict, int32_t id, struct schema_cache_entry *entry,
               struct err *err)
{
    struct buf json = BUF_INIT;
    int rc = registry_get(verdict->registry, id, &json, err);

    *entry = (struct schema_cache_entry){ .id = id, .is_used = true };
    if (rc < 0 && !clause_on(CLAUSE_OUTAGE_WAITS))
        rc = REGISTRY_ABSENT;
    entry->is_absent = rc == REGISTRY_ABSENT;
    if (rc == 0)
        entry->decoder = compile(&verdict->schemas, id, buf_span(&json));
    buf_deinit(&json);
    return rc < 0 ? err_wrap(err, "schema %" PRId32, id) : 0;
}

/* One question for each id and batch. */
static int find_schema(struct verdict *verdict, int32_t id, struct schema_cache_entry *entry,
                       struct err *err)
{
    struct schema_cache *cache = &verdict->schemas;

    if (cache->capacity > 0) {
        *entry = *cache_slot(cache, id);
        if (entry->is_used)
            return 0;
    }
    cache_bound(cache);
    if (ask(verdict, id, entry, err) < 0)
        return -1;
    cache_add(cache, entry);
    return 0;
}

/* -- decoding */

static enum trade_reason decode_row(struct verdict *verdict,
                                    const struct schema_cache_entry *schema, struct span body)
{
    struct err rejected;

    if (schema->is_absent)
        return TRADE_SCHEMA_NOT_FOUND;
    if (schema->decoder == NULL ||
        trade_decode(schema->decoder, body, &verdict->trades, &rejected) != 0)
        return TRADE_DESERIALIZATION_FAILED;
    return TRADE_GOOD;
}

static int decode(struct verdict *verdict, const struct bronze_rows *rows, struct err *err)
{
    const struct column *raw = &rows->column[BRONZE_RAW_BYTES];
    size_t count = bronze_rows_count(rows);
    struct schema_cache_entry schema = { 0 }; /* of the row before: ids come in runs */

    trade_batch_clear(&verdict->trades);
    column_clear(&verdict->schema_id);
    reserve_rows(verdict, count);
    cache_forget_absent(&verdict->schemas);
    for (size_t row = 0; row < count; row++) {
        struct span body;
        int32_t id;

        verdict->reason[row] = TRADE_DESERIALIZATION_FAILED;
        if (column_is_null(raw, row) || !trade_decode_header(column_bytes(raw, row), &id, &body)) {
            column_put_null(&verdict->schema_id);
            trade_batch_put_nulls(&verdict->trades);
            continue;
        }
        column_put_int32(&verdict->schema_id, id);
        if ((!schema.is_used || schema.id != id) && find_schema(verdict, id, &schema, err) < 0)
            return -1;
        verdict->reason[row] = (uint8_t)decode_row(verdict, &schema, body);
        if (verdict->reason[row] != TRADE_GOOD)
            trade_batch_put_nulls(&verdict->trades);
    }
    return 0;
}

static void split(struct verdict *verdict, size_t count)
{
    verdict->good_count = 0;
    verdict->bad_count = 0;
    for (size_t row = 0; row < count; row++) {
        if (verdict->reason[row] == TRADE_GOOD)
            verdict->good[verdict->good_count++] = (uint32_t)row;
        else
            verdict->bad[verdict->bad_count++] = (uint32_t)row;
    }
}

int verdict_judge(struct verdict *verdict, const struct bronze_rows *rows, struct err *err)
{
    if (decode(verdict, rows, err) != 0)
        return -1;
    trade_check(verdict->rules, &verdict->trades, &rows->column[BRONZE_INGESTION_TIMESTAMP],
                &rows->column[BRONZE_KAFKA_TIMESTAMP], verdict->reason);
    split(verdict, bronze_rows_count(rows));
    return 0;
}

/* Can Silver's columns hold the row, whatever else is wrong with it by today's rules? */
static bool can_be_stored(const struct verdict *verdict, size_t row)
{
    static const enum trade_reason unstorable[] = {
        TRADE_DESERIALIZATION_FAILED,
        TRADE_PRICE_NOT_REPRESENTABLE,
        TRADE_QUANTITY_NOT_REPRESENTABLE,
    };
    const struct column *columns = verdict->trades.column;

    for (size_t i = 0; i < ARRAY_LEN(unstorable); i++)
        if (verdict->reason[row] == unstorable[i])
            return false;
    for (size_t i = 0; i < TRADE_FIELDS; i++)
        if (i != TRADE_SOURCE_SEQUENCE && i != TRADE_PLATFORM_SEQUENCE && i != TRADE_VENDOR_DATA &&
            column_is_null(&columns[i], row))
            return false;
    return true;
}

int verdict_follow(struct verdict *verdict, const struct bronze_rows *rows,
                   const struct offset_set *held, struct err *err)
{
    const struct column *partition = &rows->column[BRONZE_PARTITION];
    const struct column *offset = &rows->column[BRONZE_OFFSET];

    if (verdict_judge(verdict, rows, err) != 0)
        return -1;
    for (size_t row = 0; row < bronze_rows_count(rows); row++) {
        int32_t p = column_int32(partition, row);
        int64_t at = column_int64(offset, row);

        if (offset_set_has(held, p, at)) {
            verdict->reason[row] = TRADE_DESERIALIZATION_FAILED;
            continue;
        }
        if (verdict->reason[row] == TRADE_SCHEMA_NOT_FOUND)
            return err_set(err, ERR_RETRY,
                           "partition %" PRId32 " offset %" PRId64 " was decided to be good; its "
                           "schema is not in the registry now",
                           p, at);
        if (!can_be_stored(verdict, row))
            return err_set(err, ERR_REFUSED,
                           "verdict_changed: partition %" PRId32 " offset %" PRId64 " was decided "
                           "to be good and is now %s: put the schema right in the registry",
                           p, at, trade_check_reason_text(verdict->reason[row]));
        verdict->reason[row] = TRADE_GOOD;
    }
    split(verdict, bronze_rows_count(rows));
    return 0;
}

static void keep(struct verdict *verdict, struct column *column)
{
    column_keep(column, 0, verdict->good, verdict->good_count);
}

void verdict_silver_columns(struct verdict *verdict, struct bronze_rows *rows, int64_t now_us,
                            const struct column *columns[SILVER_COLUMNS])
{
    struct column *trade = verdict->trades.column;
    const struct trade_decimal decimals[2] = { verdict->rules->price, verdict->rules->quantity };
    const enum trade_field fields[2] = { TRADE_PRICE, TRADE_QUANTITY };

    for (size_t i = 0; i < TRADE_FIELDS; i++) {
        if (i != TRADE_PRICE && i != TRADE_QUANTITY)
            keep(verdict, &trade[i]);
        columns[i] = &trade[i];
    }
    for (size_t i = 0; i < 2; i++) {
        column_clear(&verdict->narrow[i]);
        trade_check_narrow(decimals[i], &trade[fields[i]], verdict->good, verdict->good_count,
                           &verdict->narrow[i]);
        columns[fields[i]] = &verdict->narrow[i];
        column_clear(&verdict->stamp[i]);
    }
    keep(verdict, &rows->column[BRONZE_INGESTION_TIMESTAMP]);
    keep(verdict, &rows->column[BRONZE_PARTITION]);
    keep(verdict, &rows->column[BRONZE_OFFSET]);
    keep(verdict, &verdict->schema_id);
    column_repeat_int64(&verdict->stamp[0], now_us, verdict->good_count);
    column_repeat_null(&verdict->stamp[1], verdict->good_count);
    columns[SILVER_VALIDATION_TIMESTAMP] = &verdict->stamp[0];
    columns[SILVER_BRONZE_INGESTION_TIMESTAMP] = &rows->column[BRONZE_INGESTION_TIMESTAMP];
    columns[SILVER_SCHEMA_ID] = &verdict->schema_id;
    columns[SILVER_KAFKA_PARTITION] = &rows->column[BRONZE_PARTITION];
    columns[SILVER_KAFKA_OFFSET] = &rows->column[BRONZE_OFFSET];
    columns[SILVER_REPLAY_ID] = &verdict->stamp[1];
}
