// SPDX-License-Identifier: Apache-2.0
/* set_positions.c: the words are read, each table that has to go along is opened, and the wanted
 * map is made beside the one found; protocol/setting.c commits the difference. */
#include "stage/set_positions.h"

#include "core/num.h"
#include "protocol/setting.h"
#include "stage/tables.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum place_kind { PLACE_BRONZE, PLACE_DEAD, PLACE_SILVER, PLACE_GOLD, PLACES };

struct place {
    struct chain_table chain;
    struct setting setting;
    bool is_open, is_there;
};

struct set_positions {
    const struct stage_ports *ports;
    const char *const *exchanges;
    size_t exchange_count;
    struct arena arena;
    struct tables_names names; /* of the exchange that is set */
    struct place place[PLACES];
    enum place_kind target;
    bool is_by_rows; /* the target's property may say what its rows do not */
};

enum { ASKED_MAX = 100000 }; /* offsets that the log is asked for */

/* One word: a partition and where to. */
enum goal { TO_OFFSET, TO_EARLIEST, TO_LATEST };

struct wish {
    const char *topic;
    int32_t partition;
    enum goal goal;
    int64_t offset;
};

struct set_positions *set_positions_new(const struct stage_ports *ports,
                                        const char *const *exchanges, size_t exchange_count)
{
    struct set_positions *set = mem_zero(1, sizeof(*set));

    set->ports = ports;
    set->exchanges = exchanges;
    set->exchange_count = exchange_count;
    return set;
}

void set_positions_free(struct set_positions *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        if (set->place[i].is_open)
            chain_deinit(&set->place[i].chain);
    arena_deinit(&set->arena);
    free(set);
}

/* -- tables */

static void define(const struct set_positions *set, enum place_kind kind,
                   struct ice_definition *definition, struct chain_origin *origin)
{
    switch (kind) {
    case PLACE_BRONZE:
        *definition = tables_bronze(set->names.bronze);
        *origin = tables_bronze_origin();
        return;
    case PLACE_SILVER:
        *definition = tables_silver(set->names.silver);
        *origin = tables_silver_origin(set->names.topic);
        return;
    case PLACE_DEAD:
        *definition = tables_dead_letters();
        *origin = tables_dead_letters_origin();
        return;
    default:
        *definition = tables_gold();
        *origin = tables_gold_origin();
    }
}

/* Opens a table once; one that is absent has an empty map. */
static int open_place(struct set_positions *set, enum place_kind kind, struct err *err)
{
    struct place *place = &set->place[kind];
    struct ice_definition definition;
    struct chain_origin origin;
    int rc;

    if (place->is_open)
        return 0;
    define(set, kind, &definition, &origin);
    stage_chain_init(&place->chain, set->ports, &definition, &origin);
    place->chain.downstream_sequence = 0; /* nothing that a reader may need is dropped */
    place->is_open = true;
    rc = setting_open(&place->setting, &place->chain, &set->arena,
                      set->is_by_rows && kind == set->target, err);
    place->is_there = rc == 0;
    return rc < 0 ? -1 : 0;
}

/* The table that is set itself must be there. */
static int open_target(struct set_positions *set, struct err *err)
{
    const struct place *place = &set->place[set->target];

    if (open_place(set, set->target, err) != 0)
        return -1;
    if (!place->is_there)
        return err_set(err, ERR_CONFIG, "table %s does not exist yet",
                       place->chain.table.definition.name);
    return 0;
}

/* -- words */

static bool is_number(const char *text, int64_t max, int64_t *value)
{
    char *end = NULL;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    *value = number;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && number <= max;
}

static bool parse_goal(const char *text, struct wish *wish)
{
    wish->goal = TO_OFFSET;
    if (strcmp(text, "earliest") == 0)
        wish->goal = TO_EARLIEST;
    else if (strcmp(text, "latest") == 0)
        wish->goal = TO_LATEST;
    else
        return is_number(text, INT64_MAX - 1, &wish->offset);
    return true;
}

/* TOPIC/PARTITION=GOAL */
static bool parse_wish(struct set_positions *set, const char *word, struct wish *wish)
{
    const char *equals = strrchr(word, '=');
    char *place, *slash;
    int64_t number;

    if (equals == NULL || !parse_goal(equals + 1, wish))
        return false;
    place = arena_text(&set->arena, span_of(word, (size_t)(equals - word)));
    slash = strrchr(place, '/');
    if (slash == NULL || slash == place || !is_number(slash + 1, INT32_MAX, &number))
        return false;
    *slash = 0;
    wish->topic = place;
    wish->partition = (int32_t)number;
    return true;
}

static int refuse_word(const char *word, const char *expected, struct err *err)
{
    return err_set(err, ERR_CONFIG, "expected %s, not \"%s\"", expected, word);
}

/* "bronze-binance" or "bronze_binance_trades" */
static bool is_named(const char *target, const char *job, const char *exchange, const char *table)
{
    size_t size = strlen(job);

    return strcmp(target, table) == 0 || (strncmp(target, job, size) == 0 && target[size] == '-' &&
                                          strcmp(target + size + 1, exchange) == 0);
}

static int find_target(struct set_positions *set, const char *target, struct err *err)
{
    for (size_t i = 0; i < set->exchange_count; i++) {
        tables_names(&set->names, &set->arena, set->exchanges[i]);
        set->target = PLACE_BRONZE;
        if (is_named(target, "bronze", set->exchanges[i], set->names.bronze))
            return 0;
        set->target = PLACE_SILVER;
        if (is_named(target, "silver", set->exchanges[i], set->names.silver))
            return 0;
    }
    set->target = PLACE_GOLD;
    if (strcmp(target, "gold") == 0 || strcmp(target, TABLES_GOLD) == 0)
        return 0;
    set->target = PLACE_DEAD;
    if (strcmp(target, "dead-letters") == 0 || strcmp(target, TABLES_DEAD_LETTERS) == 0)
        return 0;
    return err_set(err, ERR_CONFIG,
                   "\"%s\" is no table: expected gold, dead-letters, bronze-EXCHANGE, "
                   "silver-EXCHANGE, or the name of such a table",
                   target);
}

/* Is this a topic of raw frames, which the dead letters take from the log? */
static bool is_raw(struct set_positions *set, const char *topic)
{
    struct tables_names names;

    for (size_t i = 0; i < set->exchange_count; i++) {
        tables_names(&names, &set->arena, set->exchanges[i]);
        if (strcmp(topic, names.dead_topic) == 0)
            return true;
    }
    return false;
}

/* -- positions */

static const char *name_of(const struct set_positions *set, enum place_kind kind)
{
    return set->place[kind].chain.table.definition.name;
}

/* Where Silver or the dead letters stand, as the silver job reads their maps. */
static int64_t stands_at(const struct set_positions *set, enum place_kind kind, int32_t partition)
{
    const struct positions *map = &set->place[kind].setting.before;
    const struct position_offset *entry = positions_offset(map, set->names.topic, partition);

    if (entry != NULL)
        return entry->next;
    return positions_retained_or(
        map, set->names.topic, partition,
        positions_retained(&set->place[PLACE_BRONZE].setting.before, set->names.topic, partition));
}

static void begin_epoch(struct setting *setting)
{
    setting->after.epoch = setting->before.epoch + 1;
}

/* Back to `to`, where nobody's row of the partition stands any more. */
static int go_back(struct setting *setting, const char *topic, int32_t partition, int64_t to,
                   const char *cluster, struct err *err)
{
    struct position_offset entry = setting_entry(setting, topic, partition, cluster);
    enum own_level level;
    int64_t ours, others;

    if (setting_count(setting, err) != 0)
        return -1;
    level = setting_level(setting, topic, partition);
    setting_rows(setting, topic, partition, OWN_KEYED, level, to, INT64_MAX, &ours);
    setting_rows(setting, topic, partition, level + 1, OWN_APPENDED, to, entry.next, &others);
    if (ours != POSITION_NONE || others != POSITION_NONE)
        return err_set(err, ERR_REFUSED,
                       "%s holds rows of partition %" PRId32 " up to offset %" PRId64
                       "%s: from %" PRId64 " on they would be written twice",
                       setting->chain->table.definition.name, partition, int64_max(ours, others),
                       ours == POSITION_NONE ? " (others' rows)" : "", to);
    entry.rows =
        setting_rows(setting, topic, partition, OWN_KEYED, level, INT64_MIN, to, &entry.high);
    entry.next = to;
    entry.last = POSITION_NONE;
    entry.last_us = 0;
    entry.cluster = cluster;
    positions_set_offset(&setting->after, &entry);
    if (positions_retained(&setting->after, topic, partition) > to)
        setting_retain_from(setting, topic, partition, to);
    begin_epoch(setting);
    return 0;
}

/* -- what is read from the log: Bronze, and the raw frames of the dead letters */

static int log_goal(const struct set_positions *set, const struct wish *wish, int64_t *to,
                    int64_t *first, struct err *err)
{
    int64_t end = 0;
    int rc;

    if (set->ports->log == NULL)
        return err_set(err, ERR_CONFIG, "there is no log to set a position in");
    rc = log_bounds(set->ports->log, wish->topic, wish->partition, first, &end, err);
    if (rc != 0)
        return rc < 0 ? -1
                      : err_set(err, ERR_CONFIG, "the log has no partition %" PRId32 " of topic %s",
                                wish->partition, wish->topic);
    *to = wish->goal == TO_EARLIEST ? *first : wish->goal == TO_LATEST ? end : wish->offset;
    if (*to < *first || *to > end)
        return err_set(err, ERR_REFUSED,
                       "partition %" PRId32 " of topic %s: the log holds %" PRId64 " to %" PRId64
                       ", not %" PRId64,
                       wish->partition, wish->topic, *first, end, *to);
    return 0;
}

/* Whoever has passed Bronze's gap would pass over what Bronze is now to take there. */
static int take_readers_back(struct set_positions *set, const struct wish *wish, int64_t to,
                             const char *cluster, struct err *err)
{
    for (int kind = PLACE_DEAD; set->target == PLACE_BRONZE && kind <= PLACE_SILVER; kind++) {
        struct setting *setting = &set->place[kind].setting;

        if (open_place(set, (enum place_kind)kind, err) != 0)
            return -1;
        if (!set->place[kind].is_there ||
            stands_at(set, (enum place_kind)kind, wish->partition) <= to)
            continue;
        if (go_back(setting, wish->topic, wish->partition, to, cluster, err) != 0)
            return -1;
        setting_forget_input(setting, set->names.bronze);
    }
    return 0;
}

static int plan_of_log(struct set_positions *set, const struct wish *wish, struct err *err)
{
    struct setting *setting = &set->place[set->target].setting;
    const struct position_offset *entry =
        positions_offset(&setting->before, wish->topic, wish->partition);
    const char *cluster;
    int64_t to = 0;
    int64_t first = 0;
    int64_t from;

    if (log_goal(set, wish, &to, &first, err) != 0)
        return -1;
    cluster = set->ports->log->cluster;
    if (entry != NULL && strcmp(entry->cluster, cluster) == 0 &&
        stage_check_taken(set->ports->log, name_of(set, set->target), entry, err) != 0)
        return -1;
    from = entry != NULL
               ? entry->next
               : positions_retained_or(&setting->before, wish->topic, wish->partition, first);
    if (to < from)
        return go_back(setting, wish->topic, wish->partition, to, cluster, err) != 0
                   ? -1
                   : take_readers_back(set, wish, to, cluster, err);
    if (to == from && entry != NULL && strcmp(entry->cluster, cluster) == 0)
        return 0;
    setting_go_forward(setting, wish->topic, wish->partition, from, to, cluster);
    return 0;
}

/* A map has one log for each topic. */
static int check_clusters(const struct positions *map, struct err *err)
{
    for (size_t i = 0; i < map->offset_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(map->offset[i].topic, map->offset[k].topic) == 0 &&
                strcmp(map->offset[i].cluster, map->offset[k].cluster) != 0)
                return err_set(err, ERR_REFUSED,
                               "topic %s is of another log now: set all of its partitions at once",
                               map->offset[i].topic);
    return 0;
}

/* -- Silver and the dead letters together */

static int plan_silver(struct set_positions *set, const struct wish *wish, struct err *err)
{
    struct setting *silver = &set->place[PLACE_SILVER].setting;
    struct setting *dead = &set->place[PLACE_DEAD].setting;
    const struct positions *bronze = &set->place[PLACE_BRONZE].setting.before;
    int32_t p = wish->partition;
    int64_t low = positions_retained(bronze, wish->topic, p);
    int64_t high = int64_max(low, positions_next(bronze, wish->topic, p));
    int64_t S = stands_at(set, PLACE_SILVER, p), D = stands_at(set, PLACE_DEAD, p);
    int64_t to = wish->goal == TO_EARLIEST ? low : wish->goal == TO_LATEST ? high : wish->offset;
    const struct position_offset *any = positions_offset(bronze, wish->topic, p);
    const char *cluster = any == NULL ? "" : any->cluster;

    if (any == NULL || to < low || to > high)
        return err_set(err, ERR_REFUSED,
                       "partition %" PRId32 " of topic %s: %s has %" PRId64 " to %" PRId64
                       ", not %" PRId64,
                       p, wish->topic, set->names.bronze, low, high, to);
    /* Between them the one that is behind goes forward; what the other has decided stands. */
    if (to <= int64_min(S, D) && to < int64_max(S, D)) {
        if (go_back(dead, wish->topic, p, to, cluster, err) != 0 ||
            go_back(silver, wish->topic, p, to, cluster, err) != 0)
            return -1;
        setting_forget_input(silver, set->names.bronze);
        return 0;
    }
    if (to > D)
        setting_go_forward(dead, wish->topic, p, D, to, cluster);
    if (to > S)
        setting_go_forward(silver, wish->topic, p, S, to, cluster);
    return 0;
}

static int plan_wish(struct set_positions *set, const struct wish *wish, struct err *err)
{
    if (set->target == PLACE_DEAD && is_raw(set, wish->topic))
        return plan_of_log(set, wish, err);
    if (set->target == PLACE_DEAD)
        return err_set(err, ERR_REFUSED,
                       "the positions of %s in topics of trades go together with Silver's: "
                       "`k2 positions set silver-EXCHANGE` sets both",
                       TABLES_DEAD_LETTERS);
    if (strcmp(wish->topic, set->names.topic) != 0)
        return err_set(err, ERR_CONFIG, "%s takes topic %s, not %s", name_of(set, set->target),
                       set->names.topic, wish->topic);
    return set->target == PLACE_BRONZE ? plan_of_log(set, wish, err) : plan_silver(set, wish, err);
}

/* `earliest` or `latest` alone: for every partition that the table has begun. */
static int plan_all(struct set_positions *set, const struct wish *goal, struct err *err)
{
    const struct positions *map = &set->place[set->target].setting.before;

    for (size_t i = 0; i < map->offset_count; i++) {
        struct wish wish = *goal;

        wish.topic = map->offset[i].topic;
        wish.partition = map->offset[i].partition;
        if (set->target == PLACE_DEAD && !is_raw(set, wish.topic))
            continue;
        if (plan_wish(set, &wish, err) != 0)
            return -1;
    }
    return 0;
}

static int plan_offsets(struct set_positions *set, const char *const *words, size_t count,
                        struct err *err)
{
    if (set->target == PLACE_SILVER &&
        (open_place(set, PLACE_BRONZE, err) != 0 || open_place(set, PLACE_DEAD, err) != 0))
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct wish wish;

        if (count == 1 && parse_goal(words[i], &wish) && wish.goal != TO_OFFSET)
            return plan_all(set, &wish, err) != 0
                       ? -1
                       : check_clusters(&set->place[set->target].setting.after, err);
        if (!parse_wish(set, words[i], &wish))
            return refuse_word(words[i],
                               "TOPIC/PARTITION=OFFSET|earliest|latest, or alone one of earliest, "
                               "latest, rows",
                               err);
        for (size_t k = 0; k < i; k++)
            if (strncmp(words[i], words[k], (size_t)(strrchr(words[i], '=') - words[i]) + 1) == 0)
                return err_set(err, ERR_CONFIG, "%s: the partition is named twice", words[i]);
        if (plan_wish(set, &wish, err) != 0)
            return -1;
    }
    return check_clusters(&set->place[set->target].setting.after, err);
}

/* -- rows: as the table's own rows have it */

/* Rows of the partition that others hold (a compaction that lost our key) where ours should be: the
 * position can stay if every reader has passed it, and must not go back in any case. */
static int keep_for_others(struct set_positions *set, const struct position_offset *told,
                           int64_t high, struct err *err)
{
    bool is_passed = true;

    if (set->target != PLACE_BRONZE)
        is_passed = false;
    else if (open_place(set, PLACE_DEAD, err) != 0 || open_place(set, PLACE_SILVER, err) != 0)
        return -1;
    else
        is_passed = stands_at(set, PLACE_DEAD, told->partition) > high &&
                    stands_at(set, PLACE_SILVER, told->partition) > high;
    return is_passed
               ? 0
               : err_set(err, ERR_REFUSED,
                         "%s: partition %" PRId32 " of topic %s: rows up to offset %" PRId64
                         " stand in files without K2's key (appended or compacted by others): "
                         "they would be written twice, or passed over by who reads on; remove "
                         "those files first",
                         name_of(set, set->target), told->partition, told->topic, high);
}

/* Where the position belongs that has `found` rows up to found_high. */
static int64_t next_by_rows(const struct position_offset *told, int64_t found_high,
                            int64_t retained)
{
    if (told->high == found_high)
        return told->next;
    if (found_high > told->high)
        return int64_max(told->next, found_high + 1);
    return int64_min(told->next, int64_max(found_high + 1, retained));
}

/* 1: the log says that there never was a record at this offset. */
static int never_was(const struct set_positions *set, const char *topic, int32_t partition,
                     int64_t offset, int64_t first, int64_t end, struct err *err)
{
    int64_t timestamp_us;
    int rc;

    if (offset < first || offset >= end)
        return 0;
    rc = log_timestamp_at(set->ports->log, topic, partition, offset, &timestamp_us, err);
    return rc < 0 ? -1 : rc == LOG_ABSENT;
}

/* Offsets that no row of ours holds, below the position, are skipped, but for those that the log
 * never had. */
static int skip_lost(struct set_positions *set, struct setting *setting, const char *topic,
                     int32_t partition, enum own_level level, int64_t from, int64_t to,
                     struct err *err)
{
    size_t asked = 0;
    int64_t first = 0;
    int64_t end = 0;
    struct setting absent = *setting;

    absent.skip = NULL;
    absent.skip_count = 0;
    setting_skip_absent(&absent, topic, partition, level, from, to);
    if (set->ports->log != NULL && absent.skip_count > 0 &&
        log_bounds(set->ports->log, topic, partition, &first, &end, err) < 0)
        return -1;
    for (size_t i = 0; i < absent.skip_count; i++) {
        int64_t lost_from = absent.skip[i].from;

        for (int64_t at = lost_from; at < absent.skip[i].to && asked < ASKED_MAX; at++, asked++) {
            int rc = never_was(set, topic, partition, at, first, end, err);

            if (rc < 0)
                return -1;
            if (rc == 0)
                continue;
            setting_skip_range(setting, topic, partition, lost_from, at);
            lost_from = at + 1;
        }
        setting_skip_range(setting, topic, partition, lost_from, absent.skip[i].to);
    }
    return 0;
}

static int plan_rows_of(struct set_positions *set, const struct position_offset *told,
                        struct err *err)
{
    struct setting *setting = &set->place[set->target].setting;
    bool is_dense = set->target == PLACE_BRONZE || is_raw(set, told->topic);
    int64_t retained = positions_retained(&setting->before, told->topic, told->partition);
    enum own_level level = setting_level(setting, told->topic, told->partition);
    struct position_offset entry = *told;
    int64_t others;

    entry.rows = setting_rows(setting, told->topic, told->partition, OWN_KEYED, level, INT64_MIN,
                              INT64_MAX, &entry.high);
    if (entry.rows == told->rows && entry.high == told->high)
        return 0;
    entry.next = next_by_rows(told, entry.high, retained);
    setting_rows(setting, told->topic, told->partition, level + 1, OWN_APPENDED, entry.next,
                 told->next, &others);
    if (others != POSITION_NONE) {
        if (keep_for_others(set, told, others, err) != 0)
            return -1;
        entry.next = told->next;
    }
    if (entry.next != told->next || entry.high < told->last) {
        entry.last = POSITION_NONE;
        entry.last_us = 0;
    }
    positions_set_offset(&setting->after, &entry);
    if (is_dense && entry.rows < told->rows && others == POSITION_NONE &&
        skip_lost(set, setting, told->topic, told->partition, level, retained, entry.next, err) !=
            0)
        return -1;
    if (set->target == PLACE_SILVER && entry.next < told->next)
        setting_forget_input(setting, set->names.bronze);
    begin_epoch(setting);
    return 0;
}

/* Partitions that have rows of ours, and that the map lacks. */
static int plan_rows_untold(struct set_positions *set, struct err *err)
{
    struct setting *setting = &set->place[set->target].setting;
    const struct positions *before = &setting->before;
    const char *cluster = before->offset_count > 0  ? before->offset[0].cluster
                          : set->ports->log != NULL ? set->ports->log->cluster
                                                    : "";

    for (size_t i = 0; i < setting->run_count; i++) {
        const struct setting_run *run = &setting->run[i];
        struct position_offset entry = { .topic = run->topic,
                                         .cluster = cluster,
                                         .partition = run->partition,
                                         .last = POSITION_NONE,
                                         .high = POSITION_NONE };

        if (run->level != OWN_KEYED ||
            positions_offset(&setting->after, run->topic, run->partition) != NULL)
            continue;
        setting_retain_from(setting, run->topic, run->partition, run->first);
        if (plan_rows_of(set, &entry, err) != 0)
            return -1;
    }
    return 0;
}

static int plan_rows(struct set_positions *set, struct err *err)
{
    struct setting *setting = &set->place[set->target].setting;

    if (setting_count(setting, err) != 0)
        return -1;
    for (size_t i = 0; i < setting->before.offset_count; i++)
        if (plan_rows_of(set, &setting->before.offset[i], err) != 0)
            return -1;
    return plan_rows_untold(set, err);
}

/* -- Gold */

static int refuse_passed_over(const struct set_positions *set, const char *input, int64_t snapshot,
                              struct err *err)
{
    return err_set(err, ERR_REFUSED,
                   "%s has not taken all of %s up to snapshot %" PRId64
                   ": rows would be passed over; name the snapshot where it stands or one before "
                   "that, or `%s=all`",
                   name_of(set, PLACE_GOLD), input, snapshot, input);
}

/* Behind a snapshot of Silver's main: all up to it must be Gold's, that is, it is where Gold stands
 * or an ancestor of that. */
static int plan_behind(const struct set_positions *set, const struct ice_metadata *silver,
                       const struct position_input *at, const char *input, int64_t id,
                       struct position_input *to, struct err *err)
{
    const struct ice_snapshot *snapshot = ice_metadata_snapshot(silver, id);

    if (snapshot == NULL)
        return err_set(err, ERR_REFUSED, "%s lists no snapshot %" PRId64, input, id);
    if (!ice_metadata_is_ancestor(silver, id, silver->main))
        return err_set(err, ERR_REFUSED, "snapshot %" PRId64 " is not on main of %s", id, input);
    if (at == NULL || strcmp(at->uuid, silver->uuid) != 0 ||
        ice_metadata_snapshot(silver, at->snapshot) == NULL ||
        !ice_metadata_is_ancestor(silver, id, at->snapshot))
        return refuse_passed_over(set, input, id, err);
    to->snapshot = id;
    to->sequence = snapshot->sequence;
    return 0;
}

static int plan_input(struct set_positions *set, const char *word, struct err *err)
{
    const char *equals = strrchr(word, '=');
    struct setting *gold = &set->place[PLACE_GOLD].setting;
    struct place *silver = &set->place[PLACE_SILVER];
    struct position_input to = { .snapshot = POSITION_NONE, .begun = POSITION_NONE };
    const struct ice_metadata *metadata;
    const char *input;
    int64_t id = POSITION_NONE;
    bool is_known = false;

    if (equals == NULL ||
        (strcmp(equals + 1, "all") != 0 && !is_number(equals + 1, INT64_MAX, &id)))
        return refuse_word(word, "INPUT=SNAPSHOT or INPUT=all", err);
    input = arena_text(&set->arena, span_of(word, (size_t)(equals - word)));
    for (size_t i = 0; i < set->exchange_count && !is_known; i++) {
        tables_names(&set->names, &set->arena, set->exchanges[i]);
        is_known = is_named(input, "silver", set->exchanges[i], set->names.silver);
    }
    if (!is_known)
        return err_set(err, ERR_CONFIG, "%s does not read a table %s", TABLES_GOLD, input);
    if (silver->is_open)
        chain_deinit(&silver->chain);
    silver->is_open = false;
    if (open_place(set, PLACE_SILVER, err) != 0)
        return -1;
    if (!silver->is_there)
        return err_set(err, ERR_CONFIG, "table %s does not exist", set->names.silver);
    metadata = silver->chain.table.metadata;
    to.table = set->names.silver;
    to.uuid = metadata->uuid;
    to.epoch = silver->setting.before.epoch;
    if (id != POSITION_NONE &&
        plan_behind(set, metadata, positions_input(&gold->before, set->names.silver),
                    set->names.silver, id, &to, err) != 0)
        return -1;
    positions_set_input(&gold->after, &to);
    return 0;
}

/* -- the whole */

int set_positions_plan(struct set_positions *set, const char *target, const char *const *words,
                       size_t count, struct err *err)
{
    if (find_target(set, target, err) != 0)
        return -1;
    set->is_by_rows = count == 1 && strcmp(words[0], "rows") == 0;
    if (open_target(set, err) != 0)
        return -1;
    if (count == 0)
        return err_set(err, ERR_CONFIG, "nothing is said to set %s to", target);
    if (set->target == PLACE_GOLD) {
        for (size_t i = 0; i < count; i++)
            if (plan_input(set, words[i], err) != 0)
                return -1;
        return 0;
    }
    if (set->is_by_rows)
        return plan_rows(set, err);
    return plan_offsets(set, words, count, err);
}

static bool is_set(struct place *place)
{
    return place->is_open && place->is_there && setting_changes(&place->setting);
}

bool set_positions_changes(struct set_positions *set)
{
    for (size_t i = 0; i < PLACES; i++)
        if (is_set(&set->place[i]))
            return true;
    return false;
}

int set_positions_apply(struct set_positions *set, const char *who, const char *reason,
                        struct err *err)
{
    /* In between the dead letters never stand above Silver: that would be a decision, which the
     * silver job follows, of what nobody has judged. */
    static const enum place_kind back[PLACES] = { PLACE_BRONZE, PLACE_DEAD, PLACE_SILVER,
                                                  PLACE_GOLD };
    static const enum place_kind forward[PLACES] = { PLACE_BRONZE, PLACE_SILVER, PLACE_DEAD,
                                                     PLACE_GOLD };
    const struct setting *dead = &set->place[PLACE_DEAD].setting;
    bool goes_back = dead->after.epoch != dead->before.epoch;

    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &set->place[goes_back ? back[i] : forward[i]];
        int rc;

        if (!is_set(place))
            continue;
        rc = setting_commit(&place->setting, who, reason, err);
        if (rc != 0)
            return rc < 0
                       ? -1
                       : err_set(err, ERR_RETRY, "%s moved while its position was set: look again",
                                 place->chain.table.definition.name);
    }
    return 0;
}

void set_positions_describe(struct set_positions *set, struct buf *out)
{
    for (size_t i = 0; i < PLACES; i++)
        if (is_set(&set->place[i]))
            setting_describe(&set->place[i].setting, out);
}
