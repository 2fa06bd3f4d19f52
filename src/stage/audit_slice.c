// SPDX-License-Identifier: Apache-2.0
/*
 * audit_slice.c: rows of both tables in one array, brought together by id (buckets, then each
 * sorted in the cache), so that every question is answered by a look at a row's neighbours.
 */
#include "stage/audit_slice.h"

#include "core/hash.h"
#include "core/micros.h"
#include "core/num.h"
#include "core/random.h"

#include <inttypes.h>
#include <string.h>

enum { BUCKET_BITS = 12, BUCKETS = 1 << BUCKET_BITS, SIDE_MASK = 3, VERSION_NONE = 0xf };

void audit_slice_deinit(struct audit_slice *slice)
{
    free(slice->trade);
    slice->trade = NULL;
}

/* -- rows */

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False unless the text is a UUID as uuid_format writes it. */
static bool parse_uuid(struct span text, uint8_t id[16])
{
    size_t at = 0;
    int bad = 0;

    if (text.size != UUID_TEXT_BYTES - 1)
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high, low;

        if (i == 4 || i == 6 || i == 8 || i == 10)
            bad |= text.data[at++] == '-' ? 0 : -1;
        high = nibble(text.data[at++]);
        low = nibble(text.data[at++]);
        bad |= high | low;
        id[i] = (uint8_t)((high & 15) << 4 | (low & 15));
    }
    return bad >= 0 && id[6] >> 4 != VERSION_NONE;
}

static void put_id(struct span text, uint8_t id[16])
{
    uint8_t hash[32];

    if (parse_uuid(text, id))
        return;
    hash_sha256(text, hash);
    memcpy(id, hash, 16);
    id[6] = (uint8_t)(VERSION_NONE << 4 | (id[6] & 15));
}

static uint64_t hash_decimal(uint64_t hash, int128 value)
{
    return hash_mix(hash_mix(hash, (uint64_t)value) + 1, (uint64_t)(value >> 64));
}

static uint64_t hash_rest(const struct trade_keys *rows, size_t row)
{
    uint64_t hash = hash_fast(column_bytes(rows->side, row));

    hash = hash_decimal(hash, column_decimal(rows->price, row));
    return hash_decimal(hash + 1, column_decimal(rows->quantity, row));
}

bool audit_slice_put(struct audit_slice *slice, const struct trade_keys *rows, enum audit_side side,
                     int64_t low, int64_t high, size_t room)
{
    for (size_t row = 0; row < rows->timestamp->rows; row++) {
        int64_t at = column_int64(rows->timestamp, row);
        struct audit_trade *trade;

        if (at < low || at > high)
            continue;
        if (slice->count >= room)
            return false;
        if (slice->count == slice->capacity) {
            slice->capacity = size_max(4096, size_min(2 * slice->capacity, room));
            slice->trade = mem_realloc(slice->trade, slice->capacity, sizeof(*slice->trade));
        }
        trade = &slice->trade[slice->count++];
        put_id(column_bytes(rows->message_id, row), trade->id);
        trade->rest = (hash_rest(rows, row) & ~(uint64_t)SIDE_MASK) | (uint64_t)side;
        trade->at = at;
    }
    return true;
}

static enum audit_side side_of(const struct audit_trade *trade)
{
    return (enum audit_side)(trade->rest & SIDE_MASK);
}

/* -- bringing together */

static size_t bucket_of(const struct audit_trade *trade)
{
    return (size_t)(hash_mix(load_le64(trade->id), load_le64(trade->id + 8)) >> (64 - BUCKET_BITS));
}

static int by_key(const void *left, const void *right)
{
    const struct audit_trade *a = left, *b = right;
    int order = memcmp(a->id, b->id, sizeof(a->id));

    if (order != 0)
        return order;
    if (a->rest >> 2 != b->rest >> 2)
        return a->rest < b->rest ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->rest > b->rest) - (a->rest < b->rest);
}

static int by_time(const void *left, const void *right)
{
    const struct audit_trade *a = left, *b = right;

    return (a->at > b->at) - (a->at < b->at);
}

/* Every trade into its bucket, in place: each swap puts one where it stays. */
static void distribute(struct audit_trade *trade, size_t count, size_t end[BUCKETS])
{
    size_t next[BUCKETS];
    size_t sum = 0;

    memset(end, 0, BUCKETS * sizeof(*end));
    for (size_t i = 0; i < count; i++)
        end[bucket_of(&trade[i])]++;
    for (size_t b = 0; b < BUCKETS; b++) {
        next[b] = sum;
        sum += end[b];
        end[b] = sum;
    }
    for (size_t b = 0; b < BUCKETS; b++)
        while (next[b] < end[b]) {
            size_t to = bucket_of(&trade[next[b]]);
            struct audit_trade kept = trade[next[b]];

            trade[next[b]] = trade[next[to]];
            trade[next[to]++] = kept;
        }
}

/* -- findings */

static void name_trade(const struct audit_trade *trade, char text[120])
{
    char id[UUID_TEXT_BYTES], time[MICROS_TEXT_BYTES_MAX];

    uuid_format(trade->id, id);
    micros_format(trade->at, time);
    snprintf(text, 120, "message_id %s%s at %s",
             trade->id[6] >> 4 == VERSION_NONE ? "(no UUID, its hash is) " : "", id, time);
}

static void put_case(struct audit_report *report, enum audit_kind kind,
                     const struct audit_trade *trade, const char *what)
{
    char text[120] = "";

    if (audit_report_lists(report, kind))
        name_trade(trade, text);
    audit_report_case(report, kind, 1, "%s %s", text, what);
}

static bool is_mine(const struct audit_slice *slice, const struct audit_trade *trade)
{
    return trade->at >= slice->from && trade->at <= slice->to;
}

/* How far apart, without overflow. */
static uint64_t apart(int64_t early, int64_t late)
{
    return (uint64_t)late - (uint64_t)early;
}

/* Rows of one key, by time. */
static void compare_key(struct audit_slice *slice, struct audit_report *report,
                        const struct audit_trade *trade, size_t count)
{
    const struct audit_trade *silver = NULL; /* the last row before or at this one */
    const struct audit_trade *any_gold = NULL, *gold = NULL;
    uint64_t window = (uint64_t)slice->window_us;
    size_t next = 0; /* the first Gold row not before this one */

    for (size_t i = 0; i < count; i++) {
        const struct audit_trade *row = &trade[i];
        enum audit_side side = side_of(row);

        if (side <= AUDIT_SILVER_UNTAKEN) {
            silver = row;
            if (side != AUDIT_SILVER || !is_mine(slice, row))
                continue;
            slice->silver++;
            next = size_max(next, i);
            while (next < count && side_of(&trade[next]) < AUDIT_GOLD)
                next++;
            if (!(any_gold != NULL && apart(any_gold->at, row->at) <= window) &&
                !(next < count && apart(row->at, trade[next].at) <= window))
                put_case(report, AUDIT_GOLD_ABSENT, row, "stands in silver, gold lacks it");
            continue;
        }
        any_gold = row;
        if (side != AUDIT_GOLD)
            continue;
        if (is_mine(slice, row)) {
            slice->gold++;
            if (gold != NULL && apart(gold->at, row->at) <= window)
                put_case(report, AUDIT_GOLD_TWICE, row,
                         "stands in gold more than once within the window");
            if (row->at < slice->orphan_from)
                slice->too_old++;
            else if (silver == NULL || silver->at != row->at)
                put_case(report, AUDIT_GOLD_ORPHAN, row, "stands in gold, silver lacks it");
        }
        gold = row;
    }
}

/* Rows of one id with more than one key: Gold keeps them all. */
static void compare_id(struct audit_slice *slice, struct audit_report *report,
                       struct audit_trade *trade, size_t count)
{
    const struct audit_trade *before = NULL;

    qsort(trade, count, sizeof(*trade), by_time);
    for (size_t i = 0; i < count; i++) {
        if (side_of(&trade[i]) != AUDIT_GOLD)
            continue;
        if (before != NULL && before->rest != trade[i].rest && is_mine(slice, &trade[i]) &&
            apart(before->at, trade[i].at) <= (uint64_t)slice->window_us)
            put_case(report, AUDIT_ID_CONFLICT, &trade[i],
                     "stands in gold with another price, quantity or side too");
        before = &trade[i];
    }
}

static void compare_bucket(struct audit_slice *slice, struct audit_report *report,
                           struct audit_trade *trade, size_t count)
{
    size_t id = 0;

    qsort(trade, count, sizeof(*trade), by_key);
    while (id < count) {
        size_t key = id;
        size_t i = id + 1;

        for (; i < count && memcmp(trade[id].id, trade[i].id, sizeof(trade[i].id)) == 0; i++)
            if (trade[key].rest >> 2 != trade[i].rest >> 2) {
                compare_key(slice, report, &trade[key], i - key);
                key = i;
            }
        compare_key(slice, report, &trade[key], i - key);
        if (key > id)
            compare_id(slice, report, &trade[id], i - id);
        id = i;
    }
}

void audit_slice_compare(struct audit_slice *slice, struct audit_report *report)
{
    size_t end[BUCKETS];
    size_t first = 0;

    distribute(slice->trade, slice->count, end);
    for (size_t b = 0; b < BUCKETS; b++) {
        compare_bucket(slice, report, &slice->trade[first], end[b] - first);
        first = end[b];
    }
}
