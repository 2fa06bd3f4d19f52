// SPDX-License-Identifier: Apache-2.0
/* seeds.h: many seeds over a few processes; a seed that aborts is a seed that fails. */
#ifndef K2_TESTS_SIM_SEEDS_H
#define K2_TESTS_SIM_SEEDS_H

#include "core/base.h"

struct seeds_result {
    uint64_t run, failed;
    uint64_t seed;   /* the first that failed */
    char text[2048]; /* its violations */
};

/* Seeds [first, first + count) over `jobs` processes; with `stop_at_first` no further block is
 * begun once one has failed. */
void seeds_run(uint64_t first, uint64_t count, int jobs, bool stop_at_first,
               struct seeds_result *result);

/* One seed in this process, with its history on stdout; its number of violations. */
size_t seeds_replay(uint64_t seed);

#endif
