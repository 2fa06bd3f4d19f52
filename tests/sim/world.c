// SPDX-License-Identifier: Apache-2.0
/* world.c: what is produced, and what the registry says of it at any moment. */
#include "sim/sim.h"

#include "core/micros.h"
#include "trade/trade_encode.h"
#include "trade/trade_id.h"
#include "trade/trade_schema.h"

#include <inttypes.h>
#include <stdarg.h>

#define NOW_US (INT64_C(20463) * MICROS_DAY + 11 * MICROS_HOUR) /* 2026-01-10T11:00Z */

bool sim_chance(struct sim *sim, int percent)
{
    return random_below(&sim->random, 100) < (uint64_t)percent;
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(&sim->random, (uint64_t)(high - low + 1));
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->is_traced)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void sim_break(struct sim *sim, const char *who, const char *what)
{
    if (sim->broken[0] == 0)
        snprintf(sim->broken, sizeof(sim->broken), "%s: %s", who, what);
}

/* -- registry */

static void put_schema(int32_t id, bool is_broken, struct buf *schema)
{
    struct span v2 = trade_schema_json();

    ASSERT(v2.size > 2 && v2.data[v2.size - 2] == ']');
    /* The same fields under another text; broken: one more field than the bytes have. */
    buf_put(schema, v2.data, v2.size - 2);
    if (is_broken)
        buf_put_text(schema, ",{\"name\":\"more\",\"type\":\"long\"}");
    buf_printf(schema, "],\"doc\":\"%" PRId32 "\"}", id);
}

static int registry_put_never(struct registry *registry, const char *subject, struct span schema,
                              int32_t *id, struct err *err)
{
    (void)registry, (void)subject, (void)schema, (void)id;
    return err_set(err, ERR_FATAL, "nothing registers here");
}

static int registry_answer(struct registry *registry, int32_t id, struct buf *schema,
                           struct err *err)
{
    struct sim *sim = ((struct sim_registry *)registry)->sim;

    if (sim->registry_is_down)
        return err_set(err, ERR_RETRY, "the registry is down");
    if (id < 1 || id > SIM_SCHEMAS || !sim->is_known[id])
        return REGISTRY_ABSENT;
    put_schema(id, sim->is_broken[id], schema);
    return 0;
}

static void registry_no_close(struct registry *registry)
{
    (void)registry;
}

void sim_change_registry(struct sim *sim)
{
    int one = (int)sim_between(sim, 2, SIM_SCHEMAS);

    switch (sim_between(sim, 0, 3)) {
    case 0:
        sim->registry_is_down = !sim->registry_is_down;
        break;
    case 1:
        sim->is_known[one] = !sim->is_known[one];
        break;
    case 2:
        sim->rules.age_us_max = sim_between(sim, 4, 9) * MICROS_DAY + MICROS_DAY / 2;
        break;
    default:
        sim->is_broken[one] = !sim->is_broken[one];
    }
    sim_trace(sim, "registry down=%d known=%d%d broken=%d%d age=%" PRId64, sim->registry_is_down,
              sim->is_known[2], sim->is_known[3], sim->is_broken[2], sim->is_broken[3],
              sim->rules.age_us_max / MICROS_DAY);
}

void sim_mend(struct sim *sim)
{
    sim->registry_is_down = false;
    for (int i = 1; i <= SIM_SCHEMAS; i++) {
        sim->is_known[i] = true;
        sim->is_broken[i] = false;
    }
}

/* -- records */

static struct sim_record *add_record(struct sim *sim)
{
    if (sim->record_count == sim->record_capacity) {
        sim->record_capacity = sim->record_capacity == 0 ? 64 : 2 * sim->record_capacity;
        sim->record = mem_realloc(sim->record, sim->record_capacity, sizeof(*sim->record));
    }
    sim->record[sim->record_count] = (struct sim_record){ 0 };
    return &sim->record[sim->record_count++];
}

/* A trade of up to nine days ago, or a copy of a recent one whose time is off by up to the window.
 */
static void draw_trade(struct sim *sim, struct sim_record *record, int exchange)
{
    const struct sim_record *recent[12];
    size_t count = 0;

    for (size_t i = sim->record_count - 1; i-- > 0 && count < ARRAY_LEN(recent);)
        if (sim->record[i].exchange == exchange)
            recent[count++] = &sim->record[i];
    if (count > 0 && sim_chance(sim, 45)) {
        const struct sim_record *of = recent[random_below(&sim->random, count)];

        *record = *of;
        record->timestamp_us += sim_between(sim, -SIM_WINDOW_S, SIM_WINDOW_S) * MICROS_SECOND;
        if (sim_chance(sim, 10))
            record->price_units += 1; /* the same id with another price: kept */
    } else {
        clock_mem_advance(sim->clock, sim_between(sim, 0, 2) * MICROS_SECOND);
        record->trade_number = ++sim->next_trade;
        record->timestamp_us = clock_now_us(sim->clock) - sim_between(sim, 0, 9) * MICROS_DAY;
        record->price_units = sim_between(sim, 1, 1000) * 100;
    }
    record->exchange = exchange;
    record->schema = (int)sim_between(sim, 1, 5);
    record->schema = record->schema > SIM_SCHEMAS ? 1 : record->schema;
    record->is_junk = sim_chance(sim, 6);
}

static void encode(struct sim *sim, struct sim_record *record)
{
    const struct sim_exchange *exchange = &sim->exchange[record->exchange];
    struct trade_id_prefix prefix = trade_id_prefix(span_text(exchange->upper), SPAN("BTCUSDT"));
    struct trade trade = { .exchange = span_text(exchange->upper),
                           .symbol = SPAN("BTCUSDT"),
                           .currency = SPAN("USDT"),
                           .trade_id = record->trade_number,
                           .timestamp_us = record->timestamp_us,
                           .price = (int128)record->price_units * 10000000000,
                           .quantity = (int128)1000000000000000,
                           .side = TRADE_BUY,
                           .ingestion_timestamp_us = clock_now_us(sim->clock) };
    struct buf bytes = BUF_INIT;

    ASSERT(trade_id_format(&prefix, record->trade_number, trade.message_id));
    memcpy(record->message_id, trade.message_id, sizeof(record->message_id));
    trade_encode(&trade, record->schema, &bytes);
    if (record->is_junk)
        bytes.size -= 7;
    record->value = arena_copy(&sim->arena, buf_span(&bytes));
    buf_deinit(&bytes);
}

/* Not where Bronze retains: of what lies below nobody can say that it never was. */
static void skip_offsets(struct sim *sim, int x, int32_t p, int64_t gap)
{
    if (sim->has_retention)
        return;
    log_mem_skip(sim->log, sim->exchange[x].names.topic, p, gap);
    sim->end[x][p] += gap;
}

void sim_produce(struct sim *sim)
{
    int x = (int)sim_between(sim, 0, SIM_EXCHANGES - 1);
    int64_t count = sim_between(sim, 1, 4);
    int32_t p = 0;

    for (int64_t i = 0; i < count; i++) {
        struct sim_record *record = add_record(sim);
        struct log_record out;
        struct err err;

        p = (int32_t)sim_between(sim, 0, sim->exchange[x].partitions - 1);
        draw_trade(sim, record, x);
        encode(sim, record);
        if (sim_chance(sim, 10))
            skip_offsets(sim, x, p, sim_between(sim, 1, 2));
        record->partition = p;
        record->offset = sim->end[x][p]++;
        record->acknowledged_us = clock_now_us(sim->clock);
        out = (struct log_record){ .partition = p,
                                   .timestamp_us = clock_now_us(sim->clock),
                                   .value = record->value };
        if (log_send(sim->log, sim->exchange[x].names.topic, &out, 1, &err) != 0)
            abort();
    }
    if (sim_chance(sim, 10))
        skip_offsets(sim, x, p, 1);
}

/* -- tables */

const char *sim_table_name(struct sim *sim, enum sim_table table)
{
    return sim_definition(sim, table).name;
}

struct ice_definition sim_definition(struct sim *sim, enum sim_table table)
{
    switch (table) {
    case SIM_BRONZE_0:
    case SIM_BRONZE_1:
        return tables_bronze(sim->exchange[table - SIM_BRONZE_0].names.bronze);
    case SIM_SILVER_0:
    case SIM_SILVER_1:
        return tables_silver(sim->exchange[table - SIM_SILVER_0].names.silver);
    case SIM_DEAD:
        return tables_dead_letters();
    default:
        return tables_gold();
    }
}

void sim_open_table(struct sim *sim, enum sim_table table, struct chain_table *chain)
{
    struct ice_definition definition = sim_definition(sim, table);
    struct chain_origin origin = tables_gold_origin();

    if (table <= SIM_BRONZE_1)
        origin = tables_bronze_origin();
    else if (table <= SIM_SILVER_1)
        origin = tables_silver_origin(sim->exchange[table - SIM_SILVER_0].names.topic);
    else if (table == SIM_DEAD)
        origin = tables_dead_letters_origin();
    stage_chain_init(chain, &sim->ports, &definition, &origin);
}

/* Has Bronze ever begun the partition?  Before that it begins where the log does. */
static bool is_begun(struct sim *sim, int x, int32_t partition)
{
    struct chain_table bronze;
    struct arena arena = ARENA_INIT;
    struct positions map;
    struct err err;
    bool is_begun;

    sim_open_table(sim, (enum sim_table)(SIM_BRONZE_0 + x), &bronze);
    positions_init(&map, &arena);
    bronze.is_uncounted = true;
    is_begun =
        chain_load(&bronze, &arena, &map, &err) == 0 &&
        positions_retained_or(&map, sim->exchange[x].names.topic, partition, POSITION_NONE) >= 0;
    chain_deinit(&bronze);
    arena_deinit(&arena);
    return is_begun;
}

void sim_lose_records(struct sim *sim)
{
    int x = (int)sim_between(sim, 0, SIM_EXCHANGES - 1);
    int32_t p = (int32_t)sim_between(sim, 0, sim->exchange[x].partitions - 1);
    int64_t below = sim->end[x][p] - sim_between(sim, 0, 6);
    struct err err;

    if (!is_begun(sim, x, p))
        return;
    sim_trace(sim, "log forgets %s partition %" PRId32 " below %" PRId64,
              sim->exchange[x].names.topic, p, below);
    if (log_retain(sim->log, sim->exchange[x].names.topic, p, below, INT64_MAX, &err) != 0)
        abort();
}

/* -- the whole */

static const struct registry_ops registry_ops = { registry_put_never, registry_answer,
                                                  registry_no_close, NULL };

/* Half of the logs have let go of what came before the tables. */
static void begin_log(struct sim *sim, const char *topic, int32_t partition, int64_t *begin)
{
    const struct log_record before = { .partition = partition, .value = SPAN("before") };
    int64_t end;
    struct err err;

    if (sim_chance(sim, 50)) {
        log_mem_skip(sim->log, topic, partition, sim_between(sim, 1, 50));
        if (log_send(sim->log, topic, &before, 1, &err) != 0 ||
            log_retain(sim->log, topic, partition, INT64_MAX, INT64_MAX, &err) != 0)
            abort();
    }
    if (log_bounds(sim->log, topic, partition, begin, &end, &err) != 0 || *begin != end)
        abort();
}

static void make_exchanges(struct sim *sim)
{
    static const struct {
        const char *name, *upper;
        int32_t partitions;
    } all[SIM_EXCHANGES] = { { "binance", "BINANCE", 2 }, { "kraken", "KRAKEN", 1 } };
    struct err err;

    for (int x = 0; x < SIM_EXCHANGES; x++) {
        sim->exchange[x].name = all[x].name;
        sim->exchange[x].upper = all[x].upper;
        sim->exchange[x].partitions = all[x].partitions;
        tables_names(&sim->exchange[x].names, &sim->arena, all[x].name);
        if (log_ensure_topic(sim->log, sim->exchange[x].names.topic, all[x].partitions, &err) != 0)
            abort();
        for (int32_t p = 0; p < all[x].partitions; p++) {
            begin_log(sim, sim->exchange[x].names.topic, p, &sim->begin[x][p]);
            sim->end[x][p] = sim->begin[x][p];
        }
    }
}

void sim_init(struct sim *sim, uint64_t seed)
{
    static const int percents[] = { 0, 10, 30 };

    *sim = (struct sim){ .seed = seed, .random = { seed * 7919 + 17 } };
    sim->began_us = NOW_US;
    sim->clock = clock_mem_open(sim->began_us, seed);
    sim->store = store_mem_open();
    store_mem_stamp(sim->store, sim->clock);
    sim->by_snapshot = sim_chance(sim, 50);
    sim->has_retention = random_below(&(struct random){ seed }, 4) == 0; /* a stream of its own */
    sim->catalog = catalog_mem_open(sim->store, sim->clock, sim->by_snapshot);
    sim->log = log_mem_open(seed);
    sim->registry = (struct sim_registry){ { &registry_ops }, sim };
    sim_mend(sim);
    make_exchanges(sim);
    sim->rules = TRADE_RULES_DEFAULT;
    sim->rules.age_us_max = 7 * MICROS_DAY + MICROS_DAY / 2;
    sim->faults = (struct fault_world){ .random = &sim->random,
                                        .percent = percents[sim_between(sim, 0, 2)],
                                        .store = sim->store,
                                        .catalog = sim->catalog,
                                        .log = sim->log,
                                        .registry = &sim->registry.base };
    sim->ports = (struct stage_ports){ .table = { sim->catalog, sim->store, sim->clock },
                                       .log = sim->log,
                                       .registry = &sim->registry.base,
                                       .space = "market_data",
                                       .worker = "sim",
                                       .batch_rows = (size_t)sim_between(sim, 2, 8),
                                       .batch_bytes = 1 << 20,
                                       .file_rows = (size_t)sim_between(sim, 1, 4),
                                       .idle_commit_us = 60 * MICROS_SECOND,
                                       .complete_commit_us = 60 * MICROS_SECOND,
                                       .downstream_look_us = 5 * MICROS_SECOND,
                                       .keep_newest = 3,
                                       .keep_for_readers = 8 };
    sim->read_rows = (size_t)sim_between(sim, 1, (int64_t)sim->ports.batch_rows);
    sim_hire(sim);
}

void sim_deinit(struct sim *sim)
{
    sim->is_traced = false;
    sim_fire_all(sim);
    while (fault_apply_late(&sim->faults)) {
    }
    free(sim->record);
    catalog_close(sim->catalog);
    log_close(sim->log);
    store_close(sim->store);
    clock_close(sim->clock);
    arena_deinit(&sim->arena);
}
