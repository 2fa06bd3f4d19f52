// SPDX-License-Identifier: Apache-2.0
/* trade_check.c: a kernel for each rule, over whole columns, in the order of the rules; a kernel
 * passes over rows that an earlier one has named. */
#include "trade/trade_check.h"
#include "core/decimal.h"
#include "core/num.h"

static const struct {
    const char *reason, *type;
} texts[TRADE_REASONS] = {
    [TRADE_DESERIALIZATION_FAILED] = { "deserialization_failed", "deserialization" },
    [TRADE_SCHEMA_NOT_FOUND] = { "schema_not_found", "schema" },
    [TRADE_PRICE_IS_NULL] = { "price_is_null", "price_validation" },
    [TRADE_PRICE_MUST_BE_POSITIVE] = { "price_must_be_positive", "price_validation" },
    [TRADE_PRICE_NOT_REPRESENTABLE] = { "price_not_representable", "price_validation" },
    [TRADE_QUANTITY_IS_NULL] = { "quantity_is_null", "quantity_validation" },
    [TRADE_QUANTITY_MUST_BE_POSITIVE] = { "quantity_must_be_positive", "quantity_validation" },
    [TRADE_QUANTITY_NOT_REPRESENTABLE] = { "quantity_not_representable", "quantity_validation" },
    [TRADE_SYMBOL_REQUIRED] = { "symbol_required", "symbol_validation" },
    [TRADE_TRADE_ID_REQUIRED] = { "trade_id_required", "schema_validation" },
    [TRADE_EXCHANGE_REQUIRED] = { "exchange_required", "schema_validation" },
    [TRADE_CURRENCY_REQUIRED] = { "currency_required", "schema_validation" },
    [TRADE_TRADE_CONDITIONS_REQUIRED] = { "trade_conditions_required", "schema_validation" },
    [TRADE_INGESTION_TIMESTAMP_REQUIRED] = { "ingestion_timestamp_required", "schema_validation" },
    [TRADE_INVALID_SIDE] = { "invalid_side", "side_validation" },
    [TRADE_TIMESTAMP_REQUIRED] = { "timestamp_required", "timestamp_validation" },
    [TRADE_TIMESTAMP_IN_FUTURE] = { "timestamp_in_future", "timestamp_validation" },
    [TRADE_TIMESTAMP_TOO_OLD] = { "timestamp_too_old", "timestamp_validation" },
    [TRADE_MESSAGE_ID_REQUIRED] = { "message_id_required", "message_id_validation" },
    [TRADE_INVALID_ASSET_CLASS] = { "invalid_asset_class", "asset_class_validation" },
};

const char *trade_check_reason_text(enum trade_reason reason)
{
    return texts[reason].reason;
}

const char *trade_check_type_text(enum trade_reason reason)
{
    return texts[reason].type;
}

static inline void name_row(uint8_t *reason, enum trade_reason broken)
{
    if (*reason == TRADE_GOOD)
        *reason = (uint8_t)broken;
}

static void check_null(const struct column *column, enum trade_reason broken, uint8_t *reason)
{
    if (column->null_count == 0)
        return;
    for (size_t row = 0; row < column->rows; row++)
        if (column_is_null(column, row))
            name_row(&reason[row], broken);
}

/* A null has no bytes either. */
static void check_empty(const struct column *column, enum trade_reason broken, uint8_t *reason)
{
    const int32_t *offset = column_offsets(column);

    for (size_t row = 0; row < column->rows; row++)
        if (offset[row] == offset[row + 1])
            name_row(&reason[row], broken);
}

static bool is_representable(int128 value, struct trade_decimal decimal)
{
    int128 narrow;

    return decimal_rescale(value, TRADE_WIRE_SCALE, decimal.scale, &narrow) == 0 &&
           decimal_fits(narrow, decimal.precision);
}

/* The three rules of price, and of quantity, which follow one another in the enum. */
static void check_decimal(const struct column *column, struct trade_decimal decimal,
                          enum trade_reason is_null, uint8_t *reason)
{
    check_null(column, is_null, reason);
    for (size_t row = 0; row < column->rows; row++) {
        int128 value;

        if (reason[row] != TRADE_GOOD)
            continue;
        value = column_decimal(column, row);
        if (value <= 0)
            reason[row] = (uint8_t)(is_null + 1);
        else if (!is_representable(value, decimal))
            reason[row] = (uint8_t)(is_null + 2);
    }
}

static void check_side(const struct column *column, uint8_t *reason)
{
    for (size_t row = 0; row < column->rows; row++) {
        struct span side = column_bytes(column, row);

        if (!span_equal(side, SPAN("BUY")) && !span_equal(side, SPAN("SELL")))
            name_row(&reason[row], TRADE_INVALID_SIDE);
    }
}

static void check_asset_class(const struct column *column, uint8_t *reason)
{
    for (size_t row = 0; row < column->rows; row++)
        if (!span_equal(column_bytes(column, row), SPAN("crypto")))
            name_row(&reason[row], TRADE_INVALID_ASSET_CLASS);
}

static void check_timestamp(const struct trade_rules *rules, const struct column *column,
                            const struct column *ingestion, const struct column *kafka,
                            uint8_t *reason)
{
    check_null(column, TRADE_TIMESTAMP_REQUIRED, reason);
    for (size_t row = 0; row < column->rows; row++) {
        bool has_ingestion = !column_is_null(ingestion, row);
        bool has_kafka = !column_is_null(kafka, row);
        int64_t at = column_int64(column, row);
        int64_t a = column_int64(has_ingestion ? ingestion : kafka, row);
        int64_t b = column_int64(has_kafka ? kafka : ingestion, row);

        /* In 128 bits no wire's number overflows. */
        if ((has_ingestion || has_kafka) && (int128)at - int64_max(a, b) > rules->skew_us)
            name_row(&reason[row], TRADE_TIMESTAMP_IN_FUTURE);
        if ((has_ingestion || has_kafka) && (int128)int64_min(a, b) - at > rules->age_us_max)
            name_row(&reason[row], TRADE_TIMESTAMP_TOO_OLD);
    }
}

void trade_check(const struct trade_rules *rules, const struct trade_batch *batch,
                 const struct column *bronze_ingestion, const struct column *kafka_timestamp,
                 uint8_t *reason)
{
    const struct column *column = batch->column;

    ASSERT(bronze_ingestion->rows == batch->rows && kafka_timestamp->rows == batch->rows);
    if (batch->rows == 0)
        return;
    check_decimal(&column[TRADE_PRICE], rules->price, TRADE_PRICE_IS_NULL, reason);
    check_decimal(&column[TRADE_QUANTITY], rules->quantity, TRADE_QUANTITY_IS_NULL, reason);
    check_empty(&column[TRADE_SYMBOL], TRADE_SYMBOL_REQUIRED, reason);
    check_null(&column[TRADE_TRADE_ID], TRADE_TRADE_ID_REQUIRED, reason);
    check_null(&column[TRADE_EXCHANGE], TRADE_EXCHANGE_REQUIRED, reason);
    check_null(&column[TRADE_CURRENCY], TRADE_CURRENCY_REQUIRED, reason);
    check_null(&column[TRADE_TRADE_CONDITIONS], TRADE_TRADE_CONDITIONS_REQUIRED, reason);
    check_null(&column[TRADE_INGESTION_TIMESTAMP], TRADE_INGESTION_TIMESTAMP_REQUIRED, reason);
    check_side(&column[TRADE_SIDE], reason);
    check_timestamp(rules, &column[TRADE_TIMESTAMP], bronze_ingestion, kafka_timestamp, reason);
    check_empty(&column[TRADE_MESSAGE_ID], TRADE_MESSAGE_ID_REQUIRED, reason);
    check_asset_class(&column[TRADE_ASSET_CLASS], reason);
}

void trade_check_narrow(struct trade_decimal decimal, const struct column *wide,
                        const uint32_t *index, size_t count, struct column *out)
{
    column_reserve(out, count, 0);
    for (size_t i = 0; i < count; i++) {
        int128 narrow = 0;
        int rc = decimal_rescale(column_decimal(wide, index[i]), TRADE_WIRE_SCALE, decimal.scale,
                                 &narrow);

        ASSERT(rc == 0 && decimal_fits(narrow, decimal.precision)); /* trade_check saw to it */
        column_put_decimal(out, narrow);
    }
}
