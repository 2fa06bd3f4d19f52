// SPDX-License-Identifier: Apache-2.0
/* kraken_rest.c: GET /0/public/AssetPairs, Trades, Time, SystemStatus.  Errors come with status
 * 200, as Kraken's do. */
#include "kraken.h"

#include "core/decimal.h"
#include "core/micros.h"

#include <inttypes.h>

enum {
    TRADES_MAX = 1000,
    CALLS_MAX = 15, /* at once; one more each second */
    LOT_DECIMALS = 8,
    PRICE_DECIMALS_MIN = 5, /* of a price in Trades */
};

struct call {
    struct world *world;
    const struct http_request *request;
    int64_t now_ns;
    struct buf result;
    const char *error; /* NULL: none */
};

/* A pair's names, of which the recording has one. */
struct names {
    char ws[40];     /* XBT/USD */
    char alt[40];    /* XBTUSD */
    char v2[40];     /* BTC/USD */
    char base[24];   /* XXBT */
    char quote[24];  /* ZUSD */
    char legacy[48]; /* XXBTZUSD: a key in results */
};

static const char *translated(const char *name, bool to_v2)
{
    static const char *const table[][2] = { { "XBT", "BTC" }, { "XDG", "DOGE" } };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(name, table[i][to_v2 ? 0 : 1]) == 0)
            return table[i][to_v2 ? 1 : 0];
    return name;
}

/* The assets of Kraken's first years carry an X (coins) or a Z (money) in front. */
static char legacy_letter(const char *asset)
{
    static const char *const coins[] = { "XBT", "ETH", "LTC", "XRP", "XMR", "ZEC",
                                         "XDG", "ETC", "REP", "XLM", "MLN" };
    static const char *const money[] = { "USD", "EUR", "GBP", "CAD", "JPY", "AUD" };

    for (size_t i = 0; i < ARRAY_LEN(coins); i++)
        if (strcmp(asset, coins[i]) == 0)
            return 'X';
    for (size_t i = 0; i < ARRAY_LEN(money); i++)
        if (strcmp(asset, money[i]) == 0)
            return 'Z';
    return '\0';
}

static void name_asset(const char *asset, char *out, size_t size)
{
    char letter = legacy_letter(asset);

    if (letter == '\0')
        snprintf(out, size, "%s", asset);
    else
        snprintf(out, size, "%c%s", letter, asset);
}

static void name_pair(struct span name, struct names *names)
{
    char base[20] = "", quote[20] = "";
    const uint8_t *slash = memchr(name.data, '/', name.size);
    const char *old_base, *old_quote;
    int size = slash == NULL ? (int)name.size : (int)(slash - name.data);

    snprintf(base, sizeof(base), "%.*s", size, (const char *)name.data);
    if (slash != NULL)
        snprintf(quote, sizeof(quote), "%.*s", (int)name.size - size - 1, (const char *)slash + 1);
    old_base = translated(base, false);
    old_quote = translated(quote, false);
    snprintf(names->ws, sizeof(names->ws), "%s/%s", old_base, old_quote);
    snprintf(names->alt, sizeof(names->alt), "%s%s", old_base, old_quote);
    snprintf(names->v2, sizeof(names->v2), "%s/%s", translated(base, true),
             translated(quote, true));
    name_asset(old_base, names->base, sizeof(names->base));
    name_asset(old_quote, names->quote, sizeof(names->quote));
    if (legacy_letter(old_base) != '\0' && legacy_letter(old_quote) != '\0')
        snprintf(names->legacy, sizeof(names->legacy), "%s%s", names->base, names->quote);
    else
        snprintf(names->legacy, sizeof(names->legacy), "%s", names->alt);
}

/* By any of its names; stream_count: not listed. */
static size_t find_pair(const struct world *world, struct span name, struct names *names)
{
    for (size_t i = 0; i < world->stream_count; i++) {
        name_pair(world->streams[i].name, names);
        if (span_equal(name, span_text(names->ws)) || span_equal(name, span_text(names->alt)) ||
            span_equal(name, span_text(names->v2)) || span_equal(name, span_text(names->legacy)))
            return i;
    }
    return world->stream_count;
}

static bool wants_v2_keys(const struct call *call)
{
    struct buf value = BUF_INIT;
    bool wants = http_query(call->request, "assetVersion", &value) &&
                 span_equal(buf_span(&value), SPAN("1"));

    buf_deinit(&value);
    return wants;
}

static void put_pair(struct call *call, size_t stream)
{
    const struct kraken_pair *pair = call->world->streams[stream].detail;
    int decimals = pair->last_id == 0 ? PRICE_DECIMALS_MIN : pair->price_decimals;
    char tick[DECIMAL_TEXT_BYTES_MAX];
    bool first = call->result.size <= 1;
    struct names names;

    name_pair(call->world->streams[stream].name, &names);
    decimal_format(1, decimals, tick);
    buf_printf(&call->result,
               "%s\"%s\":{\"altname\":\"%s\",\"wsname\":\"%s\",\"aclass_base\":\"currency\","
               "\"base\":\"%s\",\"aclass_quote\":\"currency\",\"quote\":\"%s\",\"lot\":\"unit\","
               "\"cost_decimals\":5,\"pair_decimals\":%d,\"lot_decimals\":%d,\"lot_multiplier\":1,"
               "\"leverage_buy\":[2,3],\"leverage_sell\":[2,3],\"fees\":[[0,0.4],[10000,0.35]],"
               "\"fees_maker\":[[0,0.25],[10000,0.2]],\"fee_volume_currency\":\"ZUSD\","
               "\"margin_call\":80,\"margin_stop\":40,\"ordermin\":\"0.00005\",\"costmin\":\"0.5\","
               "\"tick_size\":\"%s\",\"status\":\"online\"}",
               first ? "" : ",", wants_v2_keys(call) ? names.v2 : names.legacy, names.alt, names.ws,
               names.base, names.quote, decimals, LOT_DECIMALS, tick);
}

static void asset_pairs(struct call *call)
{
    struct buf list = BUF_INIT;
    bool some = http_query(call->request, "pair", &list);
    struct names names;

    buf_put_byte(&call->result, '{');
    for (size_t i = 0; !some && i < call->world->stream_count; i++)
        put_pair(call, i);
    for (struct span rest = buf_span(&list); some && call->error == NULL;) {
        const uint8_t *comma = rest.size == 0 ? NULL : memchr(rest.data, ',', rest.size);
        size_t size = comma == NULL ? rest.size : (size_t)(comma - rest.data);
        size_t stream = find_pair(call->world, span_of(rest.data, size), &names);

        if (stream == call->world->stream_count)
            call->error = "EQuery:Unknown asset pair";
        else
            put_pair(call, stream);
        if (comma == NULL)
            break;
        rest = span_of(comma + 1, rest.size - size - 1);
    }
    buf_put_byte(&call->result, '}');
    buf_deinit(&list);
}

/* A parameter that is a number: its value, `missing` without it, -1 for what is no number. */
static int64_t number(const struct call *call, const char *name, int64_t missing)
{
    struct buf text = BUF_INIT;
    int64_t value = missing;

    if (http_query(call->request, name, &text)) {
        value = text.size == 0 || text.size > 19 ? -1 : 0;
        for (size_t i = 0; i < text.size && value >= 0; i++)
            if (text.data[i] < '0' || text.data[i] > '9' ||
                __builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, text.data[i] - '0', &value))
                value = -1;
    }
    buf_deinit(&text);
    return value;
}

static void put_decimal(struct span token, int scale, struct buf *out)
{
    char text[DECIMAL_TEXT_BYTES_MAX];
    int128 value;

    if (decimal_parse(token, scale, &value) != 0) {
        buf_put_span(out, token);
        return;
    }
    decimal_format(value, scale, text);
    buf_put_text(out, text);
}

static void put_trade(struct call *call, int price_decimals, const struct kraken_trade *trade,
                      int64_t time_ns)
{
    buf_put_text(&call->result, "[\"");
    put_decimal(trade->price, price_decimals, &call->result);
    buf_put_text(&call->result, "\",\"");
    put_decimal(trade->quantity, LOT_DECIMALS, &call->result);
    buf_printf(&call->result, "\",%" PRId64 ".%07" PRId64 ",\"%c\",\"%c\",\"%.*s\",%" PRId64 "]",
               time_ns / 1000000000, time_ns % 1000000000 / 100, trade->side.data[0],
               trade->type.data[0], SPAN_ARGS(trade->misc), trade->id);
}

/* When REST says that it was. */
static int64_t rest_time_ns(const struct world *world, const struct frame *frame,
                            const struct kraken_trade *trade)
{
    return trade->time_ns + trade->rest_ns + world->shift_ms[frame->recording] * 1000000;
}

static int64_t count_trades(const struct world *world, size_t stream, int64_t since_ns)
{
    int64_t count = 0;

    for (size_t i = 0; i < world->count; i++) {
        const struct frame *frame = &world->frames[i];
        const struct kraken_event *event = frame->detail;

        if (frame->stream != stream || !world_is_due(world, i))
            continue;
        for (size_t k = 0; k < event->count; k++)
            count += rest_time_ns(world, frame, &event->trades[k]) > since_ns;
    }
    return count;
}

/* Trades of `stream` after `since_ns`, at most `count`; without since the newest. */
static void put_trades(struct call *call, size_t stream, int64_t since_ns, int64_t count)
{
    const struct world *world = call->world;
    const struct kraken_pair *pair = world->streams[stream].detail;
    int decimals =
        pair->price_decimals > PRICE_DECIMALS_MIN ? pair->price_decimals : PRICE_DECIMALS_MIN;
    int64_t last_ns = since_ns < 0 ? 0 : since_ns, listed = count_trades(world, stream, since_ns);
    int64_t passed = since_ns < 0 && listed > count ? listed - count : 0;
    bool first = true;

    count = world_rest_rows(call->world, listed < count ? listed : count);
    for (size_t i = 0; i < world->count && count > 0; i++) {
        const struct kraken_event *event = world->frames[i].detail;

        if (world->frames[i].stream != stream || !world_is_due(world, i))
            continue;
        for (size_t k = 0; k < event->count && count > 0; k++) {
            int64_t time_ns = rest_time_ns(world, &world->frames[i], &event->trades[k]);

            if (time_ns <= since_ns || passed-- > 0)
                continue;
            buf_put_text(&call->result, first ? "" : ",");
            first = false;
            count--;
            put_trade(call, decimals, &event->trades[k], time_ns);
            last_ns = time_ns;
        }
    }
    buf_printf(&call->result, "],\"last\":\"%" PRId64 "\"}", last_ns);
}

static void trades(struct call *call)
{
    struct buf name = BUF_INIT;
    struct names names;
    int64_t since = number(call, "since", -2), count = number(call, "count", TRADES_MAX);
    bool given = http_query(call->request, "pair", &name);
    size_t stream = find_pair(call->world, buf_span(&name), &names);

    if (!given || since == -1 || count < 1) {
        call->error = "EGeneral:Invalid arguments";
    } else if (stream == call->world->stream_count) {
        call->error = "EQuery:Unknown asset pair";
    } else {
        if (since >= 0 && since < INT64_C(1000000000000)) /* seconds */
            since *= since < INT64_C(9000000000) ? 1000000000 : 1;
        buf_printf(&call->result, "{\"%s\":[", wants_v2_keys(call) ? names.v2 : names.legacy);
        put_trades(call, stream, since, count < TRADES_MAX ? count : TRADES_MAX);
    }
    buf_deinit(&name);
}

static void server_time(struct call *call)
{
    buf_printf(&call->result, "{\"unixtime\":%" PRId64 "}", call->now_ns / 1000000000);
}

static void system_status(struct call *call)
{
    char text[MICROS_TEXT_BYTES_MAX];

    micros_format(call->now_ns / 1000000000 * MICROS_SECOND, text);
    buf_printf(&call->result, "{\"status\":\"online\",\"timestamp\":\"%.19sZ\"}", text);
}

/* A counter that each call raises and each second lowers by one. */
static bool too_many(struct world *world, int64_t now_ns)
{
    int64_t second = now_ns / 1000000000, passed = second - world->rest_minute;

    if (passed > 0)
        world->rest_weight -= passed < world->rest_weight ? (unsigned)passed : world->rest_weight;
    world->rest_minute = second;
    if (world->rest_weight >= CALLS_MAX)
        return true;
    world->rest_weight++;
    return false;
}

void kraken_rest(struct world *world, const struct http_request *request, int64_t now_ns,
                 struct buf *out)
{
    static const struct {
        const char *path;
        void (*answer)(struct call *call);
    } calls[] = {
        { "/0/public/AssetPairs", asset_pairs },
        { "/0/public/Trades", trades },
        { "/0/public/Time", server_time },
        { "/0/public/SystemStatus", system_status },
    };
    struct call call = { world, request, now_ns, BUF_INIT, NULL };
    struct buf body = BUF_INIT;
    size_t i = 0;

    while (i < ARRAY_LEN(calls) && !span_equal(request->path, span_text(calls[i].path)))
        i++;
    if (i == ARRAY_LEN(calls) || !span_equal(request->method, SPAN("GET")))
        call.error = "EGeneral:Unknown method";
    else if (too_many(world, now_ns))
        call.error = "EGeneral:Too many requests";
    else
        calls[i].answer(&call);
    if (call.error != NULL)
        buf_printf(&body, "{\"error\":[\"%s\"]}", call.error);
    else
        buf_printf(&body, "{\"error\":[],\"result\":%.*s}", SPAN_ARGS(buf_span(&call.result)));
    http_respond(out, 200, "", buf_span(&body));
    buf_deinit(&call.result);
    buf_deinit(&body);
}
