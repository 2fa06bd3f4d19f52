// SPDX-License-Identifier: Apache-2.0
/* binance_rest.c: the REST calls that a client of the trade streams needs; rest-api.md, "General
 * endpoints" and "Old trade lookup". */
#include "binance.h"

#include "core/decimal.h"
#include "core/json.h"

#include <inttypes.h>

enum { WEIGHT_LIMIT = 6000, TRADES_MAX = 1000, TRADES_DEFAULT = 500 };

struct call {
    struct world *world;
    const struct http_request *request;
    int64_t now_ns;
    struct buf body;
    int status;
};

static void fail(struct call *call, int code, const char *message)
{
    buf_clear(&call->body);
    buf_printf(&call->body, "{\"code\":%d,\"msg\":\"%s\"}", code, message);
    call->status = 400;
}

static bool wants_micros(const struct call *call)
{
    return http_header_has(call->request, "X-MBX-TIME-UNIT", "MICROSECOND");
}

/* The quote asset is not in a recording: the longest of these that ends the symbol, which holds for
 * the symbols that these assets are quotes of. */
static size_t quote_size(struct span symbol)
{
    static const char *const quotes[] = { "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC",
                                          "ETH",   "BNB",  "EUR",  "TRY",  "BRL",  "JPY" };

    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        size_t size = strlen(quotes[i]);

        if (symbol.size > size && memcmp(symbol.data + symbol.size - size, quotes[i], size) == 0)
            return size;
    }
    return symbol.size > 3 ? 3 : 0;
}

static void put_symbol(const struct binance_symbol *symbol, struct buf *out)
{
    char tick[DECIMAL_TEXT_BYTES_MAX], step[DECIMAL_TEXT_BYTES_MAX];
    struct span name = symbol->symbol;
    size_t quote = quote_size(name);
    int base_size = (int)(name.size - quote);

    decimal_format(decimal_power(8 - symbol->price_decimals), 8, tick);
    decimal_format(decimal_power(8 - symbol->quantity_decimals), 8, step);
    buf_printf(out,
               "{\"symbol\":\"%.*s\",\"status\":\"TRADING\",\"baseAsset\":\"%.*s\","
               "\"baseAssetPrecision\":8,\"quoteAsset\":\"%.*s\",\"quotePrecision\":8,"
               "\"quoteAssetPrecision\":8,\"orderTypes\":[\"LIMIT\",\"MARKET\"],"
               "\"isSpotTradingAllowed\":true,\"filters\":["
               "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"%s\",\"maxPrice\":"
               "\"1000000.00000000\",\"tickSize\":\"%s\"},"
               "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"%s\",\"maxQty\":\"9000.00000000\","
               "\"stepSize\":\"%s\"}],\"permissions\":[\"SPOT\"]}",
               SPAN_ARGS(name), base_size, (const char *)name.data, (int)quote,
               (const char *)name.data + base_size, tick, tick, step, step);
}

/* The trade stream of a symbol: its index, or stream_count. */
static size_t find_symbol(const struct world *world, struct span name)
{
    for (size_t i = 0; i < world->stream_count; i++) {
        const struct binance_symbol *symbol = world->streams[i].detail;

        if (symbol != NULL && span_equal(symbol->symbol, name))
            return i;
    }
    return world->stream_count;
}

static bool put_named(struct call *call, struct span name, bool *first)
{
    size_t stream = find_symbol(call->world, name);

    if (stream == call->world->stream_count)
        return false;
    buf_put_text(&call->body, *first ? "" : ",");
    *first = false;
    put_symbol(call->world->streams[stream].detail, &call->body);
    return true;
}

/* symbols=["BTCUSDT","ETHUSDT"]; a code of Binance's, or 0. */
static int put_list(struct call *call, struct span list, bool *first)
{
    struct json json;
    struct json_value value;
    struct err err;
    int rc;

    json_init(&json, list);
    if (json_check(list, &err) < 0 || json_value(&json, &value, &err) < 0 ||
        value.type != JSON_ARRAY)
        return -1100;
    while ((rc = json_element(&json, &value, &err)) == 0) {
        if (value.type != JSON_STRING)
            return -1100;
        if (!put_named(call, value.text, first))
            return -1121;
    }
    return 0;
}

static void exchange_info(struct call *call)
{
    struct buf symbol = BUF_INIT, symbols = BUF_INIT;
    bool one = http_query(call->request, "symbol", &symbol);
    bool list = http_query(call->request, "symbols", &symbols);
    bool first = true;
    int code = 0;

    buf_printf(&call->body,
               "{\"timezone\":\"UTC\",\"serverTime\":%" PRId64 ",\"rateLimits\":["
               "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
               "\"limit\":%d},{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\","
               "\"intervalNum\":5,\"limit\":300000}],\"exchangeFilters\":[],\"symbols\":[",
               call->now_ns / 1000000, WEIGHT_LIMIT);
    if (one && list)
        code = -1128;
    else if (one)
        code = put_named(call, buf_span(&symbol), &first) ? 0 : -1121;
    else if (list)
        code = put_list(call, buf_span(&symbols), &first);
    for (size_t i = 0; !one && !list && i < call->world->stream_count; i++) {
        const struct binance_symbol *each = call->world->streams[i].detail;

        if (each != NULL && !put_named(call, each->symbol, &first))
            code = -1121;
    }
    buf_put_text(&call->body, "]}");
    if (code != 0)
        fail(call, code,
             code == -1121   ? "Invalid symbol."
             : code == -1128 ? "Combination of optional parameters invalid."
                             : "Illegal characters found in parameter 'symbols'.");
    buf_deinit(&symbol);
    buf_deinit(&symbols);
}

/* A parameter that is a number: its value, `missing` without it, -1 for what is no number. */
static int64_t number(const struct call *call, const char *name, int64_t missing)
{
    struct buf text = BUF_INIT;
    int64_t value = missing;

    if (http_query(call->request, name, &text)) {
        value = text.size == 0 || text.size > 18 ? -1 : 0;
        for (size_t i = 0; i < text.size && value >= 0; i++)
            value =
                text.data[i] < '0' || text.data[i] > '9' ? -1 : value * 10 + (text.data[i] - '0');
    }
    buf_deinit(&text);
    return value;
}

static void put_trade(struct call *call, const struct frame *frame, bool first)
{
    const struct binance_event *event = frame->detail;
    int64_t time_ms = event->trade_ms + call->world->shift_ms[frame->recording];
    char quote[DECIMAL_TEXT_BYTES_MAX] = "0.00000000";
    int128 price, quantity;

    if (decimal_parse(event->price, 8, &price) == 0 &&
        decimal_parse(event->quantity, 8, &quantity) == 0 && price < decimal_power(19) &&
        quantity < decimal_power(19))
        decimal_format(price * quantity / decimal_power(8), 8, quote);
    buf_printf(&call->body,
               "%s{\"id\":%" PRId64 ",\"price\":\"%.*s\",\"qty\":\"%.*s\",\"quoteQty\":\"%s\","
               "\"time\":%" PRId64 "%s,\"isBuyerMaker\":%.*s,\"isBestMatch\":%s}",
               first ? "" : ",", event->id, SPAN_ARGS(event->price), SPAN_ARGS(event->quantity),
               quote, time_ms, wants_micros(call) ? "000" : "", SPAN_ARGS(event->maker),
               span_equal(event->ignore, SPAN("false")) ? "false" : "true");
}

static bool is_listed(const struct world *world, size_t index, size_t stream, int64_t from_id)
{
    const struct frame *frame = &world->frames[index];
    const struct binance_event *event = frame->detail;

    return frame->stream == stream && event->trade && event->id >= from_id &&
           world_is_due(world, index);
}

/* The parameters symbol, fromId (INT64_MAX: not given) and limit; false: the answer is an error. */
static bool page_of(struct call *call, size_t *stream, int64_t *from_id, int64_t *limit)
{
    struct buf symbol = BUF_INIT;
    bool given = http_query(call->request, "symbol", &symbol) && symbol.size > 0;

    *stream = find_symbol(call->world, buf_span(&symbol));
    *from_id = number(call, "fromId", INT64_MAX);
    *limit = number(call, "limit", TRADES_DEFAULT);
    buf_deinit(&symbol);
    if (!given)
        fail(call, -1102,
             "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    else if (*stream == call->world->stream_count)
        fail(call, -1121, "Invalid symbol.");
    else if (*from_id < 0)
        fail(call, -1100,
             "Illegal characters found in parameter 'fromId'; legal range is '^[0-9]{1,20}$'.");
    else if (*limit < 1)
        fail(call, -1100,
             "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.");
    *limit = *limit < TRADES_MAX ? *limit : TRADES_MAX;
    return call->status == 200;
}

static void historical_trades(struct call *call)
{
    int64_t from_id, limit, count = 0, passed = 0, listed = 0;
    size_t stream;

    if (!page_of(call, &stream, &from_id, &limit))
        return;
    for (size_t i = 0; i < call->world->count; i++)
        listed += is_listed(call->world, i, stream, from_id == INT64_MAX ? 0 : from_id);
    if (from_id == INT64_MAX) {
        from_id = 0;
        passed = listed > limit ? listed - limit : 0;
    }
    limit = world_rest_rows(call->world, listed < limit ? listed : limit);
    buf_put_byte(&call->body, '[');
    for (size_t i = 0; i < call->world->count && count < limit; i++)
        if (is_listed(call->world, i, stream, from_id) && passed-- <= 0)
            put_trade(call, &call->world->frames[i], count++ == 0);
    buf_put_byte(&call->body, ']');
}

/* Trades of one taker order at one price, which follow each other. */
struct aggregate {
    int64_t id, first_id, last_id, time_ms;
    const struct binance_event *event;
    int128 quantity;
};

/* The aggregate that begins at frame *index or after, which is moved behind it; false: none. */
static bool next_aggregate(const struct world *world, size_t stream, size_t *index,
                           struct aggregate *out)
{
    bool any = false;

    for (; *index < world->count; ++*index) {
        const struct frame *frame = &world->frames[*index];
        const struct binance_event *event = frame->detail;
        int128 quantity;

        if (!is_listed(world, *index, stream, 0) ||
            decimal_parse(event->quantity, 8, &quantity) != 0)
            continue;
        if (any && (event->trade_ms != out->event->trade_ms ||
                    !span_equal(event->price, out->event->price) ||
                    !span_equal(event->maker, out->event->maker)))
            return true;
        if (!any) {
            out->id++;
            out->event = event;
            out->first_id = event->id;
            out->quantity = 0;
            out->time_ms = event->trade_ms + world->shift_ms[frame->recording];
        }
        any = true;
        out->last_id = event->id;
        out->quantity += quantity;
    }
    return any;
}

static void put_aggregate(struct call *call, const struct aggregate *aggregate, bool first)
{
    const struct binance_event *event = aggregate->event;
    char quantity[DECIMAL_TEXT_BYTES_MAX];

    decimal_format(aggregate->quantity, 8, quantity);
    buf_printf(&call->body,
               "%s{\"a\":%" PRId64 ",\"p\":\"%.*s\",\"q\":\"%s\",\"f\":%" PRId64 ",\"l\":%" PRId64
               ",\"T\":%" PRId64 "%s,\"m\":%.*s,\"M\":true}",
               first ? "" : ",", aggregate->id, SPAN_ARGS(event->price), quantity,
               aggregate->first_id, aggregate->last_id, aggregate->time_ms,
               wants_micros(call) ? "000" : "", SPAN_ARGS(event->maker));
}

/* By fromId, or by startTime and endTime, or the newest. */
static void agg_trades(struct call *call)
{
    int64_t start_ms = number(call, "startTime", INT64_MIN);
    int64_t end_ms = number(call, "endTime", INT64_MAX);
    int64_t from_id, limit, all = 0, count = 0, passed = 0;
    struct aggregate each = { 0 };
    size_t stream, index = 0;
    bool times = start_ms != INT64_MIN || end_ms != INT64_MAX;

    if (!page_of(call, &stream, &from_id, &limit))
        return;
    if (start_ms == -1 || end_ms == -1 || (times && from_id != INT64_MAX)) {
        fail(call, -1128, "Combination of optional parameters invalid.");
        return;
    }
    while (!times && from_id == INT64_MAX && next_aggregate(call->world, stream, &index, &each))
        all++;
    passed = all > limit ? all - limit : 0;
    each = (struct aggregate){ 0 };
    index = 0;
    buf_put_byte(&call->body, '[');
    while (count < limit && next_aggregate(call->world, stream, &index, &each)) {
        if (passed-- > 0 || each.time_ms < start_ms || each.time_ms > end_ms ||
            (from_id != INT64_MAX && each.id < from_id))
            continue;
        put_aggregate(call, &each, count++ == 0);
    }
    buf_put_byte(&call->body, ']');
}

/* Of the trades so far; false: there is none, and nothing was appended. */
static bool put_ticker(struct call *call, size_t stream)
{
    const struct world *world = call->world;
    const struct binance_symbol *symbol = world->streams[stream].detail;
    const struct binance_event *first = NULL, *last = NULL;
    int64_t first_ms = 0, last_ms = 0, count = 0;
    int128 volume = 0, quantity;
    char text[DECIMAL_TEXT_BYTES_MAX];

    for (size_t i = 0; i < world->count; i++) {
        int64_t shift_ms = world->shift_ms[world->frames[i].recording];

        if (!is_listed(world, i, stream, 0))
            continue;
        last = world->frames[i].detail;
        last_ms = last->trade_ms + shift_ms;
        first_ms = first == NULL ? last_ms : first_ms;
        first = first == NULL ? last : first;
        volume += decimal_parse(last->quantity, 8, &quantity) == 0 ? quantity : 0;
        count++;
    }
    if (first == NULL)
        return false;
    decimal_format(volume, 8, text);
    buf_printf(&call->body,
               "{\"symbol\":\"%.*s\",\"openPrice\":\"%.*s\",\"lastPrice\":\"%.*s\",\"lastQty\":"
               "\"%.*s\",\"volume\":\"%s\",\"openTime\":%" PRId64 ",\"closeTime\":%" PRId64
               ",\"firstId\":%" PRId64 ",\"lastId\":%" PRId64 ",\"count\":%" PRId64 "}",
               SPAN_ARGS(symbol->symbol), SPAN_ARGS(first->price), SPAN_ARGS(last->price),
               SPAN_ARGS(last->quantity), text, first_ms, last_ms, first->id, last->id, count);
    return true;
}

static void ticker_24hr(struct call *call)
{
    struct buf symbol = BUF_INIT;
    bool one = http_query(call->request, "symbol", &symbol), first = true;
    size_t stream = find_symbol(call->world, buf_span(&symbol));

    buf_deinit(&symbol);
    if (one && (stream == call->world->stream_count || !put_ticker(call, stream)))
        fail(call, -1121, "Invalid symbol.");
    if (one)
        return;
    buf_put_byte(&call->body, '[');
    for (size_t i = 0; i < call->world->stream_count; i++) {
        size_t from = call->body.size;

        if (call->world->streams[i].detail == NULL)
            continue;
        buf_put_text(&call->body, first ? "" : ",");
        if (put_ticker(call, i))
            first = false;
        else
            call->body.size = from;
    }
    buf_put_byte(&call->body, ']');
}

static void server_time(struct call *call)
{
    buf_printf(&call->body, "{\"serverTime\":%" PRId64 "}",
               call->now_ns / (wants_micros(call) ? 1000 : 1000000));
}

static void ping(struct call *call)
{
    buf_put_text(&call->body, "{}");
}

static void limits(struct call *call, unsigned weight, char *headers, size_t size)
{
    struct world *world = call->world;
    int64_t second = call->now_ns / 1000000000;

    if (second / 60 != world->rest_minute)
        world->rest_weight = 0;
    world->rest_minute = second / 60;
    world->rest_weight += weight;
    snprintf(headers, size, "X-MBX-USED-WEIGHT-1M: %u\r\n", world->rest_weight);
    if (world->rest_weight <= WEIGHT_LIMIT)
        return;
    snprintf(headers, size, "X-MBX-USED-WEIGHT-1M: %u\r\nRetry-After: %d\r\n", world->rest_weight,
             (int)(60 - second % 60));
    fail(call, -1003, "Too many requests; please use WebSocket Streams for live updates.");
    call->status = 429;
}

void binance_rest(struct world *world, const struct http_request *request, int64_t now_ns,
                  struct buf *out)
{
    static const struct {
        const char *path;
        unsigned weight;
        void (*answer)(struct call *call);
    } calls[] = {
        { "/api/v3/ping", 1, ping },
        { "/api/v3/time", 1, server_time },
        { "/api/v3/exchangeInfo", 20, exchange_info },
        { "/api/v3/historicalTrades", 25, historical_trades },
        { "/api/v3/aggTrades", 4, agg_trades },
        { "/api/v3/ticker/24hr", 80, ticker_24hr },
    };
    struct call call = { world, request, now_ns, BUF_INIT, 200 };
    char headers[96] = "";
    size_t i = 0;

    while (i < ARRAY_LEN(calls) && !span_equal(request->path, span_text(calls[i].path)))
        i++;
    if (i == ARRAY_LEN(calls)) {
        call.status = 404;
        buf_put_text(&call.body, "<html><body><h2>404 Not found</h2></body></html>");
    } else if (!span_equal(request->method, SPAN("GET"))) {
        fail(&call, -1020, "This operation is not supported.");
        call.status = 405;
    } else {
        limits(&call, calls[i].weight, headers, sizeof(headers));
        if (call.status == 200)
            calls[i].answer(&call);
    }
    http_respond(out, call.status, headers, buf_span(&call.body));
    buf_deinit(&call.body);
}
