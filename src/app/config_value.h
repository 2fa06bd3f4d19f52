// SPDX-License-Identifier: Apache-2.0
/* config_value.h: one value of the configuration as text: numbers with units, and secrets. */
#ifndef K2_APP_CONFIG_VALUE_H
#define K2_APP_CONFIG_VALUE_H

#include "app/config.h"

/* "10s", "500ms", "7d": a whole number and us, ms, s, m, h or d; in microseconds. */
CHECK_RESULT bool config_value_duration(const char *text, int64_t *us);
/* "128MiB": a whole number and B, KiB, MiB, GiB, TiB, kB, MB, GB or TB; in bytes. */
CHECK_RESULT bool config_value_size(const char *text, int64_t *bytes);
/* A whole number. */
CHECK_RESULT bool config_value_count(const char *text, int64_t *count);

/* Appends a number as a file would say it: "7d", "128MiB", "40". */
void config_value_print(enum config_kind kind, int64_t value, struct buf *out);

/* Appends what a text stands for: ${NAME} from the environment, file:PATH from a file (without the
 * line break at its end).  CONFIG; the message never holds what was read. */
CHECK_RESULT int config_value_resolve(const char *text, struct buf *out, struct err *err);

/* Sets the option's member from one text (CONFIG: what was expected), and from a list's. */
CHECK_RESULT int config_value_set(struct config *config, const struct config_option *option,
                                  const char *text, struct err *err);
CHECK_RESULT int config_value_set_list(struct config *config, const struct config_option *option,
                                       const char *const *item, size_t count, struct err *err);
/* Values are resolved; names are taken as they are. */
CHECK_RESULT int config_value_set_map(struct config *config, const struct config_option *option,
                                      const struct config_map *map, struct err *err);

#endif
