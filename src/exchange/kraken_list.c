// SPDX-License-Identifier: Apache-2.0
/* kraken_list.c: see kraken_list.h.  Errors come as HTTP 200 with a text in "error". */
#include "exchange/kraken_list.h"

#include "core/json.h"
#include "core/num.h"
#include "exchange/frame.h"
#include "exchange/kraken_pair.h"

void kraken_list_url(const char *rest_url, const char *const *names, size_t count, bool all,
                     struct buf *out)
{
    size_t size = strlen(rest_url);

    (void)names;
    (void)count;
    (void)all;
    if (size > 0 && rest_url[size - 1] == '/')
        size--;
    buf_put(out, rest_url, size);
    buf_put_text(out, "/0/public/AssetPairs");
}

/* One pair of the list; `pair` in v2's words. */
struct listed {
    struct buf pair, text;
    struct span status;
    int price_decimals, tick_decimals, quantity_decimals;
};

static int decimals_of(const struct json_value *value)
{
    struct err err = { 0 };
    int64_t decimals;

    if (frame_integer(value, "", &decimals, &err) < 0 || decimals < 0 || decimals > 1000)
        return INSTRUMENT_DECIMALS_UNKNOWN;
    return (int)decimals;
}

static int take_member(struct json *json, const struct json_value *key,
                       const struct json_value *value, struct listed *pair, struct err *err)
{
    if (value->type == JSON_STRING && json_is(key, SPAN("wsname"))) {
        buf_clear(&pair->text);
        if (json_unescape(value, &pair->text, err) < 0)
            return -1;
        kraken_pair_put(buf_span(&pair->text), &pair->pair);
    } else if (value->type == JSON_STRING && json_is(key, SPAN("status"))) {
        pair->status = value->text;
    } else if (json_is(key, SPAN("tick_size"))) {
        pair->tick_decimals = instruments_decimals(value->text);
    } else if (json_is(key, SPAN("pair_decimals"))) {
        pair->price_decimals = decimals_of(value);
    } else if (json_is(key, SPAN("lot_decimals"))) {
        pair->quantity_decimals = decimals_of(value);
    }
    return json_skip(json, value, err);
}

static int parse_pair(struct json *json, struct listed *pair, struct err *err)
{
    struct json_value key, value;
    int rc;

    buf_clear(&pair->pair);
    pair->status = SPAN("");
    pair->price_decimals = pair->tick_decimals = pair->quantity_decimals =
        INSTRUMENT_DECIMALS_UNKNOWN;
    while ((rc = json_member(json, &key, &value, err)) == 0)
        if (take_member(json, &key, &value, pair, err) < 0)
            return -1;
    return rc < 0 ? -1 : 0;
}

static bool is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* For each configured name of the pair one instrument: two names of one pair share a symbol, which
 * instruments_check refuses. */
static void put_named(struct listed *pair, const char *const *names, size_t count,
                      struct instruments *out)
{
    struct buf name = BUF_INIT, symbol = BUF_INIT;
    struct span quote = kraken_pair_quote(buf_span(&pair->pair));

    kraken_pair_put_symbol(buf_span(&pair->pair), &symbol);
    for (size_t i = 0; quote.size > 0 && i < count; i++) {
        struct instrument instrument = {
            .name = span_text(names[i]),
            .symbol = buf_span(&symbol),
            .currency = quote,
            .status = pair->status,
            .is_trading = span_equal(pair->status, SPAN("online")),
            .price_decimals = pair->tick_decimals != INSTRUMENT_DECIMALS_UNKNOWN
                                  ? pair->tick_decimals
                                  : pair->price_decimals,
            .quantity_decimals = pair->quantity_decimals,
        };

        buf_clear(&name);
        kraken_pair_put(instrument.name, &name);
        if (span_equal(buf_span(&name), buf_span(&pair->pair)) && !is_among(names, i, names[i]))
            instruments_put(out, SPAN("KRAKEN"), &instrument);
    }
    buf_deinit(&name);
    buf_deinit(&symbol);
}

static int parse_pairs(struct json *json, const char *const *names, size_t count,
                       struct instruments *out, struct err *err)
{
    struct listed pair = { .pair = BUF_INIT, .text = BUF_INIT };
    struct json_value key, value;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (value.type != JSON_OBJECT)
            rc = json_skip(json, &value, err);
        else if ((rc = parse_pair(json, &pair, err)) == 0)
            put_named(&pair, names, count, out);
        if (rc < 0)
            break;
    }
    buf_deinit(&pair.pair);
    buf_deinit(&pair.text);
    return rc < 0 ? -1 : 0;
}

/* The first text in "error": ["EGeneral:Too many requests"]; none in an empty list. */
static int parse_errors(struct json *json, struct span *first, struct err *err)
{
    struct json_value value;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        if (first->size == 0)
            *first = value.text;
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

int kraken_list_parse(struct span body, const char *const *names, size_t count,
                      struct instruments *out, struct err *err)
{
    struct span refusal = SPAN("");
    struct json json;
    struct json_value key, value;
    bool found = false;
    int rc;

    json_init(&json, body);
    if (json_value(&json, &value, err) < 0)
        goto wrong;
    if (value.type != JSON_OBJECT)
        return err_set(err, ERR_RETRY, "AssetPairs: no object");
    while ((rc = json_member(&json, &key, &value, err)) == 0) {
        if (value.type == JSON_OBJECT && json_is(&key, SPAN("result"))) {
            found = true;
            rc = parse_pairs(&json, names, count, out, err);
        } else if (value.type == JSON_ARRAY && json_is(&key, SPAN("error"))) {
            rc = parse_errors(&json, &refusal, err);
        } else {
            rc = json_skip(&json, &value, err);
        }
        if (rc < 0)
            goto wrong;
    }
    if (rc < 0 || json_finish(&json, err) < 0)
        goto wrong;
    if (refusal.size > 0)
        return err_set(err, ERR_RETRY, "AssetPairs: %.*s", FRAME_QUOTE(refusal));
    return found ? 0 : err_set(err, ERR_RETRY, "AssetPairs: no result in it");
wrong:
    err->kind = ERR_RETRY; /* an answer cut short, or another server's: ask again */
    return err_wrap(err, "AssetPairs");
}
