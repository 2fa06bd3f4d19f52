// SPDX-License-Identifier: Apache-2.0
/*
 * diag.h: one logfmt line on stderr for an event ("log" always means the trade log).
 *
 *   ts=2026-11-22T15:25:11.123456Z level=info event=commit table=bronze_binance_trades rows=4711
 *
 * Event names are from a fixed set of words, numbers go to metrics too.  Nothing in codec/ or
 * trade/ calls this.  Any thread; a line is written whole.
 */
#ifndef K2_CORE_DIAG_H
#define K2_CORE_DIAG_H

#include "core/err.h"

enum diag_level { DIAG_DEBUG, DIAG_INFO, DIAG_WARN, DIAG_ERROR };

/* `format` gives "key=value key=value"; values with blanks are the caller's to quote. */
void diag(enum diag_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with kind, text and origin of an error behind it. */
void diag_err(enum diag_level level, const char *event, const struct err *err, const char *format,
              ...) PRINTF_LIKE(4, 5);
/* Lines below this level are dropped; DIAG_INFO at start.  Set once, before threads. */
void diag_level_min(enum diag_level level);

#endif
