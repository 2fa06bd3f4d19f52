// SPDX-License-Identifier: Apache-2.0
/* fiber.c: ucontext, told to AddressSanitizer where it is built in. */
#include "sim/fiber.h"

#include "core/buf.h"

#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK_BYTES = 512 * 1024 };

struct fiber {
    ucontext_t here, caller;
    void (*run)(void *context);
    void *context;
    bool is_done;
    uint8_t *stack;
    const void *caller_stack; /* for the sanitizer */
    size_t caller_stack_size;
};

static void leave(void **fake, const void *stack, size_t size)
{
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(fake, stack, size);
#else
    (void)fake, (void)stack, (void)size;
#endif
}

static void arrive(void *fake, const void **stack, size_t *size)
{
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, stack, size);
#else
    (void)fake, (void)stack, (void)size;
#endif
}

static void entry(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)(((uintptr_t)high << 32) | low);

    arrive(NULL, &fiber->caller_stack, &fiber->caller_stack_size);
    fiber->run(fiber->context);
    fiber->is_done = true;
    leave(NULL, fiber->caller_stack, fiber->caller_stack_size);
    swapcontext(&fiber->here, &fiber->caller);
}

struct fiber *fiber_new(void (*run)(void *context), void *context)
{
    struct fiber *fiber = mem_zero(1, sizeof(*fiber));
    uintptr_t self = (uintptr_t)fiber;

    fiber->run = run;
    fiber->context = context;
    fiber->stack = mem_alloc(STACK_BYTES);
    getcontext(&fiber->here);
    fiber->here.uc_stack.ss_sp = fiber->stack;
    fiber->here.uc_stack.ss_size = STACK_BYTES;
    fiber->here.uc_link = NULL;
    makecontext(&fiber->here, (void (*)(void))(uintptr_t)entry, 2, (unsigned)(self >> 32),
                (unsigned)self);
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    if (fiber == NULL)
        return;
    free(fiber->stack);
    free(fiber);
}

bool fiber_resume(struct fiber *fiber)
{
    void *fake = NULL;

    leave(&fake, fiber->stack, STACK_BYTES);
    swapcontext(&fiber->caller, &fiber->here);
    arrive(fake, NULL, NULL);
    return !fiber->is_done;
}

void fiber_yield(struct fiber *fiber)
{
    void *fake = NULL;

    leave(&fake, fiber->caller_stack, fiber->caller_stack_size);
    swapcontext(&fiber->here, &fiber->caller);
    arrive(fake, &fiber->caller_stack, &fiber->caller_stack_size);
}
