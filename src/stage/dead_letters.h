// SPDX-License-Identifier: Apache-2.0
/* dead_letters.h: the columns of silver_dlq_trades for one batch. */
#ifndef K2_STAGE_DEAD_LETTERS_H
#define K2_STAGE_DEAD_LETTERS_H

#include "port/log.h"
#include "stage/stage.h"
#include "stage/verdict.h"

struct dead_letters {
    struct column column[DEAD_COLUMNS];
};

void dead_letters_init(struct dead_letters *dead);
void dead_letters_deinit(struct dead_letters *dead);

/* Rows index[0..count) of Bronze, each with its reason; TRADE_GOOD stands for decision_lost. */
void dead_letters_from_bronze(struct dead_letters *dead, const struct verdict *verdict,
                              const struct bronze_rows *rows, const uint32_t *index, size_t count,
                              const char *bronze_source, const char *topic, int64_t now_us);

/* Frames that ingest could not turn into trades: reason from the header k2-reason. */
void dead_letters_from_frames(struct dead_letters *dead, const struct log_batch *frames,
                              const char *source, const char *topic, int64_t now_us);

/* Writes what was built as data files (none when empty), appended to *files. */
CHECK_RESULT int dead_letters_write(struct dead_letters *dead, struct chain_table *table,
                                    struct arena *arena, size_t file_rows,
                                    struct stage_files *files, struct err *err);

#endif
