// SPDX-License-Identifier: Apache-2.0
/*
 * fault.h: every port of one process, with faults in front: a call fails before its effect, after
 * it (the answer is lost), or is the last thing the process ever did; a commit may also land long
 * after its answer was given up on.  Between any two calls another process may run.
 */
#ifndef K2_TESTS_SIM_FAULT_H
#define K2_TESTS_SIM_FAULT_H

#include "core/random.h"
#include "port/catalog.h"
#include "port/log.h"
#include "port/registry.h"
#include "port/store.h"

/* What decides, and what is behind the faults.  Shared by all processes of a simulation. */
struct fault_world {
    struct random *random;
    int percent;         /* of calls that fail; 0: none */
    struct store *store; /* the real ones */
    struct catalog *catalog;
    struct log *log;
    struct registry *registry;
    struct late_commit *late; /* given up on, not yet applied; oldest first */
    uint64_t calls;
};

struct late_commit {
    struct late_commit *next;
    char *space, *name, *base_location, *table_location;
    struct buf metadata;
};

/* Applies the oldest late commit, whatever comes of it; false when there is none. */
bool fault_apply_late(struct fault_world *world);

struct fault_process {
    struct fault_world *world;
    bool is_dead;                   /* nothing it calls has any effect any more */
    void (*between)(void *context); /* called between port calls */
    void *context;
    struct store *store;
    struct catalog *catalog;
    struct log *log;
    struct registry *registry;
};

void fault_process_init(struct fault_process *process, struct fault_world *world,
                        void (*between)(void *context), void *context);
void fault_process_deinit(struct fault_process *process);

#endif
