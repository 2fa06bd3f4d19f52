// SPDX-License-Identifier: Apache-2.0
/* instruments.c: see instruments.h.  Symbols are found through an open hash table that is at most
 * half full: one look for each trade. */
#include "exchange/instruments.h"

#include "core/buf.h"
#include "core/decimal.h"
#include "core/hash.h"

void instruments_deinit(struct instruments *instruments)
{
    arena_deinit(&instruments->arena);
    free(instruments->list);
    free(instruments->slots);
    *instruments = INSTRUMENTS_INIT;
}

void instruments_put(struct instruments *instruments, struct span exchange,
                     const struct instrument *instrument)
{
    struct arena *arena = &instruments->arena;
    struct instrument *copy;

    if (instruments->count == instruments->capacity) {
        instruments->capacity = instruments->capacity == 0 ? 16 : 2 * instruments->capacity;
        instruments->list =
            mem_realloc(instruments->list, instruments->capacity, sizeof(*instruments->list));
    }
    copy = &instruments->list[instruments->count++];
    *copy = *instrument;
    copy->name = arena_copy(arena, instrument->name);
    copy->symbol = arena_copy(arena, instrument->symbol);
    copy->currency = arena_copy(arena, instrument->currency);
    copy->status = arena_copy(arena, instrument->status);
    copy->id_prefix = trade_id_prefix(exchange, instrument->symbol);
}

const struct instrument *instruments_by_name(const struct instruments *instruments,
                                             struct span name)
{
    for (size_t i = 0; i < instruments->count; i++)
        if (span_equal(instruments->list[i].name, name))
            return &instruments->list[i];
    return NULL;
}

/* The slot that holds the symbol, or the free one where it would go. */
static size_t slot_of(const struct instruments *instruments, struct span symbol)
{
    size_t mask = instruments->slot_count - 1;
    size_t slot = (size_t)hash_fast(symbol) & mask;

    while (instruments->slots[slot] != 0 &&
           !span_equal(instruments->list[instruments->slots[slot] - 1].symbol, symbol))
        slot = (slot + 1) & mask;
    return slot;
}

const struct instrument *instruments_find(const struct instruments *instruments, struct span symbol)
{
    uint32_t found = instruments->slots[slot_of(instruments, symbol)];

    return found == 0 ? NULL : &instruments->list[found - 1];
}

/* Names gathered for one sentence of the error. */
static void name_one(struct buf *names, struct span name)
{
    if (names->size > 0)
        buf_put_text(names, ", ");
    buf_put_span(names, name);
}

static void say(struct buf *text, const char *what, struct buf *names)
{
    if (names->size == 0)
        return;
    if (text->size > 0)
        buf_put_text(text, "; ");
    buf_printf(text, "%s: %s", what, buf_text(names));
    buf_clear(names);
}

static void name_unlisted(const struct instruments *instruments, const char *const *names,
                          size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        if (instruments_by_name(instruments, span_text(names[i])) == NULL)
            name_one(out, span_text(names[i]));
}

static void name_repeated(const char *const *names, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                name_one(out, span_text(names[i]));
}

/* Fills the hash table on the way. */
static void name_shared(struct instruments *instruments, struct buf *out)
{
    size_t slots = 16;

    while (slots < 2 * instruments->count)
        slots *= 2;
    free(instruments->slots);
    instruments->slots = mem_zero(slots, sizeof(*instruments->slots));
    instruments->slot_count = slots;
    for (size_t i = 0; i < instruments->count; i++) {
        const struct instrument *new = &instruments->list[i];
        size_t slot = slot_of(instruments, new->symbol);
        uint32_t taken = instruments->slots[slot];

        if (taken == 0) {
            instruments->slots[slot] = (uint32_t)i + 1;
        } else {
            name_one(out, instruments->list[taken - 1].name);
            buf_printf(out, " and %.*s are both %.*s", SPAN_ARGS(new->name),
                       SPAN_ARGS(new->symbol));
        }
    }
}

static void name_too_fine(const struct instruments *instruments, int scale, struct buf *out)
{
    for (size_t i = 0; i < instruments->count; i++) {
        const struct instrument *each = &instruments->list[i];

        if (each->price_decimals <= scale && each->quantity_decimals <= scale)
            continue;
        name_one(out, each->name);
        buf_printf(out, " (price %d, quantity %d)", each->price_decimals, each->quantity_decimals);
    }
}

int instruments_check(struct instruments *instruments, const char *exchange,
                      const char *const *names, size_t count, int scale, struct err *err)
{
    struct buf text = BUF_INIT, list = BUF_INIT;
    char fine[64];
    int rc = 0;

    snprintf(fine, sizeof(fine), "more decimals than the tables' %d", scale);
    name_unlisted(instruments, names, count, &list);
    say(&text, "not in the exchange's list", &list);
    name_repeated(names, count, &list);
    say(&text, "named twice", &list);
    name_shared(instruments, &list);
    say(&text, "one symbol for two pairs", &list);
    name_too_fine(instruments, scale, &list);
    say(&text, fine, &list);
    if (text.size > 0)
        rc = err_set(err, ERR_CONFIG, "exchanges.%s.symbols: %s", exchange, buf_text(&text));
    buf_deinit(&text);
    buf_deinit(&list);
    return rc;
}

int instruments_decimals(struct span size)
{
    int128 value;
    int decimals = 18;

    if (decimal_parse(size, decimals, &value) != 0 || value <= 0)
        return INSTRUMENT_DECIMALS_UNKNOWN;
    while (decimals > 0 && value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    return decimals;
}
