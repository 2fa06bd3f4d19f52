// SPDX-License-Identifier: Apache-2.0
/* test.h: cmocka with what it needs in front of it. */
#ifndef K2_TESTS_TEST_H
#define K2_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/err.h"

/* A call that must succeed; on failure its error is what the test prints. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct err *assert_err_ = &err;                                                            \
        *assert_err_ = (struct err){ 0 };                                                          \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, assert_err_->text);                                          \
    } while (0)

/* A call that must fail with this kind. */
#define assert_err(call, expected_kind)                                                            \
    do {                                                                                           \
        err = (struct err){ 0 };                                                                   \
        assert_int_equal(call, -1);                                                                \
        assert_int_equal(err.kind, expected_kind);                                                 \
    } while (0)

#endif
