// SPDX-License-Identifier: Apache-2.0
#include "trade/trade_check.h"
#include "core/decimal.h"
#include "lib/generate.h"
#include "lib/test.h"
#include "trade/trade_decode.h"
#include "trade/trade_encode.h"
#include "trade/trade_schema.h"

#define NOW      INT64_C(1723161255342000)
#define NO_TIME  INT64_MAX
#define ONE      decimal_power(TRADE_WIRE_SCALE)
#define NO_VALUE TRADE_INEXACT_NEGATIVE /* stands for null in a row here */

/* One row as the rules see it; NULL, NO_VALUE and NO_TIME are nulls. */
struct row {
    const char *message_id, *trade_id, *symbol, *exchange, *asset_class, *currency, *side;
    int128 price, quantity;
    int64_t timestamp, ingestion, bronze, kafka;
    bool conditions;
    enum trade_reason decoded;
};

static struct row good_row(void)
{
    return (struct row){ .message_id = "f8eed7ec-b2fe-8253-8000-0000deaa00bb",
                         .trade_id = "BINANCE-1",
                         .symbol = "BTCUSDT",
                         .exchange = "BINANCE",
                         .asset_class = "crypto",
                         .currency = "USDT",
                         .side = "BUY",
                         .price = 61837 * ONE,
                         .quantity = 2 * ONE,
                         .timestamp = NOW,
                         .ingestion = NOW + 1000,
                         .bronze = NOW + 3000,
                         .kafka = NOW + 2000,
                         .conditions = true,
                         .decoded = TRADE_GOOD };
}

static void put_text(struct column *column, const char *text)
{
    if (text == NULL)
        column_put_null(column);
    else
        column_put_bytes(column, span_text(text));
}

static void put_time(struct column *column, int64_t us)
{
    if (us == NO_TIME)
        column_put_null(column);
    else
        column_put_int64(column, us);
}

static void put_decimal(struct column *column, int128 value)
{
    if (value == NO_VALUE)
        column_put_null(column);
    else
        column_put_decimal(column, value);
}

static void put_row(struct trade_batch *batch, const struct row *row)
{
    struct column *column = batch->column;

    put_text(&column[TRADE_MESSAGE_ID], row->message_id);
    put_text(&column[TRADE_TRADE_ID], row->trade_id);
    put_text(&column[TRADE_SYMBOL], row->symbol);
    put_text(&column[TRADE_EXCHANGE], row->exchange);
    put_text(&column[TRADE_ASSET_CLASS], row->asset_class);
    put_time(&column[TRADE_TIMESTAMP], row->timestamp);
    put_decimal(&column[TRADE_PRICE], row->price);
    put_decimal(&column[TRADE_QUANTITY], row->quantity);
    put_text(&column[TRADE_CURRENCY], row->currency);
    put_text(&column[TRADE_SIDE], row->side);
    if (row->conditions)
        column_put_entries(&column[TRADE_TRADE_CONDITIONS]);
    else
        column_put_null(&column[TRADE_TRADE_CONDITIONS]);
    column_put_null(&column[TRADE_SOURCE_SEQUENCE]);
    put_time(&column[TRADE_INGESTION_TIMESTAMP], row->ingestion);
    column_put_null(&column[TRADE_PLATFORM_SEQUENCE]);
    column_put_null(&column[TRADE_VENDOR_DATA]);
    batch->rows++;
}

/* The verdict of a row that stands between two good ones, so that nothing depends on being first,
 * last or alone. */
static enum trade_reason judge_by(const struct trade_rules *rules, const struct row *row)
{
    const struct row good = good_row();
    const struct row *rows[3] = { &good, row, &good };
    uint8_t reason[3];
    struct column bronze, kafka;
    struct trade_batch batch;

    trade_batch_init(&batch);
    column_init(&bronze, COLUMN_INT64);
    column_init(&kafka, COLUMN_INT64);
    for (int i = 0; i < 3; i++) {
        put_row(&batch, rows[i]);
        put_time(&bronze, rows[i]->bronze);
        put_time(&kafka, rows[i]->kafka);
        reason[i] = (uint8_t)rows[i]->decoded;
    }
    trade_check(rules, &batch, &bronze, &kafka, reason);
    assert_int_equal(reason[0], TRADE_GOOD);
    assert_int_equal(reason[2], TRADE_GOOD);
    trade_batch_deinit(&batch);
    column_deinit(&bronze);
    column_deinit(&kafka);
    return (enum trade_reason)reason[1];
}

static enum trade_reason judge(const struct row *row)
{
    return judge_by(&TRADE_RULES_DEFAULT, row);
}

static void break_rule(struct row *row, enum trade_reason reason)
{
    switch (reason) {
    case TRADE_DESERIALIZATION_FAILED:
    case TRADE_SCHEMA_NOT_FOUND:
        row->decoded = reason;
        break;
    case TRADE_PRICE_IS_NULL:
        row->price = NO_VALUE;
        break;
    case TRADE_PRICE_MUST_BE_POSITIVE:
        row->price = -1; /* and not exact at scale 8 */
        break;
    case TRADE_PRICE_NOT_REPRESENTABLE:
        row->price = 1;
        break;
    case TRADE_QUANTITY_IS_NULL:
        row->quantity = NO_VALUE;
        break;
    case TRADE_QUANTITY_MUST_BE_POSITIVE:
        row->quantity = 0;
        break;
    case TRADE_QUANTITY_NOT_REPRESENTABLE:
        row->quantity = TRADE_INEXACT_POSITIVE;
        break;
    case TRADE_SYMBOL_REQUIRED:
        row->symbol = NULL;
        break;
    case TRADE_TRADE_ID_REQUIRED:
        row->trade_id = NULL;
        break;
    case TRADE_EXCHANGE_REQUIRED:
        row->exchange = NULL;
        break;
    case TRADE_CURRENCY_REQUIRED:
        row->currency = NULL;
        break;
    case TRADE_TRADE_CONDITIONS_REQUIRED:
        row->conditions = false;
        break;
    case TRADE_INGESTION_TIMESTAMP_REQUIRED:
        row->ingestion = NO_TIME;
        break;
    case TRADE_INVALID_SIDE:
        row->side = NULL;
        break;
    case TRADE_TIMESTAMP_REQUIRED:
        row->timestamp = NO_TIME;
        break;
    case TRADE_TIMESTAMP_IN_FUTURE:
        row->timestamp = NOW + MICROS_DAY;
        break;
    case TRADE_TIMESTAMP_TOO_OLD:
        row->timestamp = 0;
        break;
    case TRADE_MESSAGE_ID_REQUIRED:
        row->message_id = NULL;
        break;
    case TRADE_INVALID_ASSET_CLASS:
        row->asset_class = NULL;
        break;
    case TRADE_GOOD:
    case TRADE_REASONS:
        fail();
    }
}

static void each_rule_names_the_row_that_breaks_it(void **state)
{
    (void)state;
    for (int reason = TRADE_GOOD + 1; reason < TRADE_REASONS; reason++) {
        struct row row = good_row();

        break_rule(&row, (enum trade_reason)reason);
        assert_int_equal(judge(&row), reason);
    }
}

static void the_first_rule_broken_names_the_row(void **state)
{
    struct row row = good_row();

    (void)state;
    for (int reason = TRADE_REASONS - 1; reason > TRADE_GOOD; reason--) {
        break_rule(&row, (enum trade_reason)reason); /* those behind it stay broken */
        assert_int_equal(judge(&row), reason);
    }
}

static void a_row_without_a_trade_keeps_its_reason(void **state)
{
    static const enum trade_reason reasons[] = { TRADE_DESERIALIZATION_FAILED,
                                                 TRADE_SCHEMA_NOT_FOUND };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        struct row row = { .price = NO_VALUE,
                           .quantity = NO_VALUE,
                           .timestamp = NO_TIME,
                           .ingestion = NO_TIME,
                           .bronze = NOW,
                           .kafka = NOW,
                           .decoded = reasons[i] };

        assert_int_equal(judge(&row), reasons[i]);
    }
}

static void a_value_must_fit_the_column_exactly(void **state)
{
    static const struct {
        const char *text; /* at the wire's scale */
        int precision, scale;
        enum trade_reason reason;
    } rows[] = {
        { "0.000000000000000001", 18, 8, TRADE_PRICE_NOT_REPRESENTABLE },
        { "0.000000009999999999", 18, 8, TRADE_PRICE_NOT_REPRESENTABLE },
        { "61837.630000001", 18, 8, TRADE_PRICE_NOT_REPRESENTABLE },
        { "10000000000", 18, 8, TRADE_PRICE_NOT_REPRESENTABLE },
        { "10000000000.00000001", 18, 8, TRADE_PRICE_NOT_REPRESENTABLE },
        { "99999999999999999999.999999999999999999", 18, 8, TRADE_PRICE_NOT_REPRESENTABLE },
        { "0.00000001", 18, 8, TRADE_GOOD },
        { "9999999999.99999999", 18, 8, TRADE_GOOD },
        { "0.000000000000000001", 38, 18, TRADE_GOOD },
        { "99999999999999999999.999999999999999999", 38, 18, TRADE_GOOD },
        { "0.000000000000000001", 38, 20, TRADE_GOOD },
        { "1000000000000000000", 38, 20, TRADE_PRICE_NOT_REPRESENTABLE },
        { "999999999999999999", 38, 20, TRADE_GOOD },
        { "1.5", 9, 0, TRADE_PRICE_NOT_REPRESENTABLE },
        { "999999999", 9, 0, TRADE_GOOD },
        { "1000000000", 9, 0, TRADE_PRICE_NOT_REPRESENTABLE },
        { "0", 18, 8, TRADE_PRICE_MUST_BE_POSITIVE },
        { "-0.000000000000000001", 18, 8, TRADE_PRICE_MUST_BE_POSITIVE },
        { "-61837.63", 18, 8, TRADE_PRICE_MUST_BE_POSITIVE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trade_rules rules = TRADE_RULES_DEFAULT;
        struct row row = good_row();
        int128 value = 0;
        enum trade_reason shift =
            rows[i].reason == TRADE_GOOD ? 0 : TRADE_QUANTITY_IS_NULL - TRADE_PRICE_IS_NULL;

        assert_int_equal(decimal_parse(span_text(rows[i].text), TRADE_WIRE_SCALE, &value), 0);
        row.price = value;
        rules.price = (struct trade_decimal){ rows[i].precision, rows[i].scale };
        if (judge_by(&rules, &row) != rows[i].reason)
            fail_msg("%s in decimal(%d, %d)", rows[i].text, rows[i].precision, rows[i].scale);
        row.price = good_row().price;
        row.quantity = value;
        rules.quantity = rules.price;
        if (judge_by(&rules, &row) != rows[i].reason + shift)
            fail_msg("quantity %s", rows[i].text);
    }
}

static void times_are_held_against_bronze_s_two(void **state)
{
    const int64_t year = 365 * MICROS_DAY;
    const int64_t skew = 5 * MICROS_SECOND;
    const struct {
        int64_t timestamp, bronze, kafka;
        enum trade_reason reason;
    } rows[] = {
        { NOW + skew, NOW, NOW, TRADE_GOOD },
        { NOW + skew + 1, NOW, NOW, TRADE_TIMESTAMP_IN_FUTURE },
        { NOW + skew, NOW - year, NOW, TRADE_GOOD }, /* the later counts */
        { NOW + skew, NOW, NOW - year, TRADE_GOOD },
        { NOW + skew + 1, NOW, NOW - year, TRADE_TIMESTAMP_IN_FUTURE },
        { NOW - year, NOW, NOW, TRADE_GOOD },
        { NOW - year - 1, NOW, NOW, TRADE_TIMESTAMP_TOO_OLD },
        { NOW - year, NOW + year, NOW, TRADE_GOOD }, /* the earlier counts */
        { NOW - year, NOW, NOW + year, TRADE_GOOD },
        { NOW - year - 1, NOW, NOW + year, TRADE_TIMESTAMP_TOO_OLD },
        { NOW - year, NOW, NO_TIME, TRADE_GOOD }, /* one of them null */
        { NOW - year - 1, NOW, NO_TIME, TRADE_TIMESTAMP_TOO_OLD },
        { NOW + skew + 1, NOW, NO_TIME, TRADE_TIMESTAMP_IN_FUTURE },
        { NOW + skew + 1, NO_TIME, NOW, TRADE_TIMESTAMP_IN_FUTURE },
        { NOW, NO_TIME, NOW, TRADE_GOOD },
        { INT64_MAX - 1, NOW, NOW, TRADE_TIMESTAMP_IN_FUTURE }, /* no wrap */
        { INT64_MAX - 1, INT64_MIN, INT64_MIN, TRADE_TIMESTAMP_IN_FUTURE },
        { INT64_MIN, NOW, NOW, TRADE_TIMESTAMP_TOO_OLD },
        { INT64_MIN, INT64_MAX - 1, INT64_MAX - 1, TRADE_TIMESTAMP_TOO_OLD },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct row row = good_row();

        row.timestamp = rows[i].timestamp;
        row.bronze = rows[i].bronze;
        row.kafka = rows[i].kafka;
        if (judge(&row) != rows[i].reason)
            fail_msg("row %zu", i);
    }
}

static void texts_are_what_they_must_be_to_the_letter(void **state)
{
    static const char *const sides[] = { "", "buy", "BUY ", "B", "SELLS", "SELL_SHORT", "UNKNOWN" };
    static const char *const classes[] = { "", "Crypto", "cryptos", "equities" };
    struct row row;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        row = good_row();
        row.side = sides[i];
        assert_int_equal(judge(&row), TRADE_INVALID_SIDE);
    }
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        row = good_row();
        row.asset_class = classes[i];
        assert_int_equal(judge(&row), TRADE_INVALID_ASSET_CLASS);
    }
    row = good_row();
    row.side = "SELL";
    assert_int_equal(judge(&row), TRADE_GOOD);
    row.symbol = "";
    assert_int_equal(judge(&row), TRADE_SYMBOL_REQUIRED);
    row = good_row();
    row.message_id = "";
    assert_int_equal(judge(&row), TRADE_MESSAGE_ID_REQUIRED);
}

static void an_empty_batch_has_no_verdicts(void **state)
{
    struct trade_batch batch;
    struct column none;

    (void)state;
    trade_batch_init(&batch);
    column_init(&none, COLUMN_INT64);
    trade_check(&TRADE_RULES_DEFAULT, &batch, &none, &none, NULL);
    trade_batch_deinit(&batch);
    column_deinit(&none);
}

/* The names are in tables and dashboards: they never change. */
static void reasons_have_their_texts(void **state)
{
    static const char *const texts[TRADE_REASONS][2] = {
        { NULL, NULL },
        { "deserialization_failed", "deserialization" },
        { "schema_not_found", "schema" },
        { "price_is_null", "price_validation" },
        { "price_must_be_positive", "price_validation" },
        { "price_not_representable", "price_validation" },
        { "quantity_is_null", "quantity_validation" },
        { "quantity_must_be_positive", "quantity_validation" },
        { "quantity_not_representable", "quantity_validation" },
        { "symbol_required", "symbol_validation" },
        { "trade_id_required", "schema_validation" },
        { "exchange_required", "schema_validation" },
        { "currency_required", "schema_validation" },
        { "trade_conditions_required", "schema_validation" },
        { "ingestion_timestamp_required", "schema_validation" },
        { "invalid_side", "side_validation" },
        { "timestamp_required", "timestamp_validation" },
        { "timestamp_in_future", "timestamp_validation" },
        { "timestamp_too_old", "timestamp_validation" },
        { "message_id_required", "message_id_validation" },
        { "invalid_asset_class", "asset_class_validation" },
    };

    (void)state;
    assert_null(trade_check_reason_text(TRADE_GOOD));
    assert_null(trade_check_type_text(TRADE_GOOD));
    for (int i = 1; i < TRADE_REASONS; i++) {
        assert_string_equal(trade_check_reason_text((enum trade_reason)i), texts[i][0]);
        assert_string_equal(trade_check_type_text((enum trade_reason)i), texts[i][1]);
    }
}

/* A stage's own way: encode, decode, judge, narrow the good rows. */
static void generated_trades_get_the_verdict_they_were_made_for(void **state)
{
    enum { ROWS = 20000 };
    static uint8_t reason[ROWS], expected[ROWS];
    static uint32_t good[ROWS];
    static int seen[TRADE_REASONS];
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    const struct trade_decoder *decoder = NULL;
    struct trade_batch batch;
    struct column bronze, narrow;
    struct buf record = BUF_INIT;
    struct generate generate;
    struct err err;
    size_t count = 0;

    (void)state;
    assert_ok(avro_schema_parse(&arena, trade_schema_json(), &schema, &err));
    assert_ok(trade_decoder_compile(&arena, schema, &decoder, &err));
    trade_batch_init(&batch);
    column_init(&bronze, COLUMN_INT64);
    column_init(&narrow, COLUMN_DECIMAL);
    for (int i = 0; i < ROWS; i++) {
        struct trade trade;
        struct span body;
        int32_t schema_id;

        if (i % (ROWS / 2) == 0)
            generate_init(&generate, i == 0 ? GENERATE_BINANCE : GENERATE_KRAKEN, 3, NOW, 50);
        expected[i] = (uint8_t)generate_next(&generate, &trade);
        seen[expected[i]]++;
        buf_clear(&record);
        trade_encode(&trade, 7, &record);
        assert_true(trade_decode_header(buf_span(&record), &schema_id, &body));
        assert_int_equal(schema_id, 7);
        assert_ok(trade_decode(decoder, body, &batch, &err));
        column_put_int64(&bronze, trade.ingestion_timestamp_us);
    }
    trade_check(&TRADE_RULES_DEFAULT, &batch, &bronze, &bronze, reason);
    assert_memory_equal(reason, expected, ROWS);
    assert_in_range(seen[TRADE_GOOD], ROWS * 94 / 100, ROWS * 96 / 100);
    assert_true(seen[TRADE_SYMBOL_REQUIRED] > 0 && seen[TRADE_TIMESTAMP_TOO_OLD] > 0);
    for (uint32_t i = 0; i < ROWS; i++)
        if (reason[i] == TRADE_GOOD)
            good[count++] = i;
    trade_check_narrow(TRADE_RULES_DEFAULT.price, &batch.column[TRADE_PRICE], good, count, &narrow);
    assert_int_equal(narrow.rows, count);
    for (size_t i = 0; i < count; i++)
        assert_true(column_decimal(&narrow, i) * decimal_power(10) ==
                    column_decimal(&batch.column[TRADE_PRICE], good[i]));
    trade_batch_deinit(&batch);
    column_deinit(&bronze);
    column_deinit(&narrow);
    buf_deinit(&record);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_names_the_row_that_breaks_it),
        cmocka_unit_test(the_first_rule_broken_names_the_row),
        cmocka_unit_test(a_row_without_a_trade_keeps_its_reason),
        cmocka_unit_test(a_value_must_fit_the_column_exactly),
        cmocka_unit_test(times_are_held_against_bronze_s_two),
        cmocka_unit_test(texts_are_what_they_must_be_to_the_letter),
        cmocka_unit_test(an_empty_batch_has_no_verdicts),
        cmocka_unit_test(reasons_have_their_texts),
        cmocka_unit_test(generated_trades_get_the_verdict_they_were_made_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
