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

static void historical_trades(struct call *call)
{
    struct buf symbol = BUF_INIT;
    int64_t from_id = number(call, "fromId", INT64_MAX);
    int64_t limit = number(call, "limit", TRADES_DEFAULT), count = 0, passed = 0;
    bool given = http_query(call->request, "symbol", &symbol);
    size_t stream = find_symbol(call->world, buf_span(&symbol));
    bool newest = from_id == INT64_MAX;

    if (!given || symbol.size == 0) {
        fail(call, -1102,
             "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    } else if (stream == call->world->stream_count) {
        fail(call, -1121, "Invalid symbol.");
    } else if (from_id < 0 || limit < 1) {
        fail(call, -1100,
             from_id < 0 ? "Illegal characters found in parameter 'fromId'; legal range is "
                           "'^[0-9]{1,20}$'."
                         : "Illegal characters found in parameter 'limit'; legal range is "
                           "'^[0-9]{1,20}$'.");
    } else {
        limit = limit < TRADES_MAX ? limit : TRADES_MAX;
        from_id = newest ? 0 : from_id;
        for (size_t i = 0; newest && i < call->world->count; i++)
            passed += is_listed(call->world, i, stream, 0);
        passed = passed > limit ? passed - limit : 0;
        buf_put_byte(&call->body, '[');
        for (size_t i = 0; i < call->world->count && count < limit; i++)
            if (is_listed(call->world, i, stream, from_id) && passed-- <= 0)
                put_trade(call, &call->world->frames[i], count++ == 0);
        buf_put_byte(&call->body, ']');
    }
    buf_deinit(&symbol);
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
