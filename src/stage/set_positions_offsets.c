// SPDX-License-Identifier: Apache-2.0
/* set_positions_offsets.c: a partition's position moved by hand: back only where no row stands
 * above it, forward only with a list of what is skipped.  Silver and the dead letters go together.
 */
#include "core/num.h"
#include "stage/set_positions_parts.h"

#include <inttypes.h>
#include <string.h>

/* One word: a partition and where to. */
enum goal { TO_OFFSET, TO_EARLIEST, TO_LATEST };

struct wish {
    const char *topic;
    int32_t partition;
    enum goal goal;
    int64_t offset;
};

static bool parse_goal(const char *text, struct wish *wish)
{
    wish->goal = TO_OFFSET;
    if (strcmp(text, "earliest") == 0)
        wish->goal = TO_EARLIEST;
    else if (strcmp(text, "latest") == 0)
        wish->goal = TO_LATEST;
    else
        return set_positions_is_number(text, INT64_MAX - 1, &wish->offset);
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
    if (slash == NULL || slash == place || !set_positions_is_number(slash + 1, INT32_MAX, &number))
        return false;
    *slash = 0;
    wish->topic = place;
    wish->partition = (int32_t)number;
    return true;
}

/* The highest of our rows of the partition from offset `to` on, and of others' below the position
 * that stands; POSITION_NONE without any.  After setting_count. */
static void find_above(const struct setting *setting, const char *topic, int32_t partition,
                       int64_t to, int64_t next, int64_t *ours, int64_t *others)
{
    enum own_level level = setting_level(setting, topic, partition);

    setting_rows(setting, topic, partition, OWN_KEYED, level, to, INT64_MAX, ours);
    setting_rows(setting, topic, partition, level + 1, OWN_APPENDED, to, next, others);
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
    find_above(setting, topic, partition, to, entry.next, &ours, &others);
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
    set_positions_begin_epoch(setting);
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

/* Whoever has passed Bronze's gap would pass over what Bronze is now to take there.  `is_done`:
 * Bronze stands there already; whoever has rows above has them of a time before, and is left alone.
 */
static int take_readers_back(struct set_positions *set, const struct wish *wish, int64_t to,
                             const char *cluster, bool is_done, struct err *err)
{
    int64_t ours, others;

    for (int kind = PLACE_DEAD; set->target == PLACE_BRONZE && kind <= PLACE_SILVER; kind++) {
        struct setting *setting = &set->place[kind].setting;
        int64_t next;

        if (set_positions_open_place(set, (enum set_positions_kind)kind, err) != 0)
            return -1;
        next = set_positions_stands_at(set, (enum set_positions_kind)kind, wish->partition);
        if (!set->place[kind].is_there || next <= to)
            continue;
        if (setting_count(setting, err) != 0)
            return -1;
        find_above(setting, wish->topic, wish->partition, to, next, &ours, &others);
        if (is_done && (ours != POSITION_NONE || others != POSITION_NONE))
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
        stage_check_taken(set->ports->log, set_positions_name_of(set, set->target), entry, err) !=
            0)
        return -1;
    from = entry != NULL
               ? entry->next
               : positions_retained_or(&setting->before, wish->topic, wish->partition, first);
    if (to < from)
        return go_back(setting, wish->topic, wish->partition, to, cluster, err) != 0
                   ? -1
                   : take_readers_back(set, wish, to, cluster, false, err);
    if (to == from && entry != NULL && strcmp(entry->cluster, cluster) == 0)
        return take_readers_back(set, wish, to, cluster, true, err);
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
    int64_t S = set_positions_stands_at(set, PLACE_SILVER, p),
            D = set_positions_stands_at(set, PLACE_DEAD, p);
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
    if (set->target == PLACE_DEAD && set_positions_is_raw(set, wish->topic))
        return plan_of_log(set, wish, err);
    if (set->target == PLACE_DEAD)
        return err_set(err, ERR_REFUSED,
                       "the positions of %s in topics of trades go together with Silver's: "
                       "`k2 positions set silver-EXCHANGE` sets both",
                       TABLES_DEAD_LETTERS);
    if (strcmp(wish->topic, set->names.topic) != 0)
        return err_set(err, ERR_CONFIG, "%s takes topic %s, not %s",
                       set_positions_name_of(set, set->target), set->names.topic, wish->topic);
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
        if (set->target == PLACE_DEAD && !set_positions_is_raw(set, wish.topic))
            continue;
        if (plan_wish(set, &wish, err) != 0)
            return -1;
    }
    return 0;
}

/* Back the dead letters are committed first, forward Silver is: in one command it would be a
 * decision that nobody made, for one of the partitions, should the second commit not come. */
static int check_one_way(const struct set_positions *set, struct err *err)
{
    const struct setting *dead = &set->place[PLACE_DEAD].setting;
    const struct setting *silver = &set->place[PLACE_SILVER].setting;

    if (set->target == PLACE_SILVER && dead->after.epoch != dead->before.epoch &&
        (dead->skip_count > 0 || silver->skip_count > 0))
        return err_set(err, ERR_CONFIG,
                       "some partitions go back and some go forward: set them one after the other");
    return check_clusters(&set->place[set->target].setting.after, err);
}

int set_positions_offsets_plan(struct set_positions *set, const char *const *words, size_t count,
                               struct err *err)
{
    if (set->target == PLACE_SILVER && (set_positions_open_place(set, PLACE_BRONZE, err) != 0 ||
                                        set_positions_open_place(set, PLACE_DEAD, err) != 0))
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct wish wish;

        if (count == 1 && parse_goal(words[i], &wish) && wish.goal != TO_OFFSET)
            return plan_all(set, &wish, err) != 0 ? -1 : check_one_way(set, err);
        if (!parse_wish(set, words[i], &wish))
            return set_positions_refuse_word(
                words[i],
                "TOPIC/PARTITION=OFFSET|earliest|latest, or alone one of earliest, "
                "latest, rows",
                err);
        for (size_t k = 0; k < i; k++)
            if (strncmp(words[i], words[k], (size_t)(strrchr(words[i], '=') - words[i]) + 1) == 0)
                return err_set(err, ERR_CONFIG, "%s: the partition is named twice", words[i]);
        if (plan_wish(set, &wish, err) != 0)
            return -1;
    }
    return check_one_way(set, err);
}
