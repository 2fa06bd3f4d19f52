// SPDX-License-Identifier: Apache-2.0
/* fiber.h: a step of a job that can be left between two port calls and gone on with later, all in
 * one thread: another worker runs in between, or the process "dies" there. */
#ifndef K2_TESTS_SIM_FIBER_H
#define K2_TESTS_SIM_FIBER_H

#include "core/base.h"

struct fiber;

struct fiber *fiber_new(void (*run)(void *context), void *context);
/* Only a fiber that has finished, or was never resumed. */
void fiber_free(struct fiber *fiber);
/* Runs it until it yields or finishes; true while it has not finished. */
bool fiber_resume(struct fiber *fiber);
/* From inside: back to whoever resumed. */
void fiber_yield(struct fiber *fiber);

#endif
