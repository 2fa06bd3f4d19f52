// SPDX-License-Identifier: Apache-2.0
/* recording.h: a recording's lines, `<receive time, ns since 1970> <raw frame>`, plain or gzip. */
#ifndef K2_EXCHANGE_SIM_RECORDING_H
#define K2_EXCHANGE_SIM_RECORDING_H

#include "core/err.h"
#include "core/span.h"

/* `frame` lives during the call; -1 ends the reading. */
typedef int recording_take(void *context, int64_t receive_ns, struct span frame, struct err *err);

/* Hands each line to `take`; an error gets file and line in front. */
CHECK_RESULT int recording_read(const char *path, recording_take *take, void *context,
                                struct err *err);

#endif
