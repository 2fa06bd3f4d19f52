// SPDX-License-Identifier: Apache-2.0
/*
 * setting.h: a position set by hand (`k2 positions set`): a snapshot of ours without rows, through
 * the ordinary commit, so that it is as safe as a batch while the jobs run: whoever planned on the
 * old position is lost, and so is the setting when a job was faster.
 *
 * A setting is the map as it was found and the map as it shall be; what differs is committed and
 * tested.  Whether that is wise is not decided here but in stage/set_positions.h.
 *
 *   k2.skipped  [{"topic": T, "partition": P, "from": A, "to": B, "time": RFC 3339, "who": W,
 *                 "reason": R}, …]
 *
 * lists the offsets [A, B) that the table passed over by hand: in the snapshot's summary those of
 * this setting, as a table property all that ever were.  The property is a history, which a
 * rollback does not undo: it explains an offset that is absent, and says nothing of one that is
 * there.
 */
#ifndef K2_PROTOCOL_SETTING_H
#define K2_PROTOCOL_SETTING_H

#include "protocol/commit.h"
#include "protocol/own_rows.h"

#define SETTING_SKIPPED_KEY "k2.skipped"
#define SETTING_BY_KEY      "k2.set-by"

struct setting_skip {
    const char *topic;
    int32_t partition;
    int64_t from, to;
    const char *time, *who, *reason; /* of those that are listed; "" where not told */
};

/* Offsets first..last of one partition that stand in one file one after the other.  level:
 * OWN_APPENDED also for what cannot be ours, because the map says that nothing of ours is there. */
struct setting_run {
    const char *topic;
    int32_t partition;
    enum own_level level;
    int64_t first, last;
};

struct setting {
    struct chain_table *chain; /* borrowed */
    struct arena *arena;       /* borrowed: all below is in it */
    struct positions before, after;
    int64_t main;    /* the snapshot that was looked at */
    bool is_counted; /* its rows were counted: another snapshot makes the setting lost */
    struct setting_run *run;
    size_t run_count;
    struct setting_skip *skip; /* of this setting */
    size_t skip_count;
};

/* Loads the table and its map.  `will_count`: a map that only the property has is taken as it is,
 * for setting_count is called and the map made to say what it found.  TABLE_ABSENT. */
CHECK_RESULT int setting_open(struct setting *setting, struct chain_table *chain,
                              struct arena *arena, bool will_count, struct err *err);

/* Reads where all live rows are, ours and others', once. */
CHECK_RESULT int setting_count(struct setting *setting, struct err *err);
/* After setting_count: down to which level rows of a partition are ours: no further than needed to
 * have every offset that any but an append of others holds. */
enum own_level setting_level(const struct setting *setting, const char *topic, int32_t partition);
/* Rows of these levels from offset `from` on and below `to`; *high is the highest offset among
 * them, POSITION_NONE without any. */
int64_t setting_rows(const struct setting *setting, const char *topic, int32_t partition,
                     enum own_level first, enum own_level last, int64_t from, int64_t to,
                     int64_t *high);
/* Lists the offsets of [from, to) that no row down to `level` holds as skipped. */
void setting_skip_absent(struct setting *setting, const char *topic, int32_t partition,
                         enum own_level level, int64_t from, int64_t to);
void setting_skip_range(struct setting *setting, const char *topic, int32_t partition, int64_t from,
                        int64_t to);

/* The partition's entry as it shall be, or one that has taken nothing. */
struct position_offset setting_entry(const struct setting *setting, const char *topic,
                                     int32_t partition, const char *cluster);
void setting_retain_from(struct setting *setting, const char *topic, int32_t partition,
                         int64_t from);
/* Forward from `from`: [from, to) is skipped. */
void setting_go_forward(struct setting *setting, const char *topic, int32_t partition, int64_t from,
                        int64_t to, const char *cluster);
/* What was begun of the input's snapshots may lie behind a position that goes back. */
void setting_forget_input(struct setting *setting, const char *table);

bool setting_changes(struct setting *setting);
/* 0; COMMIT_LOST: the table moved meanwhile, look again. */
CHECK_RESULT int setting_commit(struct setting *setting, const char *who, const char *reason,
                                struct err *err);

/* Before and after, a line for each entry that changes, and each range skipped; appended. */
void setting_describe(const struct setting *setting, struct buf *out);

/* What the table's property lists; CORRUPT when it is no such list. */
CHECK_RESULT int setting_skipped(const struct ice_metadata *metadata, struct arena *arena,
                                 struct setting_skip **skip, size_t *count, struct err *err);

#endif
