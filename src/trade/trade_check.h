// SPDX-License-Identifier: Apache-2.0
/*
 * trade_check.h: which rows are good, and the first rule that a bad one breaks.
 *
 * A verdict is a function of the row and its Bronze columns alone, never of the wall clock: judged
 * again, it is the same.  The rules, in the order of enum trade_reason, which decides between two
 * that a row breaks:
 *
 *    reason                        type                    broken when
 *    deserialization_failed        deserialization         the record is no trade
 *    schema_not_found              schema                  the registry does not know its schema
 *    price_is_null                 price_validation        null
 *    price_must_be_positive        price_validation        <= 0
 *    price_not_representable       price_validation        not exact in the table's decimal
 *    quantity_is_null, _must_be_positive, _not_representable      quantity_validation, the same
 *    symbol_required               symbol_validation       null or empty
 *    <field>_required              schema_validation       null: trade_id, exchange, currency,
 *                                                          trade_conditions, ingestion_timestamp
 *    invalid_side                  side_validation         null, not BUY, not SELL
 *    timestamp_required            timestamp_validation    null
 *    timestamp_in_future           timestamp_validation    more than skew_us after the later of
 *                                                          Bronze's two times
 *    timestamp_too_old             timestamp_validation    more than 365 days before the earlier
 *    message_id_required           message_id_validation   null or empty
 *    invalid_asset_class           asset_class_validation  null, not crypto
 *
 * Null, missing and false all break a rule.
 */
#ifndef K2_TRADE_TRADE_CHECK_H
#define K2_TRADE_TRADE_CHECK_H

#include "core/micros.h"
#include "trade/trade.h"

enum trade_reason {
    TRADE_GOOD = 0,
    TRADE_DESERIALIZATION_FAILED,
    TRADE_SCHEMA_NOT_FOUND,
    TRADE_PRICE_IS_NULL,
    TRADE_PRICE_MUST_BE_POSITIVE,
    TRADE_PRICE_NOT_REPRESENTABLE,
    TRADE_QUANTITY_IS_NULL,
    TRADE_QUANTITY_MUST_BE_POSITIVE,
    TRADE_QUANTITY_NOT_REPRESENTABLE,
    TRADE_SYMBOL_REQUIRED,
    TRADE_TRADE_ID_REQUIRED,
    TRADE_EXCHANGE_REQUIRED,
    TRADE_CURRENCY_REQUIRED,
    TRADE_TRADE_CONDITIONS_REQUIRED,
    TRADE_INGESTION_TIMESTAMP_REQUIRED,
    TRADE_INVALID_SIDE,
    TRADE_TIMESTAMP_REQUIRED,
    TRADE_TIMESTAMP_IN_FUTURE,
    TRADE_TIMESTAMP_TOO_OLD,
    TRADE_MESSAGE_ID_REQUIRED,
    TRADE_INVALID_ASSET_CLASS,
    TRADE_REASONS
};

/* "price_must_be_positive" and "price_validation"; NULL for TRADE_GOOD. */
const char *trade_check_reason_text(enum trade_reason reason);
const char *trade_check_type_text(enum trade_reason reason);

struct trade_decimal {
    int precision, scale;
};

/* Made once from the tables and the configuration. */
struct trade_rules {
    struct trade_decimal price, quantity; /* of the table's columns */
    int64_t skew_us;                      /* how far a trade may lie ahead of Bronze's times */
    int64_t age_us_max;
};

#define TRADE_RULES_DEFAULT                                                                        \
    ((struct trade_rules){ { 18, 8 }, { 18, 8 }, 5 * MICROS_SECOND, 365 * MICROS_DAY })

/*
 * Judges every row of `batch`.  reason[row] comes in as TRADE_GOOD, or as
 * TRADE_DESERIALIZATION_FAILED or TRADE_SCHEMA_NOT_FOUND for a row without a trade, which stays so,
 * and goes out as the verdict.  The two columns are Bronze's, INT64, of as many rows; where one of
 * them is null the other serves as both.
 */
void trade_check(const struct trade_rules *rules, const struct trade_batch *batch,
                 const struct column *bronze_ingestion, const struct column *kafka_timestamp,
                 uint8_t *reason);

/* Appends to *out the prices (quantities) of rows index[0..count) at the table's scale; rows that
 * trade_check has called good by the same rules. */
void trade_check_narrow(struct trade_decimal decimal, const struct column *wide,
                        const uint32_t *index, size_t count, struct column *out);

#endif
