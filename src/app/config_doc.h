// SPDX-License-Identifier: Apache-2.0
/* config_doc.h: docs/configuration.md, made from option.def. */
#ifndef K2_APP_CONFIG_DOC_H
#define K2_APP_CONFIG_DOC_H

#include "core/buf.h"

/* Appends the page. */
void config_doc(struct buf *out);

#endif
