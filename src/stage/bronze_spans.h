// SPDX-License-Identifier: Apache-2.0
/*
 * bronze_spans.h: which of Bronze's live files hold which offsets, and which of them make the next
 * batch: the second path of rule 6.
 *
 * Each live file is opened once to learn its lowest and highest offset of each partition: a span.
 * The listing is kept from step to step (protocol/live_files.h).  Batches follow the order in which
 * files were added, whole files where that is possible, so that each is read about once more.
 */
#ifndef K2_STAGE_BRONZE_SPANS_H
#define K2_STAGE_BRONZE_SPANS_H

#include "protocol/live_files.h"

/* For each partition p < count: the offsets [from[p], to[p]). */
struct offset_window {
    const int64_t *from, *to;
    int32_t count;
};

/* Does an offset of [lower, upper] lie in the window, of whatever partition? */
bool offset_window_overlaps(const struct offset_window *window, int64_t lower, int64_t upper);
/* False when the file's bounds of this column say that none of its offsets lies in the window. */
bool offset_window_may_hold(const struct offset_window *window, const struct ice_data_file *file,
                            int32_t offset_id);

struct bronze_span {
    int64_t first, last;
    uint32_t file; /* of files */
    int32_t partition;
};

/* Where a listing has more spans, the highest offsets are left to the next one.  28 bytes each. */
enum { BRONZE_SPANS_MAX = 1 << 20 };

/* All zero is no listing. */
struct bronze_spans {
    struct live_files files;
    struct own_claims claims; /* on rows of files without our key */
    size_t spans_max;         /* 0: BRONZE_SPANS_MAX */
    int32_t partitions;
    bool is_shortened;    /* `to` was lowered */
    struct buf from, to;  /* int64_t for each partition: what was listed */
    struct buf spans;     /* struct bronze_span, file by file */
    struct buf by_offset; /* uint32_t: spans by partition and first */
    struct buf first_of;  /* uint32_t: first span of each file, and their number */
    struct buf by_age;    /* uint32_t: files by sequence number */

    /* How far batches have come, so that each span is looked at about once: good while the window
     * begins at or above `passed`. */
    struct buf passed; /* int64_t for each partition */
    struct buf next; /* uint32_t: of by_offset, the first that is left; one more than partitions */
    size_t oldest;   /* of by_age, the first file that is left */
};

void bronze_spans_deinit(struct bronze_spans *spans);
void bronze_spans_forget(struct bronze_spans *spans);

/* Makes the listing anew, unless it still holds and has something of the window.  `map` is that of
 * the loaded table.  REFUSED by own_rows_claim; TABLE_GONE. */
CHECK_RESULT int bronze_spans_list(struct bronze_spans *spans, struct chain_table *bronze,
                                   const struct positions *map, const struct offset_window *window,
                                   struct err *err);

/*
 * Chooses files of the listing until their rows in the window reach rows_max, at least one:
 * is_wanted[file], and end[p], how far partition p is then read.  Files whose spans overlap in a
 * partition form one group; one that is larger than rows_max is cut by offset, as much of each
 * partition.  True when nothing of the listing is left, so that the reader's position is
 * live_files_end.  `after_sequence` is for a mutation only.
 */
bool bronze_spans_choose(struct bronze_spans *spans, const struct offset_window *window,
                         int64_t rows_max, int64_t after_sequence, bool *is_wanted, int64_t *end);

size_t bronze_spans_memory(const struct bronze_spans *spans);

#endif
