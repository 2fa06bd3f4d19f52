// SPDX-License-Identifier: Apache-2.0
/* set_positions_rows.c: the rows that are there are what there is: after a loss, a table goes on as
 * its own rows have it, and what is missing below is listed as skipped. */
#include "core/num.h"
#include "stage/set_positions_parts.h"

#include <inttypes.h>
#include <string.h>

enum { ASKED_MAX = 100000 }; /* offsets that the log is asked for */

/* Rows of the partition that others hold (a compaction that lost our key) where ours should be: the
 * position can stay if every reader has passed it, and must not go back in any case. */
static int keep_for_others(struct set_positions *set, const struct position_offset *told,
                           int64_t high, struct err *err)
{
    bool is_passed = true;

    if (set->target != PLACE_BRONZE)
        is_passed = false;
    else if (set_positions_open_place(set, PLACE_DEAD, err) != 0 ||
             set_positions_open_place(set, PLACE_SILVER, err) != 0)
        return -1;
    else
        is_passed = set_positions_stands_at(set, PLACE_DEAD, told->partition) > high &&
                    set_positions_stands_at(set, PLACE_SILVER, told->partition) > high;
    return is_passed
               ? 0
               : err_set(err, ERR_REFUSED,
                         "%s: partition %" PRId32 " of topic %s: rows up to offset %" PRId64
                         " stand in files without K2's key (appended or compacted by others): "
                         "they would be written twice, or passed over by who reads on; remove "
                         "those files first",
                         set_positions_name_of(set, set->target), told->partition, told->topic,
                         high);
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

/* A position does not go back into a range that was skipped: its readers have passed that. */
static int pass_skipped(struct set_positions *set, const struct position_offset *told,
                        int64_t *next, struct err *err)
{
    struct setting_skip *skip;
    size_t count;

    if (setting_skipped(set->place[set->target].chain.table.metadata, &set->arena, &skip, &count,
                        err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (skip[i].partition == told->partition && strcmp(skip[i].topic, told->topic) == 0 &&
            skip[i].from <= *next && skip[i].to > *next)
            *next = int64_min(skip[i].to, told->next);
    return 0;
}

static int plan_rows_of(struct set_positions *set, const struct position_offset *told,
                        struct err *err)
{
    struct setting *setting = &set->place[set->target].setting;
    bool is_dense = set->target == PLACE_BRONZE || set_positions_is_raw(set, told->topic);
    int64_t retained = positions_retained(&setting->before, told->topic, told->partition);
    enum own_level level = setting_level(setting, told->topic, told->partition);
    struct position_offset entry = *told;
    int64_t others;

    entry.rows = setting_rows(setting, told->topic, told->partition, OWN_KEYED, level, INT64_MIN,
                              INT64_MAX, &entry.high);
    if (entry.rows == told->rows && entry.high == told->high)
        return 0;
    entry.next = next_by_rows(told, entry.high, retained);
    if (entry.next < told->next && pass_skipped(set, told, &entry.next, err) != 0)
        return -1;
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
    set_positions_begin_epoch(setting);
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

int set_positions_rows_plan(struct set_positions *set, struct err *err)
{
    struct setting *setting = &set->place[set->target].setting;

    if (setting_count(setting, err) != 0)
        return -1;
    for (size_t i = 0; i < setting->before.offset_count; i++)
        if (plan_rows_of(set, &setting->before.offset[i], err) != 0)
            return -1;
    return plan_rows_untold(set, err);
}
