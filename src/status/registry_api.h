// SPDX-License-Identifier: Apache-2.0
/*
 * registry_api.h: a registry as Confluent's API has it, version 1: what its clients, kafkacat and
 * other people's deserializers ask for, and port/registry_http.h.
 *
 *     GET  /subjects                        GET  /schemas/ids/<id>
 *     GET  /subjects/<s>/versions           GET  /schemas/types
 *     GET  /subjects/<s>/versions/<v>       GET  /config, /config/<s>
 *     POST /subjects/<s>                    PUT  /config, /config/<s>    BACKWARD, and no other
 *     POST /subjects/<s>/versions           POST /compatibility/subjects/<s>/versions/<v>
 *
 * <v> is a number or `latest`.  A schema is known by its text without blanks: the same members in
 * another order are another schema.  Compatibility is BACKWARD for every subject; what may not
 * follow gets 409.  Nothing is ever deleted.  What stands behind `?` is not looked at.
 */
#ifndef K2_STATUS_REGISTRY_API_H
#define K2_STATUS_REGISTRY_API_H

#include "status/status.h"

void registry_api_answer(struct registry *registry, const struct status_request *request,
                         struct status_answer *answer);

#endif
