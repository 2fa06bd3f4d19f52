// SPDX-License-Identifier: Apache-2.0
/* kraken_fixture.h: a Kraken of four pairs, of either API; its trades come out as lines of text. */
#ifndef K2_TESTS_KRAKEN_FIXTURE_H
#define K2_TESTS_KRAKEN_FIXTURE_H

#include "lib/test.h"

#include "core/decimal.h"
#include "core/micros.h"
#include "exchange/kraken.h"

#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1785600000) * MICROS_SECOND)

struct fixture {
    const struct exchange_kind *kind;
    struct instruments instruments;
    struct exchange *exchange;
    size_t trades;
    struct buf lines; /* of the trades: one each */
};

static inline void fixture_put(void *context, struct trade *trade)
{
    struct fixture *fixture = context;
    static const char *const sides[] = { "BUY", "SELL", "SELL_SHORT", "UNKNOWN" };
    char price[DECIMAL_TEXT_BYTES_MAX], quantity[DECIMAL_TEXT_BYTES_MAX];

    assert_true(span_equal(trade->exchange, SPAN("KRAKEN")));
    decimal_format(trade->price, TRADE_WIRE_SCALE, price);
    decimal_format(trade->quantity, TRADE_WIRE_SCALE, quantity);
    buf_printf(&fixture->lines, "%s %.*s/%.*s %lld %lld %s %s %s %.*s", trade->message_id,
               SPAN_ARGS(trade->symbol), SPAN_ARGS(trade->currency), (long long)trade->trade_id,
               (long long)trade->timestamp_us, price, quantity, sides[trade->side],
               SPAN_ARGS(trade->order_type));
    for (size_t i = 0; i < trade->vendor_count; i++)
        buf_printf(&fixture->lines, " %.*s=%.*s", SPAN_ARGS(trade->vendor[i].key),
                   SPAN_ARGS(trade->vendor[i].value));
    buf_put_byte(&fixture->lines, '\n');
    fixture->trades++;
}

static inline void fixture_list(struct fixture *fixture, const char *const *names, size_t count)
{
    struct err err;

    for (size_t i = 0; i < count; i++) {
        char symbol[32];
        size_t base = strcspn(names[i], "/");
        struct instrument pair = { .name = span_text(names[i]),
                                   .currency = span_text(names[i] + base + 1) };

        snprintf(symbol, sizeof(symbol), "%.*s%s", (int)base, names[i], names[i] + base + 1);
        pair.symbol = span_text(symbol);
        instruments_put(&fixture->instruments, SPAN("KRAKEN"), &pair);
    }
    assert_ok(instruments_check(&fixture->instruments, "kraken", names, count, 8, &err));
    fixture->exchange = fixture->kind->new (&fixture->instruments);
    exchange_connected(fixture->exchange, "ws://x", NOW);
}

static inline struct fixture *fixture_new(const struct exchange_kind *kind)
{
    static const char *const names[] = { "BTC/USD", "XMR/USD", "SC/EUR", "DOGE/USD" };
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->kind = kind;
    fixture_list(fixture, names, ARRAY_LEN(names));
    return fixture;
}

static inline void fixture_clear(struct fixture *fixture)
{
    exchange_free(fixture->exchange);
    instruments_deinit(&fixture->instruments);
    buf_deinit(&fixture->lines);
}

static inline int fixture_tear_down(void **state)
{
    fixture_clear(*state);
    free(*state);
    return 0;
}

/* A copy of the exact size, so that a read beyond its end is seen. */
static inline int fixture_frame_of(struct fixture *fixture, struct span text, int64_t received_us,
                                   struct err *err)
{
    struct exchange_sink sink = { fixture_put, fixture };
    uint8_t *copy = malloc(text.size > 0 ? text.size : 1);
    int rc;

    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    rc = exchange_frame(fixture->exchange, span_of(copy, text.size), received_us, &sink, err);
    free(copy);
    return rc;
}

static inline int fixture_frame(struct fixture *fixture, const char *text, struct err *err)
{
    return fixture_frame_of(fixture, span_text(text), NOW + 7, err);
}

/* The trades of a frame, which must be good, against lines without their message ids. */
static inline void fixture_gives(struct fixture *fixture, const char *text, const char *expected)
{
    struct buf seen = BUF_INIT;
    struct err err;

    buf_clear(&fixture->lines);
    assert_ok(fixture_frame(fixture, text, &err));
    for (char *line = strtok((char *)(uintptr_t)buf_text(&fixture->lines), "\n"); line != NULL;
         line = strtok(NULL, "\n"))
        buf_printf(&seen, "%s\n", line + UUID_TEXT_BYTES);
    assert_string_equal(buf_text(&seen), expected);
    buf_deinit(&seen);
}

/* The message id of the index-th trade that the lines hold. */
static inline const char *fixture_id(struct fixture *fixture, size_t index)
{
    static char ids[8][UUID_TEXT_BYTES];
    const char *at = buf_text(&fixture->lines);

    for (size_t i = 0; i < index; i++)
        at = strchr(at, '\n') + 1;
    snprintf(ids[index % 8], UUID_TEXT_BYTES, "%s", at);
    return ids[index % 8];
}

/* The next action, which must be of this type; its text. */
static inline const char *fixture_action(struct fixture *fixture, enum exchange_action_type type)
{
    static char text[8192];
    struct exchange_action action;

    assert_true(exchange_action(fixture->exchange, &action));
    snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(action.text));
    if (action.type != type)
        fail_msg("another action: %s", text);
    return text;
}

static inline void fixture_no_action(struct fixture *fixture)
{
    struct exchange_action action;

    if (exchange_action(fixture->exchange, &action))
        fail_msg("an action: %.*s", SPAN_ARGS(action.text));
}

static inline struct exchange_counters fixture_count(struct fixture *fixture)
{
    struct exchange_counters counters;

    exchange_count(fixture->exchange, &counters);
    return counters;
}

/* Frames out of good ones by small changes: whatever they say, each is taken or rejected with a
 * word, under the sanitizer without a fault. */
static inline void fixture_mutate(struct fixture *fixture, const char *const *frames, size_t count,
                                  const char *tokens)
{
    struct random random = { 42 };

    for (int round = 0; round < 20000; round++) {
        const char *frame = frames[random_below(&random, count)];
        struct buf text = BUF_INIT;
        struct err err = { 0 };

        buf_put_text(&text, frame);
        for (uint64_t edits = 1 + random_below(&random, 3); edits > 0 && text.size > 0; edits--) {
            size_t at = (size_t)random_below(&random, text.size);

            switch (random_below(&random, 4)) {
            case 0:
                text.data[at] = (uint8_t)random_next(&random);
                break;
            case 1:
                text.data[at] = (uint8_t)tokens[random_below(&random, strlen(tokens))];
                break;
            case 2:
                memmove(text.data + at, text.data + at + 1, text.size - at - 1);
                text.size--;
                break;
            default:
                text.size = at;
            }
        }
        if (fixture_frame_of(fixture, buf_span(&text), NOW + 7, &err) < 0) {
            assert_int_equal(err.kind, ERR_REJECT);
            assert_true(strcspn(err.text, ":") > 0 && strcspn(err.text, ": ") < 30);
        }
        exchange_tick(fixture->exchange, NOW + round);
        for (struct exchange_action action; exchange_action(fixture->exchange, &action);)
            assert_true(action.text.size > 0);
        buf_clear(&fixture->lines);
        buf_deinit(&text);
    }
    exchange_connected(fixture->exchange, "ws://x", NOW);
}

#endif
