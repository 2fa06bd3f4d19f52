// SPDX-License-Identifier: Apache-2.0
/*
 * api.h: one API version of an exchange at a time writes a table: two would give one trade two
 * message ids.
 *
 * The version stands in the Bronze table's property k2.api, put there when the table is made, so
 * that the catalog decides between processes that start at once.  Ingest and Bronze claim it before
 * they take their first record; nobody changes it afterwards.  Exchanges with one API claim
 * nothing.
 */
#ifndef K2_STAGE_API_H
#define K2_STAGE_API_H

#include "stage/stage.h"

#define API_PROPERTY "k2.api"

/* Makes the exchange's Bronze table when missing.  CONFIG: it is of another version, or does not
 * say of which. */
CHECK_RESULT int api_claim(const struct stage_ports *ports, const char *exchange, const char *api,
                           struct err *err);

/* The same, but nothing is made: TABLE_ABSENT. */
CHECK_RESULT int api_look(const struct stage_ports *ports, const char *exchange, const char *api,
                          struct err *err);

#endif
