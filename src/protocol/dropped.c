// SPDX-License-Identifier: Apache-2.0
/* dropped.c: the choice is made per base, in memory, from what the document lists; the note is one
 * small object per commit that drops something. */
#include "protocol/dropped.h"

#include "core/buf.h"
#include "protocol/commit.h"

#include <inttypes.h>

static bool is_kept(const struct chain_table *chain, const struct ice_metadata *base, size_t index,
                    size_t *for_readers)
{
    const struct ice_snapshot *snapshot = &base->snapshot[index];

    /* The new snapshot is one of the newest hundred. */
    if (base->snapshot_count - index < chain->keep_newest || snapshot->id == base->main ||
        ice_metadata_is_tagged(base, snapshot->id))
        return true;
    if (snapshot->sequence >= chain->downstream_sequence &&
        *for_readers < chain->keep_for_readers) {
        (*for_readers)++;
        return true;
    }
    return false;
}

/* How many of the base's logged metadata files the next one no longer names. */
static size_t count_unlogged(const struct ice_metadata *base)
{
    size_t logged = ice_metadata_log_count(base);
    size_t kept = COMMIT_METADATA_LOG_KEPT - (base->file[0] != 0); /* the base's own is added */

    return logged > kept ? logged - kept : 0;
}

static int write_note(struct chain_table *chain, const struct ice_metadata *base,
                      const int64_t *drop, size_t count, struct err *err)
{
    struct store *store = chain->table.ports.store;
    struct buf note = BUF_INIT;
    struct buf uri = BUF_INIT;
    struct span part;
    int rc;

    for (size_t i = 0; i < count; i++)
        buf_printf(&note, "%s\n", ice_metadata_snapshot(base, drop[i])->manifest_list);
    for (size_t i = 0; i < count_unlogged(base); i++)
        buf_printf(&note, "%s\n", ice_metadata_log_file(base, i));
    buf_printf(&uri, "%s/metadata/" COMMIT_DROPPED_PREFIX "%016" PRIx64 ".txt", base->location,
               clock_random(chain->table.ports.clock));
    part = buf_span(&note);
    rc = store_put_new(store, buf_text(&uri), &part, 1, err);
    buf_deinit(&note);
    buf_deinit(&uri);
    return rc < 0 ? err_wrap(err, "note of dropped snapshots") : 0;
}

int dropped_plan(struct chain_table *chain, const struct ice_metadata *base, struct arena *arena,
                 const int64_t **drop, size_t *count, struct err *err)
{
    int64_t *ids = arena_zero(arena, base->snapshot_count + 1, sizeof(*ids));
    size_t for_readers = 0;
    size_t found = 0;

    for (size_t i = 0; i < base->snapshot_count; i++)
        if (!is_kept(chain, base, i, &for_readers))
            ids[found++] = base->snapshot[i].id;
    *drop = ids;
    *count = found;
    return found == 0 && count_unlogged(base) == 0 ? 0 : write_note(chain, base, ids, found, err);
}
