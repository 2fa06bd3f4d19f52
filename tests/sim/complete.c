// SPDX-License-Identifier: Apache-2.0
/*
 * complete.c: rule 9's complete-through, held at any moment against what the log has acknowledged:
 * a table that says T lacks no record of before T.  Reads the tables through oracle.h alone.
 *
 * What an operator has skipped is no claim.  What a foreign rollback has just taken away is
 * nobody's claim until the table's own job, or the one that depends on it, has looked: such a
 * moment is passed over.
 */
#include "sim/sim.h"

#include "core/micros.h"
#include "sim/oracle.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#define WINDOW_US (SIM_WINDOW_S * INT64_C(1000000))

struct claim {
    struct json_object *root;    /* the metadata document; NULL: no such table */
    struct json_object *summary; /* of our newest snapshot on main's chain, or NULL */
    bool is_settled;             /* the properties are that snapshot's: no rollback unseen */
    int64_t through_us;          /* 0: none */
    struct oracle_table table;
};

struct scene {
    struct sim *sim;
    struct arena arena;
    struct claim claim[SIM_TABLES];
    bool knows_letters[SIM_EXCHANGES]; /* Silver has seen all rollbacks of the dead letters, ... */
    bool knows_silver[SIM_EXCHANGES];  /* ... Gold those of Silver */
    char *broken;                      /* the first violation; 640 bytes */
};

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = json_object_object_get(object, key);

    return value == NULL ? "" : json_object_get_string(value);
}

static struct json_object *snapshot_of(struct json_object *root, const char *key_of_id,
                                       struct json_object *from)
{
    struct json_object *list = json_object_object_get(root, "snapshots");
    int64_t id = json_object_get_int64(json_object_object_get(from, key_of_id));

    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
        struct json_object *snapshot = json_object_array_get_idx(list, i);

        if (json_object_get_int64(json_object_object_get(snapshot, "snapshot-id")) == id)
            return snapshot;
    }
    return NULL;
}

static void load(struct scene *scene, enum sim_table table)
{
    struct sim *sim = scene->sim;
    struct claim *claim = &scene->claim[table];
    struct catalog_table now = { BUF_INIT, BUF_INIT };
    struct json_object *at, *properties;
    struct err err;

    if (catalog_load(sim->catalog, sim->ports.space, sim_table_name(sim, table), NULL, &now,
                     &err) == 0) {
        claim->root = json_tokener_parse(buf_text(&now.metadata));
        oracle_read(&scene->arena, sim->store, arena_copy(&scene->arena, buf_span(&now.metadata)),
                    &claim->table);
        at = snapshot_of(claim->root, "current-snapshot-id", claim->root);
        while (at != NULL && text_of(json_object_object_get(at, "summary"), "k2.commit-id")[0] == 0)
            at = snapshot_of(claim->root, "parent-snapshot-id", at);
        properties = json_object_object_get(claim->root, "properties");
        claim->summary = at == NULL ? NULL : json_object_object_get(at, "summary");
        claim->is_settled =
            claim->summary != NULL && strcmp(text_of(claim->summary, "k2.commit-id"),
                                             text_of(properties, "k2.commit-id")) == 0;
        if (claim->summary != NULL &&
            !micros_parse(span_text(text_of(claim->summary, "k2.complete-through")),
                          &claim->through_us))
            claim->through_us = 0;
        if (claim->is_settled && strcmp(text_of(claim->summary, "k2.complete-through"),
                                        text_of(properties, "k2.complete-through")) != 0)
            snprintf(scene->broken, 640, "%s: summary and property say another complete-through",
                     sim_table_name(sim, table));
    }
    catalog_table_deinit(&now);
}

/* The epoch of its input that a table goes by; 0 when it names none. */
static int64_t epoch_taken(const struct scene *scene, enum sim_table table, enum sim_table input)
{
    struct json_object *inputs =
        json_tokener_parse(text_of(scene->claim[table].summary, "k2.inputs"));
    struct json_object *entry = json_object_object_get(inputs, sim_table_name(scene->sim, input));
    int64_t epoch = json_object_get_int64(json_object_object_get(entry, "epoch"));

    json_object_put(inputs);
    return epoch;
}

/* Has `table` seen all rollbacks of `input`? */
static bool knows(const struct scene *scene, enum sim_table table, enum sim_table input)
{
    const struct claim *claim = &scene->claim[input];

    return claim->is_settled && scene->claim[table].summary != NULL &&
           epoch_taken(scene, table, input) ==
               strtoll(text_of(claim->summary, "k2.epoch"), NULL, 10);
}

static void learn(struct scene *scene)
{
    for (int x = 0; x < SIM_EXCHANGES; x++) {
        enum sim_table silver = (enum sim_table)(SIM_SILVER_0 + x);

        scene->knows_letters[x] = knows(scene, silver, SIM_DEAD);
        scene->knows_silver[x] = knows(scene, SIM_GOLD, silver);
    }
}

static const struct oracle_cell *cell(const struct oracle_table *table, size_t row,
                                      const char *column)
{
    return &table->row[row].cell[oracle_column(table, column)];
}

/* Our row of a record, or row_count. */
static size_t find_row(const struct scene *scene, enum sim_table table,
                       const struct sim_record *record)
{
    static const char *const columns[][3] = { { "topic", "partition", "offset" },
                                              { NULL, "kafka_partition", "kafka_offset" },
                                              { "kafka_topic", "kafka_partition",
                                                "kafka_offset" } };
    const char *const *column = columns[table / 2];
    const struct oracle_table *of = &scene->claim[table].table;
    struct span topic = span_text(scene->sim->exchange[record->exchange].names.topic);

    for (size_t row = 0; row < of->row_count; row++)
        if (sim_is_own(scene->sim, table, of, row) &&
            cell(of, row, column[1])->integer == record->partition &&
            cell(of, row, column[2])->integer == record->offset &&
            (column[0] == NULL || span_equal(cell(of, row, column[0])->text, topic)))
            return row;
    return of->row_count;
}

static bool has_row(const struct scene *scene, enum sim_table table,
                    const struct sim_record *record)
{
    return find_row(scene, table, record) < scene->claim[table].table.row_count;
}

static bool same_trade(const struct oracle_table *a, size_t row, const struct oracle_table *b,
                       size_t other)
{
    int64_t apart = cell(a, row, "timestamp")->integer - cell(b, other, "timestamp")->integer;

    return apart >= -WINDOW_US && apart <= WINDOW_US &&
           span_equal(cell(a, row, "message_id")->text, cell(b, other, "message_id")->text) &&
           cell(a, row, "price")->integer == cell(b, other, "price")->integer &&
           cell(a, row, "quantity")->integer == cell(b, other, "quantity")->integer &&
           span_equal(cell(a, row, "side")->text, cell(b, other, "side")->text);
}

static bool is_in_gold(const struct scene *scene, enum sim_table silver, size_t row)
{
    const struct oracle_table *gold = &scene->claim[SIM_GOLD].table;

    for (size_t i = 0; i < gold->row_count; i++)
        if (same_trade(&scene->claim[silver].table, row, gold, i))
            return true;
    return false;
}

static bool is_skipped(const struct scene *scene, enum sim_table table,
                       const struct sim_record *record)
{
    return sim_is_skipped(scene->sim, table,
                          json_object_object_get(scene->claim[table].root, "properties"), record);
}

/* Does the record lie below what Bronze answers for? */
static bool is_retained_no_more(const struct scene *scene, enum sim_table bronze,
                                const struct sim_record *record)
{
    struct json_object *topics =
        json_tokener_parse(text_of(scene->claim[bronze].summary, "k2.retained-from"));
    struct json_object *topic =
        json_object_object_get(topics, scene->sim->exchange[record->exchange].names.topic);
    char partition[16];
    int64_t from;

    snprintf(partition, sizeof(partition), "%" PRId32, record->partition);
    from = json_object_get_int64(json_object_object_get(topic, partition));
    json_object_put(topics);
    return record->offset < from;
}

static void check_record(struct scene *scene, const struct sim_record *record)
{
    enum sim_table bronze = (enum sim_table)(SIM_BRONZE_0 + record->exchange);
    enum sim_table silver = (enum sim_table)(SIM_SILVER_0 + record->exchange);
    int64_t at = record->acknowledged_us;
    bool knows_letters = scene->knows_letters[record->exchange];
    bool is_claimed[SIM_TABLES];
    const char *lacking = NULL;
    size_t row;

    if (is_skipped(scene, bronze, record))
        return;
    for (int table = 0; table < SIM_TABLES; table++)
        is_claimed[table] = at < scene->claim[table].through_us;
    if (is_claimed[bronze] && !is_retained_no_more(scene, bronze, record) &&
        !has_row(scene, bronze, record))
        lacking = sim_table_name(scene->sim, bronze);
    if (!is_claimed[silver] && !is_claimed[SIM_GOLD])
        goto out;
    row = find_row(scene, silver, record);
    if (row < scene->claim[silver].table.row_count) {
        if (is_claimed[SIM_GOLD] && scene->knows_silver[record->exchange] &&
            !is_in_gold(scene, silver, row))
            lacking = sim_table_name(scene->sim, SIM_GOLD);
    } else if (knows_letters && !has_row(scene, SIM_DEAD, record) &&
               !is_skipped(scene, silver, record) && !is_skipped(scene, SIM_DEAD, record)) {
        if (is_claimed[silver])
            lacking = sim_table_name(scene->sim, silver);
        else if (is_claimed[SIM_GOLD] && scene->knows_silver[record->exchange] &&
                 !scene->sim->is_rolled[SIM_DEAD]) /* a dead letter that is gone is no trade */
            lacking = sim_table_name(scene->sim, SIM_GOLD);
    }
out:
    if (lacking != NULL)
        snprintf(scene->broken, 640,
                 "%s is said to be complete and lacks partition %" PRId32 " offset %" PRId64
                 " of %s, acknowledged at %" PRId64,
                 lacking, record->partition, record->offset,
                 scene->sim->exchange[record->exchange].name, at);
}

bool sim_check_complete(struct sim *sim, int64_t least_us, char broken[640])
{
    struct scene scene = { .sim = sim, .broken = broken };

    broken[0] = 0;
    for (int table = 0; table < SIM_TABLES; table++)
        load(&scene, (enum sim_table)table);
    learn(&scene);
    for (size_t i = 0; i < sim->record_count && broken[0] == 0; i++)
        check_record(&scene, &sim->record[i]);
    for (int table = 0; table < SIM_TABLES && broken[0] == 0; table++)
        if (table != SIM_DEAD && scene.claim[table].through_us < least_us)
            snprintf(broken, 640, "%s: complete-through stays behind at %" PRId64 " of %" PRId64,
                     sim_table_name(sim, (enum sim_table)table), scene.claim[table].through_us,
                     least_us);
    for (int table = 0; table < SIM_TABLES; table++)
        json_object_put(scene.claim[table].root);
    arena_deinit(&scene.arena);
    return broken[0] == 0;
}
