// SPDX-License-Identifier: Apache-2.0
/*
 * binance_list.c: exchangeInfo, walked in place: the whole list is some ten megabytes, of which a
 * tree would make a hundred.  Asked for by name it is small, but one unknown name turns the answer
 * into an error that names none; the caller then asks for all.
 */
#include "exchange/binance_list.h"

#include "core/json.h"

/* A query's value may hold these as they are (RFC 3986, 2.3). */
static bool is_unreserved(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || (byte != 0 && strchr("-._~", byte) != NULL);
}

void binance_list_url(const char *rest_url, const char *const *names, size_t count, bool all,
                      struct buf *out)
{
    size_t size = strlen(rest_url);

    if (size > 0 && rest_url[size - 1] == '/')
        size--;
    buf_put(out, rest_url, size);
    buf_put_text(out, "/api/v3/exchangeInfo?showPermissionSets=false");
    for (size_t i = 0; i < count && !all; i++) {
        buf_put_text(out, i == 0 ? "&symbols=%5B%22" : "%22,%22");
        for (const char *at = names[i]; *at != '\0'; at++) {
            if (is_unreserved((uint8_t)*at))
                buf_put_byte(out, (uint8_t)*at);
            else
                buf_printf(out, "%%%02X", (unsigned int)(uint8_t)*at);
        }
        if (i + 1 == count)
            buf_put_text(out, "%22%5D");
    }
}

/* One filter: tickSize of PRICE_FILTER, stepSize of LOT_SIZE. */
static int parse_filter(struct json *json, struct instrument *pair, struct err *err)
{
    struct json_value key, value;
    struct span type = SPAN(""), tick = SPAN(""), step = SPAN("");
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (json_is(&key, SPAN("filterType")))
            type = value.text;
        else if (json_is(&key, SPAN("tickSize")))
            tick = value.text;
        else if (json_is(&key, SPAN("stepSize")))
            step = value.text;
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    if (span_equal(type, SPAN("PRICE_FILTER")))
        pair->price_decimals = instruments_decimals(tick);
    else if (span_equal(type, SPAN("LOT_SIZE")))
        pair->quantity_decimals = instruments_decimals(step);
    return 0;
}

static int parse_filters(struct json *json, struct instrument *pair, struct err *err)
{
    struct json_value value;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        rc = value.type == JSON_OBJECT ? parse_filter(json, pair, err)
                                       : json_skip(json, &value, err);
        if (rc < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

/* Escapes are resolved into *text, which keeps them apart by growing only. */
static int parse_pair(struct json *json, struct buf *text, struct instrument *pair, struct err *err)
{
    struct json_value key, value;
    int rc;

    *pair = (struct instrument){ .price_decimals = INSTRUMENT_DECIMALS_UNKNOWN,
                                 .quantity_decimals = INSTRUMENT_DECIMALS_UNKNOWN };
    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (value.type == JSON_STRING && json_is(&key, SPAN("symbol"))) {
            buf_clear(text);
            if (json_unescape(&value, text, err) < 0)
                return -1;
            pair->symbol = pair->name = buf_span(text);
        } else if (value.type == JSON_STRING && json_is(&key, SPAN("quoteAsset"))) {
            pair->currency = value.text;
        } else if (value.type == JSON_STRING && json_is(&key, SPAN("status"))) {
            pair->status = value.text;
        } else if (value.type == JSON_ARRAY && json_is(&key, SPAN("filters"))) {
            if (parse_filters(json, pair, err) < 0)
                return -1;
        } else if (json_skip(json, &value, err) < 0) {
            return -1;
        }
    }
    pair->is_trading = span_equal(pair->status, SPAN("TRADING"));
    return rc < 0 ? -1 : 0;
}

static bool is_named(struct span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(name, span_text(names[i])))
            return true;
    return false;
}

static int parse_pairs(struct json *json, const char *const *names, size_t count,
                       struct instruments *out, struct err *err)
{
    struct buf text = BUF_INIT;
    struct instrument pair;
    struct json_value value;
    int rc;

    while ((rc = json_element(json, &value, err)) == 0) {
        if (value.type != JSON_OBJECT) {
            rc = json_skip(json, &value, err);
        } else if ((rc = parse_pair(json, &text, &pair, err)) == 0 &&
                   is_named(pair.name, names, count)) {
            if (pair.currency.size == 0)
                rc = err_set(err, ERR_RETRY, "%.*s has no quoteAsset", SPAN_ARGS(pair.name));
            else
                instruments_put(out, SPAN("BINANCE"), &pair);
        }
        if (rc < 0)
            break;
    }
    buf_deinit(&text);
    return rc < 0 ? -1 : 0;
}

int binance_list_parse(struct span body, const char *const *names, size_t count,
                       struct instruments *out, struct err *err)
{
    struct json json;
    struct json_value key, value;
    bool found = false;
    int rc;

    json_init(&json, body);
    if (json_value(&json, &value, err) < 0)
        goto wrong;
    if (value.type != JSON_OBJECT)
        return err_set(err, ERR_RETRY, "exchangeInfo: no object");
    while ((rc = json_member(&json, &key, &value, err)) == 0) {
        if (value.type == JSON_ARRAY && json_is(&key, SPAN("symbols"))) {
            found = true;
            rc = parse_pairs(&json, names, count, out, err);
        } else {
            rc = json_skip(&json, &value, err);
        }
        if (rc < 0)
            goto wrong;
    }
    if (rc < 0 || json_finish(&json, err) < 0)
        goto wrong;
    return found ? 0 : err_set(err, ERR_RETRY, "exchangeInfo: no symbols in it");
wrong:
    err->kind = ERR_RETRY; /* an answer cut short, or another server's: ask again */
    return err_wrap(err, "exchangeInfo");
}
