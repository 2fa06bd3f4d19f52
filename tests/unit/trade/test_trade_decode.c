// SPDX-License-Identifier: Apache-2.0
#include "trade/trade_decode.h"
#include "codec/avro_encode.h"
#include "core/decimal.h"
#include "lib/generate.h"
#include "lib/test.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

/* A decoder of some writer's schema, a batch, and what shall have been in it. */
struct fixture {
    struct arena arena;
    const struct avro_schema *schema;
    const struct trade_decoder *decoder;
    struct trade_batch batch, before;
    struct buf body;
};

static void learn(struct fixture *f, struct span json)
{
    struct err err;

    assert_ok(avro_schema_parse(&f->arena, json, &f->schema, &err));
    assert_ok(trade_decoder_compile(&f->arena, f->schema, &f->decoder, &err));
}

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof(*f));

    trade_batch_init(&f->batch);
    trade_batch_init(&f->before);
    learn(f, trade_schema_json());
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    trade_batch_deinit(&f->batch);
    trade_batch_deinit(&f->before);
    buf_deinit(&f->body);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static bool batch_equal(const struct trade_batch *a, const struct trade_batch *b)
{
    for (int i = 0; i < TRADE_FIELDS; i++)
        if (a->column[i].rows != a->rows || !column_equal(&a->column[i], &b->column[i]))
            return false;
    return a->rows == b->rows;
}

/* Both batches get the same two rows, so that a refused third has something to spoil. */
static void put_two_rows(struct fixture *f)
{
    struct generate generate;
    struct trade trade;
    struct err err;

    generate_init(&generate, GENERATE_BINANCE, 1, 0, 0);
    for (int i = 0; i < 2; i++) {
        struct trade_batch *batches[] = { &f->batch, &f->before };

        generate_next(&generate, &trade);
        buf_clear(&f->body);
        trade_encode(&trade, 1, &f->body);
        for (int b = 0; b < 2; b++)
            assert_ok(trade_decode(f->decoder,
                                   span_of(f->body.data + TRADE_HEADER_BYTES, f->body.size - 5),
                                   batches[b], &err));
    }
    trade_batch_put_nulls(&f->batch);
    trade_batch_put_nulls(&f->before);
}

static void encode(struct fixture *f, const struct trade *trade)
{
    buf_clear(&f->body);
    trade_encode(trade, 1, &f->body);
    memmove(f->body.data, f->body.data + TRADE_HEADER_BYTES, f->body.size - TRADE_HEADER_BYTES);
    f->body.size -= TRADE_HEADER_BYTES;
}

/* A Kraken trade with two vendor pairs. */
static struct trade full_trade(void)
{
    static struct trade_pair pairs[2];
    struct generate generate;
    struct trade trade;

    pairs[0] = (struct trade_pair){ SPAN("ord_type"), SPAN("limit") };
    pairs[1] = (struct trade_pair){ SPAN("misc"), SPAN("") };
    generate_init(&generate, GENERATE_KRAKEN, 1, INT64_C(1723161255342123), 0);
    generate_next(&generate, &trade);
    trade.order_type = SPAN("market");
    trade.vendor = pairs;
    trade.vendor_count = 2;
    return trade;
}

static void a_header_too_short_or_without_the_magic_is_none(void **state)
{
    int32_t schema_id = 77;
    struct span body = SPAN("as it was");

    (void)state;
    assert_false(trade_decode_header(span_of(NULL, 0), &schema_id, &body));
    assert_false(trade_decode_header(SPAN("\0\0\0\1"), &schema_id, &body));
    assert_false(trade_decode_header(SPAN("\1\0\0\0\1rest"), &schema_id, &body));
    assert_false(trade_decode_header(SPAN("{\"e\":\"trade\"}"), &schema_id, &body));
    assert_int_equal(schema_id, 77);
    assert_int_equal(body.size, 9);
    assert_true(trade_decode_header(SPAN("\0\1\2\3\4"), &schema_id, &body));
    assert_int_equal(schema_id, 0x01020304);
    assert_int_equal(body.size, 0);
}

static void a_record_cut_anywhere_leaves_the_batch_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct trade trade = full_trade();
    struct err err;

    put_two_rows(f);
    encode(f, &trade);
    for (size_t size = 0; size < f->body.size; size++) {
        assert_err(trade_decode(f->decoder, span_of(f->body.data, size), &f->batch, &err),
                   ERR_REJECT);
        assert_true(batch_equal(&f->batch, &f->before));
    }
    buf_put_byte(&f->body, 0);
    assert_err(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err), ERR_REJECT);
    assert_string_equal(err.text, "trade: 1 bytes behind the record");
    assert_true(batch_equal(&f->batch, &f->before));
    assert_ok(trade_decode(f->decoder, span_of(f->body.data, f->body.size - 1), &f->batch, &err));
    assert_int_equal(f->batch.rows, 4);
}

/* Whatever the bytes are: a whole row or none, and all text is text. */
static void a_record_with_any_byte_changed_gives_a_row_or_none(void **state)
{
    struct fixture *f = *state;
    struct trade trade = full_trade();
    struct random random = { 9 };
    struct err err;
    size_t refused = 0;

    encode(f, &trade);
    for (int round = 0; round < 40000; round++) {
        size_t at = random_below(&random, f->body.size);
        uint8_t old = f->body.data[at];
        size_t rows = f->batch.rows;
        int rc;

        f->body.data[at] ^= (uint8_t)(1 + random_below(&random, 255));
        rc = trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err);
        assert_int_equal(f->batch.rows, rows + (rc == 0));
        for (int i = 0; i < TRADE_FIELDS; i++)
            assert_int_equal(f->batch.column[i].rows, f->batch.rows);
        refused += rc != 0;
        f->body.data[at] = old;
        if (f->batch.rows > 1000)
            trade_batch_clear(&f->batch);
    }
    assert_in_range(refused, 1000, 39000);
}

static void text_that_is_not_utf8_is_refused_wherever_it_stands(void **state)
{
    struct fixture *f = *state;
    const struct span bad = SPAN("\xff");
    struct err err;

    put_two_rows(f);
    for (int i = 0; i < 5; i++) {
        struct trade_pair pairs[] = { { SPAN("k"), SPAN("v") }, { SPAN("l"), SPAN("w") } };
        struct trade trade = full_trade();

        trade.vendor = pairs;
        *(struct span *[]){ &trade.symbol, &trade.currency, &trade.order_type, &pairs[1].key,
                            &pairs[1].value }[i] = bad;
        encode(f, &trade);
        assert_err(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err), ERR_REJECT);
        assert_true(batch_equal(&f->batch, &f->before));
    }
    assert_string_equal(err.text, "trade: vendor_data: text that is not UTF-8");
}

static void assert_text(const struct trade_batch *batch, enum trade_field field, size_t row,
                        struct span text)
{
    assert_false(column_is_null(&batch->column[field], row));
    assert_true(span_equal(column_bytes(&batch->column[field], row), text));
}

static void assert_row(const struct trade_batch *batch, size_t row, const struct trade *trade)
{
    const struct column *conditions = &batch->column[TRADE_TRADE_CONDITIONS];
    const struct column *vendor = &batch->column[TRADE_VENDOR_DATA];
    static const char *const sides[] = { "BUY", "SELL", "SELL_SHORT", "UNKNOWN" };
    size_t first = (size_t)column_offsets(vendor)[row];
    char id[64];

    snprintf(id, sizeof(id), "%.*s-%lld", SPAN_ARGS(trade->exchange), (long long)trade->trade_id);
    assert_text(batch, TRADE_MESSAGE_ID, row, span_text(trade->message_id));
    assert_text(batch, TRADE_TRADE_ID, row, span_text(id));
    assert_text(batch, TRADE_SYMBOL, row, trade->symbol);
    assert_text(batch, TRADE_EXCHANGE, row, trade->exchange);
    assert_text(batch, TRADE_ASSET_CLASS, row, SPAN("crypto"));
    assert_int_equal(column_int64(&batch->column[TRADE_TIMESTAMP], row), trade->timestamp_us);
    assert_true(column_decimal(&batch->column[TRADE_PRICE], row) == trade->price);
    assert_true(column_decimal(&batch->column[TRADE_QUANTITY], row) == trade->quantity);
    assert_text(batch, TRADE_CURRENCY, row, trade->currency);
    assert_text(batch, TRADE_SIDE, row, span_text(sides[trade->side]));
    assert_int_equal(column_offsets(conditions)[row + 1] - column_offsets(conditions)[row],
                     trade->order_type.size > 0);
    if (trade->order_type.size > 0)
        assert_true(
            span_equal(column_bytes(conditions->child[0], (size_t)column_offsets(conditions)[row]),
                       trade->order_type));
    assert_int_equal(column_int64(&batch->column[TRADE_SOURCE_SEQUENCE], row), trade->trade_id);
    assert_int_equal(column_int64(&batch->column[TRADE_INGESTION_TIMESTAMP], row),
                     trade->ingestion_timestamp_us);
    assert_int_equal(column_int64(&batch->column[TRADE_PLATFORM_SEQUENCE], row),
                     trade->platform_sequence);
    assert_int_equal(column_is_null(vendor, row), trade->vendor_count == 0);
    assert_int_equal((size_t)column_offsets(vendor)[row + 1] - first, trade->vendor_count);
    for (size_t i = 0; i < trade->vendor_count; i++) {
        assert_true(span_equal(column_bytes(vendor->child[0], first + i), trade->vendor[i].key));
        assert_true(span_equal(column_bytes(vendor->child[1], first + i), trade->vendor[i].value));
    }
}

static void what_was_encoded_comes_back(void **state)
{
    struct fixture *f = *state;
    struct generate generate;
    struct trade trade = full_trade();
    struct err err;

    encode(f, &trade);
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    assert_row(&f->batch, 0, &trade);
    for (int i = 0; i < 4000; i++) {
        if (i % 2000 == 0)
            generate_init(&generate, i == 0 ? GENERATE_BINANCE : GENERATE_KRAKEN, 5,
                          INT64_C(1723161255342123), 100);
        generate_next(&generate, &trade);
        encode(f, &trade);
        assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
        assert_row(&f->batch, f->batch.rows - 1, &trade);
    }
    assert_int_equal(f->batch.rows, 4001);
}

#define RECORD(fields)    "{\"type\":\"record\",\"name\":\"T\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

static void schemas_that_cannot_hold_a_trade_are_refused_by_name(void **state)
{
    const struct {
        struct span json;
        const char *names;
    } rows[] = {
        { SPAN(RECORD(FIELD("price", "\"double\""))), "price" },
        { SPAN(RECORD(FIELD("price", "\"bytes\""))), "price" },
        { SPAN(RECORD(FIELD("quantity", "\"string\""))), "quantity" },
        { SPAN(RECORD(FIELD("side", "\"long\""))), "side" },
        { SPAN(RECORD(FIELD("message_id", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":36}"))),
          "message_id" },
        { SPAN(RECORD(FIELD("heart", "\"string\""))), "no field of a trade" },
        { SPAN(RECORD(FIELD("symbol", "\"long\""))), "symbol" },
        { SPAN(RECORD(FIELD("timestamp", "\"string\""))), "timestamp" },
        { SPAN(RECORD(FIELD("timestamp", "{\"type\":\"long\",\"logicalType\":\"time-micros\"}"))),
          "timestamp" },
        { SPAN(RECORD(FIELD("trade_conditions", "{\"type\":\"array\",\"items\":\"long\"}"))),
          "trade_conditions" },
        { SPAN(RECORD(FIELD("vendor_data", "{\"type\":\"map\",\"values\":\"long\"}"))),
          "vendor_data" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct trade_decoder *decoder = NULL;
        struct err err;

        assert_ok(avro_schema_parse(&f->arena, rows[i].json, &f->schema, &err));
        assert_err(trade_decoder_compile(&f->arena, f->schema, &decoder, &err), ERR_CORRUPT);
        if (strstr(err.text, rows[i].names) == NULL)
            fail_msg("%s: %s", rows[i].names, err.text);
        assert_null(decoder);
    }
}

static void what_a_writer_does_not_have_is_null(void **state)
{
    struct fixture *f = *state;
    struct err err;

    learn(f, SPAN(RECORD(FIELD("extra", "\"double\"") "," FIELD("symbol", "\"string\""))));
    avro_put_double(&f->body, 1.5);
    avro_put_bytes(&f->body, SPAN("BTCUSDT"));
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    assert_int_equal(f->batch.rows, 1);
    for (int i = 0; i < TRADE_FIELDS; i++)
        assert_int_equal(column_is_null(&f->batch.column[i], 0),
                         i != TRADE_SYMBOL && i != TRADE_TRADE_CONDITIONS);
    assert_text(&f->batch, TRADE_SYMBOL, 0, SPAN("BTCUSDT"));
    /* It has a default, the empty list. */
    assert_int_equal(column_offsets(&f->batch.column[TRADE_TRADE_CONDITIONS])[1], 0);
}

static void a_writers_nulls_are_nulls(void **state)
{
    struct fixture *f = *state;
    struct err err;

    learn(f, SPAN(RECORD(FIELD("timestamp", "[\"null\",\"long\"]") "," FIELD(
                 "trade_conditions", "[{\"type\":\"array\",\"items\":\"string\"},"
                                     "\"null\"]") "," FIELD("price", "[\"null\",{\"type\":"
                                                                     "\"bytes\",\"logicalType\":"
                                                                     "\"decimal\",\"precision\":9,"
                                                                     "\"scale\":2}]"))));
    buf_put(&f->body, "\0\2\0", 3);
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    for (int i = 0; i < TRADE_FIELDS; i++)
        assert_true(column_is_null(&f->batch.column[i], 0));
    buf_clear(&f->body);
    buf_put(&f->body, "\2\x0e\0\2\2a\0\2\4\x30\x39", 11);
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    assert_int_equal(column_int64(&f->batch.column[TRADE_TIMESTAMP], 1), 7);
    assert_int_equal(f->batch.column[TRADE_TRADE_CONDITIONS].child[0]->rows, 1);
    assert_true(column_decimal(&f->batch.column[TRADE_PRICE], 1) == 12345 * decimal_power(16));
}

static void times_come_in_the_writers_unit(void **state)
{
    struct fixture *f = *state;
    struct err err;

    learn(f, SPAN(RECORD(FIELD("timestamp",
                               "{\"type\":\"long\",\"logicalType\":\"timestamp-"
                               "millis\"}") "," FIELD("ingestion_timestamp", "\"int\""))));
    avro_put_long(&f->body, INT64_C(1723161255342));
    avro_put_long(&f->body, -5);
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    assert_int_equal(column_int64(&f->batch.column[TRADE_TIMESTAMP], 0), INT64_C(1723161255342000));
    assert_int_equal(column_int64(&f->batch.column[TRADE_INGESTION_TIMESTAMP], 0), -5);
    buf_clear(&f->body);
    avro_put_long(&f->body, INT64_MAX);
    avro_put_long(&f->body, 0);
    assert_err(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err), ERR_REJECT);
    assert_int_equal(f->batch.rows, 1);
}

/* What the trade's own time may be is for the rules to say; of ingest's there is none. */
static void a_time_of_ingest_is_one_that_readers_can_show(void **state)
{
    static const struct {
        int64_t us;
        bool is_good;
    } rows[] = {
        { INT64_C(-62135596800000000), true }, /* 0001-01-01 */
        { INT64_C(253402300799999999), true }, /* the last of 9999 */
        { INT64_C(-62135596800000001), false },
        { INT64_C(253402300800000000), false },
        { INT64_MAX, false },
        { INT64_MIN, false },
    };
    struct fixture *f = *state;
    size_t good = 0;
    struct err err;

    learn(f, SPAN(RECORD(
                 FIELD("timestamp", "\"long\"") "," FIELD("ingestion_timestamp", "\"long\""))));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&f->body);
        avro_put_long(&f->body, INT64_MAX - (int64_t)i);
        avro_put_long(&f->body, rows[i].us);
        if (!rows[i].is_good) {
            assert_err(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err), ERR_REJECT);
            assert_string_equal(err.text, "trade: ingestion_timestamp: a time out of range");
        } else {
            assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
            assert_int_equal(column_int64(&f->batch.column[TRADE_INGESTION_TIMESTAMP], good++),
                             rows[i].us);
        }
        assert_int_equal(f->batch.rows, good);
    }
}

static void decimals_come_by_the_writers_scale_or_marked(void **state)
{
    static const uint8_t large[17] = { 1 };
    static const uint8_t small[17] = { 0xfe };
    struct fixture *f = *state;
    const struct {
        struct span bytes;
        int128 value;
    } rows[] = {
        { SPAN("\x64"), 1 },
        { SPAN("\xff\x9c"), -1 },
        { SPAN(""), 0 },
        { SPAN("\x63"), TRADE_INEXACT_POSITIVE },
        { SPAN("\xff"), TRADE_INEXACT_NEGATIVE },
        { { large, sizeof(large) }, TRADE_INEXACT_POSITIVE },
        { { small, sizeof(small) }, TRADE_INEXACT_NEGATIVE },
        { SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x64"), 1 },
    };
    struct err err;

    learn(f, SPAN(RECORD(FIELD("quantity", "{\"type\":\"bytes\",\"logicalType\":\"decimal\","
                                           "\"precision\":38,\"scale\":20}"))));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&f->body);
        avro_put_bytes(&f->body, rows[i].bytes);
        assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
        assert_true(column_decimal(&f->batch.column[TRADE_QUANTITY], i) == rows[i].value);
    }
    learn(f, SPAN(RECORD(FIELD("price", "{\"type\":\"fixed\",\"name\":\"D\",\"size\":16,"
                                        "\"logicalType\":\"decimal\",\"precision\":38,"
                                        "\"scale\":0}"))));
    assert_ok(trade_decode(f->decoder, SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"), &f->batch, &err));
    assert_ok(trade_decode(f->decoder, SPAN("\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0"), &f->batch, &err));
    assert_true(column_decimal(&f->batch.column[TRADE_PRICE], ARRAY_LEN(rows)) ==
                2 * decimal_power(18));
    assert_true(column_decimal(&f->batch.column[TRADE_PRICE], ARRAY_LEN(rows) + 1) ==
                TRADE_INEXACT_POSITIVE); /* 39 digits at scale 18 */
}

static void a_renamed_field_is_found_by_the_writers_alias(void **state)
{
    struct fixture *f = *state;
    struct buf missing = BUF_INIT;
    struct err err;

    learn(f, SPAN(RECORD("{\"name\":\"ticker\",\"type\":\"bytes\",\"aliases\":[\"symbol\"]},"
                         "{\"name\":\"side\",\"type\":\"string\"}")));
    avro_put_bytes(&f->body, SPAN("BTCUSDT"));
    avro_put_bytes(&f->body, SPAN("maybe"));
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    assert_text(&f->batch, TRADE_SYMBOL, 0, SPAN("BTCUSDT"));
    assert_text(&f->batch, TRADE_SIDE, 0, SPAN("maybe"));
    trade_decoder_missing(f->decoder, &missing);
    assert_string_equal(buf_text(&missing), "message_id,trade_id,exchange,asset_class,timestamp,"
                                            "price,quantity,currency,ingestion_timestamp");
    buf_deinit(&missing);
}

static void nanoseconds_are_exact_or_refused(void **state)
{
    struct fixture *f = *state;
    struct err err;

    learn(f, SPAN(RECORD(
                 FIELD("timestamp", "{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}"))));
    avro_put_long(&f->body, INT64_C(-1723161255342123000));
    assert_ok(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err));
    assert_int_equal(column_int64(&f->batch.column[TRADE_TIMESTAMP], 0),
                     INT64_C(-1723161255342123));
    buf_clear(&f->body);
    avro_put_long(&f->body, INT64_C(1723161255342123001));
    assert_err(trade_decode(f->decoder, buf_span(&f->body), &f->batch, &err), ERR_REJECT);
    assert_string_equal(err.text, "trade: timestamp: a time finer than a microsecond");
    assert_int_equal(f->batch.rows, 1);
}

/* A list and a map of unions, of enums. */
static void items_are_texts_however_they_are_written(void **state)
{
    struct fixture *f = *state;
    const struct column *conditions = &f->batch.column[TRADE_TRADE_CONDITIONS];
    const struct column *vendor = &f->batch.column[TRADE_VENDOR_DATA];
    struct err err;

    learn(f, SPAN(RECORD(FIELD("trade_conditions",
                               "{\"type\":\"array\",\"items\":[\"null\","
                               "\"string\"]}") "," FIELD("vendor_data",
                                                         "{\"type\":\"map\",\"values\":{\"type\":"
                                                         "\"enum\",\"name\":\"E\","
                                                         "\"symbols\":[\"A\",\"B\"]}}"))));
    assert_ok(trade_decode(f->decoder, SPAN("\2\2\2x\0\4\2k\2\2l\0\0"), &f->batch, &err));
    assert_true(span_equal(column_bytes(conditions->child[0], 0), SPAN("x")));
    assert_true(span_equal(column_bytes(vendor->child[0], 1), SPAN("l")));
    assert_true(span_equal(column_bytes(vendor->child[1], 0), SPAN("B")));
    assert_true(span_equal(column_bytes(vendor->child[1], 1), SPAN("A")));
    assert_err(trade_decode(f->decoder, SPAN("\2\0\0\0"), &f->batch, &err), ERR_REJECT);
    assert_int_equal(f->batch.rows, 1);
}

static void a_field_that_is_always_null_is_null(void **state)
{
    struct fixture *f = *state;
    struct err err;

    learn(f, SPAN(RECORD(FIELD("symbol", "\"string\"") "," FIELD("price", "\"null\"") "," FIELD(
                 "timestamp", "[\"null\",\"string\"]"))));
    assert_ok(trade_decode(f->decoder, SPAN("\2x\0"), &f->batch, &err));
    assert_true(column_is_null(&f->batch.column[TRADE_PRICE], 0));
    assert_true(column_is_null(&f->batch.column[TRADE_TIMESTAMP], 0));
    assert_err(trade_decode(f->decoder, SPAN("\2x\2\2y"), &f->batch, &err), ERR_REJECT);
    assert_int_equal(f->batch.rows, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_too_short_or_without_the_magic_is_none),
#define WITH_FIXTURE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        WITH_FIXTURE(a_record_cut_anywhere_leaves_the_batch_as_it_was),
        WITH_FIXTURE(a_record_with_any_byte_changed_gives_a_row_or_none),
        WITH_FIXTURE(text_that_is_not_utf8_is_refused_wherever_it_stands),
        WITH_FIXTURE(what_was_encoded_comes_back),
        WITH_FIXTURE(schemas_that_cannot_hold_a_trade_are_refused_by_name),
        WITH_FIXTURE(what_a_writer_does_not_have_is_null),
        WITH_FIXTURE(a_writers_nulls_are_nulls),
        WITH_FIXTURE(times_come_in_the_writers_unit),
        WITH_FIXTURE(a_time_of_ingest_is_one_that_readers_can_show),
        WITH_FIXTURE(decimals_come_by_the_writers_scale_or_marked),
        WITH_FIXTURE(a_renamed_field_is_found_by_the_writers_alias),
        WITH_FIXTURE(nanoseconds_are_exact_or_refused),
        WITH_FIXTURE(items_are_texts_however_they_are_written),
        WITH_FIXTURE(a_field_that_is_always_null_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
