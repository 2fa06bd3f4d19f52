// SPDX-License-Identifier: Apache-2.0
/*
 * sim.h: one simulated world: a log with a known content, the chain's tables in memory, two workers
 * a job in one thread and virtual time, and everything that may go wrong, drawn from one seed.
 *
 *   world.c     the world: produced records, registry, rules
 *   fault.c     faults in front of every port
 *   worker.c    jobs as processes that can be left, crashed and begun anew
 *   hands.c     foreign hands on files: append, compact; and retention
 *   edits.c     foreign hands on the document: expire, tag, roll back
 *   operator.c  what an operator does after a refusal
 *   run.c       the schedule, and draining
 *   check.c     what must hold at the end; reads the tables through oracle.h alone
 *   complete.c  complete-through against what the log has acknowledged, at any moment
 *   audited.c   the same once more by the audit that ships
 *   mutations.c clauses switched off one at a time
 */
#ifndef K2_TESTS_SIM_SIM_H
#define K2_TESTS_SIM_SIM_H

#include "core/arena.h"
#include "core/random.h"
#include "protocol/clause.h"
#include "sim/fault.h"
#include "sim/fiber.h"
#include "stage/bronze.h"
#include "stage/gold.h"
#include "stage/silver.h"
#include "stage/tables.h"

enum {
    SIM_EXCHANGES = 2,
    SIM_PARTITIONS_MAX = 2,
    SIM_SCHEMAS = 3,
    SIM_WINDOW_S = 2, /* dedup_window */
    SIM_TABLES = 6,
};

/* Tables by number: bronze and silver of each exchange, dead letters, gold. */
enum sim_table { SIM_BRONZE_0, SIM_BRONZE_1, SIM_SILVER_0, SIM_SILVER_1, SIM_DEAD, SIM_GOLD };

struct sim_exchange {
    const char *name; /* "binance" */
    const char *upper;
    int32_t partitions;
    struct tables_names names;
};

/* One record of the log, as the outside world knows it. */
struct sim_record {
    int exchange;
    int32_t partition;
    int64_t offset;
    struct span value;
    int64_t trade_number;
    int64_t timestamp_us;    /* of the trade */
    int64_t acknowledged_us; /* by the log */
    int64_t price_units;     /* at scale 8 */
    int schema;              /* 1.. */
    bool is_junk;            /* its bytes do not decode */
    bool is_decided_again;   /* by check.c: Gold has it still, Silver rightly has not */
    char message_id[UUID_TEXT_BYTES];
};

struct sim_registry {
    struct registry base;
    struct sim *sim;
};

enum sim_job { SIM_JOB_BRONZE, SIM_JOB_SILVER, SIM_JOB_GOLD, SIM_JOB_UPKEEP };

struct sim_worker {
    struct sim *sim;
    enum sim_job job;
    int exchange;
    enum sim_table table; /* UPKEEP */
    char name[48];
    struct fault_process process;
    bool is_running; /* a step is under way */
    struct fiber *fiber;
    union {
        struct bronze *bronze;
        struct silver *silver;
        struct gold *gold;
    } stage;
    struct chain_table upkeep;
    int rc; /* of the last step */
    struct err err;
};

enum { SIM_WORKERS_MAX = 24 };

struct sim {
    uint64_t seed;
    struct random random;
    struct arena arena;
    struct clock *clock;
    int64_t began_us;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct sim_registry registry;
    struct fault_world faults;
    struct sim_exchange exchange[SIM_EXCHANGES];
    bool by_snapshot;
    bool has_retention; /* Bronze deletes what all have read */

    struct sim_record *record;
    size_t record_count, record_capacity;
    int64_t next_trade;
    int64_t begin[SIM_EXCHANGES][SIM_PARTITIONS_MAX]; /* of the log, before anybody read it */
    int64_t end[SIM_EXCHANGES][SIM_PARTITIONS_MAX];

    bool registry_is_down;
    bool is_known[SIM_SCHEMAS + 1], is_broken[SIM_SCHEMAS + 1];
    struct trade_rules rules;
    struct stage_ports ports; /* template: ports of each worker are its own */
    size_t read_rows;         /* batch_rows of who reads tables: less, so that batches end inside */

    struct sim_worker *worker[SIM_WORKERS_MAX];
    size_t worker_count;
    struct err refused[16]; /* refusals that wait for the operator */
    size_t refused_count;
    bool is_rolled[SIM_TABLES];  /* ever rolled back, or set by the operator after it */
    bool is_skipped[SIM_TABLES]; /* ever set forward by the operator */
    bool is_bereft[SIM_TABLES];  /* ever robbed of files with rows of ours */
    int64_t retained[SIM_EXCHANGES]
                    [SIM_PARTITIONS_MAX]; /* the highest that Bronze ever answered from */
    bool is_compacted[SIM_TABLES];        /* sequence numbers no longer say which row came first */
    int64_t foreign;                      /* numbers of foreign rows */
    struct sim_trap {
        int64_t snapshot, offset; /* of a foreign row at the offset that comes next; 0: none */
    } trap;
    int naps; /* so far */
    bool is_traced;
    char broken[640]; /* what a job said that it must never say: the run ends there */
};

/* world.c */
void sim_init(struct sim *sim, uint64_t seed);
void sim_deinit(struct sim *sim);
void sim_produce(struct sim *sim);
void sim_lose_records(struct sim *sim); /* the log forgets what nobody may have read */
void sim_change_registry(struct sim *sim);
void sim_mend(struct sim *sim); /* registry and rules as they should be */
bool sim_chance(struct sim *sim, int percent);
int64_t sim_between(struct sim *sim, int64_t low, int64_t high); /* inclusive */
void sim_trace(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
void sim_break(struct sim *sim, const char *who, const char *what);

/* A chain table over the real ports, for foreign hands, operator and checker. */
void sim_open_table(struct sim *sim, enum sim_table table, struct chain_table *chain);
struct ice_definition sim_definition(struct sim *sim, enum sim_table table);
const char *sim_table_name(struct sim *sim, enum sim_table table);

/* worker.c */
void sim_hire(struct sim *sim);
void sim_fire_all(struct sim *sim);
/* One port call further; true while the step goes on. */
bool sim_advance(struct sim_worker *worker);
/* The last thing the process ever did; it begins anew at the next advance. */
void sim_crash(struct sim_worker *worker);

/* hands.c */
void sim_foreign_append(struct sim *sim, enum sim_table table);
void sim_append_row(struct sim *sim, enum sim_table table, int64_t offset);
void sim_foreign_compact(struct sim *sim, enum sim_table table);
/* Bronze's oldest rows that all have read are deleted, and k2.retained-from says so: in one commit,
 * as it must be. */
void sim_retain(struct sim *sim, int exchange);
/* Removes rows that foreigners appended, by rewriting their files; false when there are none. */
bool sim_remove_foreign(struct sim *sim, enum sim_table table);
/* Removes the live files without our key, whoever's rows they hold. */
void sim_remove_keyless(struct sim *sim, enum sim_table table);
/* The column by which an observer knows rows of foreigners: it says SIM_FOREIGN.  The jobs never
 * look there. */
#define SIM_FOREIGN "foreign"
enum { SIM_FOREIGN_OFFSETS = 1000000000 }; /* from here on none will ever be ours */
size_t sim_mark(enum sim_table table);
/* Rows of our own as they stand in the table, whatever file they are in: rows and high. */
struct sim_counts {
    struct position_offset entry[SIM_EXCHANGES][SIM_PARTITIONS_MAX];
};
void sim_count_own(struct sim *sim, enum sim_table table, struct sim_counts *counts);

/* edits.c */
void sim_foreign_expire(struct sim *sim, enum sim_table table);
void sim_foreign_tag(struct sim *sim, enum sim_table table);
void sim_foreign_trap(struct sim *sim);
/* If main is a compaction of others: what was before it. */
void sim_undo_compaction(struct sim *sim, enum sim_table table);
void sim_roll_back(struct sim *sim, enum sim_table table);

/* operator.c */
void sim_operate(struct sim *sim, const struct err *refused);

/* run.c */
/* True when all came to rest after the faults stopped. */
bool sim_run(struct sim *sim);
/* All jobs go on until nothing moves. */
bool sim_settle(struct sim *sim);

/* check.c: violations into text, one a line; their number. */
size_t sim_check(struct sim *sim, bool came_to_rest, struct buf *text);
/* Does k2.skipped among a table's properties say that this record was passed over by hand, and was
 * there a reason to: the log has lost it, or rows, or Bronze has let it go before Silver took it?
 */
struct json_object;
bool sim_is_skipped(const struct sim *sim, enum sim_table table, struct json_object *properties,
                    const struct sim_record *record);

/* complete.c: false, and what is wrong, when a table claims more than it has, or less than it
 * should: its complete-through lies before least_us. */
bool sim_check_complete(struct sim *sim, int64_t least_us, char broken[640]);

/* Is the row ours?  Not by the writer's key, which others drop. */
struct oracle_table;
bool sim_is_own(struct sim *sim, enum sim_table table, const struct oracle_table *of, size_t row);

/* audited.c: the same by `k2 audit`. */
size_t sim_audit(struct sim *sim, struct buf *text);

/* mutations.c */
void sim_switch_off(const enum clause *clauses, size_t count);
/* Switches off what the mutation of this name does; false when there is none. */
bool sim_mutate(const char *name);
/* All, or those whose name holds `only`; how many were missed. */
int sim_mutations(uint64_t first, uint64_t seeds, const char *only);

#endif
