// SPDX-License-Identifier: Apache-2.0
/*
 * live_files.h: the live files of one snapshot, for a reader that takes many batches from them.
 *
 * A listing is a cache, never state: it may be lost at any moment, and the next one is made of the
 * table.  It is kept for as long as the snapshot that it was made of is an ancestor of main in the
 * same epoch; what others take away from the table meanwhile (compaction) is in these files all the
 * same, and a file that was deleted shows as TABLE_GONE when it is read.  About 100 bytes a file.
 */
#ifndef K2_PROTOCOL_LIVE_FILES_H
#define K2_PROTOCOL_LIVE_FILES_H

#include "core/buf.h"
#include "protocol/own_rows.h"

struct live_file {
    uint64_t path; /* of its end, in live_files.paths */
    int64_t bytes, sequence, file_sequence;
    enum own_level level; /* as own_rows_level says; see the maker of the list */
};

/* All zero is no listing. */
struct live_files {
    struct buf uuid;
    int64_t epoch, snapshot, sequence, complete_us; /* of the snapshot it was made of */
    struct buf head;                                /* what all paths begin with */
    struct buf paths;                               /* ends of the others, each with a terminator */
    struct buf files;                               /* struct live_file */
    struct buf path;                                /* that live_files_get made last */
};

void live_files_deinit(struct live_files *list);
/* Of main's snapshot of the loaded table, which has this map; files are added next. */
void live_files_begin(struct live_files *list, const struct chain_table *chain,
                      const struct positions *map);
void live_files_add(struct live_files *list, const struct ice_data_file *file,
                    enum own_level level);
/* No listing from here on; memory is kept. */
void live_files_forget(struct live_files *list);

/* May the listing still be read, with the table as loaded now?  `epoch` is that of its map. */
bool live_files_hold(const struct live_files *list, const struct ice_metadata *metadata,
                     int64_t epoch);

static inline size_t live_files_count(const struct live_files *list)
{
    return list->files.size / sizeof(struct live_file);
}

static inline struct live_file *live_files_at(const struct live_files *list, size_t index)
{
    return (struct live_file *)(void *)list->files.data + index;
}

/* Path, size and sequence numbers; the path is good until the next call. */
struct ice_data_file live_files_get(struct live_files *list, size_t index);
/* The position of a reader that has taken all of it. */
struct position_input live_files_end(struct live_files *list, const struct chain_table *chain);
/* Bytes held. */
size_t live_files_memory(const struct live_files *list);

#endif
