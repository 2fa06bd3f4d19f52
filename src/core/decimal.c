// SPDX-License-Identifier: Apache-2.0
/*
 * decimal.c: text, scales and bytes of exact decimals.
 *
 * Both hot paths avoid 128-bit division, which is a library call.  A price's text has at most 19
 * digits, so its digits are gathered in 64 bits.  A scale is lowered by 10^d = 2^d * 5^d: the twos
 * are a shift, and the exact quotient by the odd 5^d is a product with its inverse modulo 2^128.
 */
#include "core/decimal.h"
#include "core/num.h"

#define E19 UINT64_C(10000000000000000000)

static const uint64_t small_power[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    E19,
};

/* 0 to 38; the product of the two parts costs one multiplication. */
static inline uint128 power(int exponent)
{
    return exponent <= 19 ? small_power[exponent] : (uint128)E19 * small_power[exponent - 19];
}

int128 decimal_power(int exponent)
{
    ASSERT(exponent >= 0 && exponent <= DECIMAL_DIGITS_MAX);
    return (int128)power(exponent);
}

bool decimal_fits(int128 unscaled, int precision)
{
    int128 limit = decimal_power(precision);

    return unscaled < limit && unscaled > -limit;
}

static inline uint128 magnitude_of(int128 value)
{
    return value < 0 ? -(uint128)value : (uint128)value;
}

static inline int128 with_sign(uint128 magnitude, bool negative)
{
    return negative ? -(int128)magnitude : (int128)magnitude;
}

static inline bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

/* What the grammar found in a text: where its digits are, and the power of ten behind them. */
struct number {
    const uint8_t *whole; /* integer digits [whole, whole_end) */
    const uint8_t *whole_end;
    const uint8_t *fraction; /* and [fraction, fraction_end) */
    const uint8_t *fraction_end;
    int64_t exponent;
};

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* Beyond this no digit of a text can come back into range. */
#define EXPONENT_MAX INT64_C(1000000000000000)

static const uint8_t *scan_exponent(const uint8_t *at, const uint8_t *end, int64_t *exponent)
{
    bool negative = at < end && *at == '-';
    const uint8_t *first;
    int64_t value = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    for (first = at; at < end && is_digit(*at); at++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*at - '0');
    *exponent = negative ? -value : value;
    return at > first ? at : NULL;
}

/* The grammar behind the sign; false when the text is no number. */
static bool scan(const uint8_t *at, const uint8_t *end, struct number *number)
{
    number->whole = at;
    at = number->whole_end = skip_digits(at, end);
    if (number->whole == at)
        return false;
    number->fraction = number->fraction_end = at;
    if (at < end && *at == '.') {
        number->fraction = ++at;
        at = number->fraction_end = skip_digits(at, end);
        if (number->fraction == at)
            return false;
    }
    number->exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = scan_exponent(at + 1, end, &number->exponent);
        if (at == NULL)
            return false;
    }
    return at == end;
}

/*
 * Adds digits to *value.  `place` is the power of ten of the first one in units of the scale: a
 * digit below 0 must be zero, one at 38 or above too.  *value ends up in units of the last digit
 * taken, or of 10^0.
 */
static int gather(const uint8_t *at, const uint8_t *end, int64_t place, uint128 *value)
{
    bool inexact = false;

    for (; at < end; at++, place--) {
        unsigned digit = (unsigned)(*at - '0');

        if (digit != 0 && place >= DECIMAL_DIGITS_MAX)
            return DECIMAL_OVERFLOW;
        if (place >= 0)
            *value = *value * 10 + digit;
        else
            inexact = inexact || digit != 0;
    }
    return inexact ? DECIMAL_INEXACT : 0;
}

/* Any number of digits, any exponent. */
static int parse_any(const uint8_t *at, const uint8_t *end, int scale, uint128 *out)
{
    struct number number;
    int64_t place;
    uint128 value = 0;
    int rc;

    if (!scan(at, end, &number))
        return DECIMAL_SYNTAX;
    place = number.whole_end - number.whole - 1 + number.exponent + scale;
    rc = gather(number.whole, number.whole_end, place, &value);
    if (rc != 0)
        return rc;
    place -= number.whole_end - number.whole;
    rc = gather(number.fraction, number.fraction_end, place, &value);
    if (rc != 0)
        return rc;
    place -= number.fraction_end - number.fraction;
    if (value != 0 && place + 1 > 0)
        value *= power((int)place + 1);
    *out = value;
    return 0;
}

/* Up to 19 digits without an exponent, all of them within the scale; false for any other text. */
static bool parse_short(const uint8_t *at, const uint8_t *end, int scale, uint128 *out)
{
    const uint8_t *first = at;
    uint64_t value = 0;
    int64_t digits, decimals = 0;

    if (end - at > 20)
        return false;
    for (; at < end && is_digit(*at); at++)
        value = value * 10 + (uint64_t)(*at - '0');
    digits = at - first;
    if (digits == 0)
        return false;
    if (at < end && *at == '.') {
        const uint8_t *fraction = ++at;

        for (; at < end && is_digit(*at); at++)
            value = value * 10 + (uint64_t)(*at - '0');
        decimals = at - fraction;
        if (decimals == 0)
            return false;
        digits += decimals;
    }
    if (at != end || digits > 19 || decimals > scale ||
        digits + scale - decimals > DECIMAL_DIGITS_MAX)
        return false;
    *out = value * power((int)(scale - decimals));
    return true;
}

int decimal_parse(struct span text, int scale, int128 *out)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;
    bool negative = text.size > 0 && *at == '-';
    uint128 magnitude;

    ASSERT(scale >= 0 && scale <= DECIMAL_DIGITS_MAX);
    if (text.size == 0)
        return DECIMAL_SYNTAX;
    at += negative;
    if (!parse_short(at, end, scale, &magnitude)) {
        int rc = parse_any(at, end, scale, &magnitude);

        if (rc != 0)
            return rc;
    }
    *out = with_sign(magnitude, negative);
    return 0;
}

/* 5^-1 modulo 2^128 and its squares, so that 5^-d is the product of those that d's bits name. */
#define INVERSE_OF_5  (((uint128)UINT64_C(0xcccccccccccccccc) << 64) | UINT64_C(0xcccccccccccccccd))
#define SQUARE(x)     ((x) * (x))
#define INVERSE_OF_52 SQUARE(INVERSE_OF_5)
#define INVERSE_OF_54 SQUARE(INVERSE_OF_52)
#define INVERSE_OF_58 SQUARE(INVERSE_OF_54)

static uint128 inverse_of_power_of_5(unsigned exponent)
{
    static const uint128 squares[4] = { INVERSE_OF_5, INVERSE_OF_52, INVERSE_OF_54, INVERSE_OF_58 };
    uint128 inverse = 1;

    for (unsigned bit = 0; bit < 3; bit++)
        if (exponent >> bit & 1)
            inverse *= squares[bit];
    for (unsigned eights = exponent >> 3; eights > 0; eights--)
        inverse *= squares[3];
    return inverse;
}

/* magnitude / 10^exponent, or false when that leaves a rest. */
static bool divide_exactly(uint128 magnitude, int exponent, uint128 *out)
{
    uint128 five = power(exponent) >> exponent;
    uint128 rest = magnitude & (((uint128)1 << exponent) - 1);
    uint128 quotient = (magnitude >> exponent) * inverse_of_power_of_5((unsigned)exponent);
    uint128 product;

    /* quotient * five is the dividend modulo 2^128 always, and truly only if it is exact. */
    *out = quotient;
    return rest == 0 && !__builtin_mul_overflow(quotient, five, &product);
}

int decimal_rescale(int128 unscaled, int from_scale, int to_scale, int128 *out)
{
    uint128 magnitude = magnitude_of(unscaled);
    int up = to_scale - from_scale;

    if (magnitude == 0) {
        *out = 0;
        return 0;
    }
    if (up > DECIMAL_DIGITS_MAX)
        return DECIMAL_OVERFLOW;
    if (up < -DECIMAL_DIGITS_MAX)
        return DECIMAL_INEXACT;
    if (up < 0 && !divide_exactly(magnitude, -up, &magnitude))
        return DECIMAL_INEXACT;
    if (up > 0 && __builtin_mul_overflow(magnitude, power(up), &magnitude))
        return DECIMAL_OVERFLOW;
    if (magnitude >= power(DECIMAL_DIGITS_MAX))
        return DECIMAL_OVERFLOW;
    *out = with_sign(magnitude, unscaled < 0);
    return 0;
}

/* The digits of `magnitude` backwards to `end`, at least `least` of them; returns their start. */
static char *put_digits(uint128 magnitude, int least, char *end)
{
    char *at = end;

    while (magnitude > 0 || end - at < least) {
        *--at = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    }
    return at;
}

size_t decimal_format(int128 unscaled, int scale, char text[DECIMAL_TEXT_BYTES_MAX])
{
    char digits[DECIMAL_TEXT_BYTES_MAX];
    char *end = digits + sizeof(digits);
    char *first;
    char *to = text;
    size_t whole;

    ASSERT(scale >= 0 && scale <= DECIMAL_DIGITS_MAX);
    first = put_digits(magnitude_of(unscaled), scale + 1, end);
    whole = (size_t)(end - first) - (size_t)scale;
    if (unscaled < 0)
        *to++ = '-';
    memcpy(to, first, whole);
    to += whole;
    if (scale > 0) {
        *to++ = '.';
        memcpy(to, first + whole, (size_t)scale);
        to += scale;
    }
    *to = 0;
    return (size_t)(to - text);
}

size_t decimal_bytes(int128 unscaled, uint8_t out[16])
{
    uint128 bits = (uint128)(unscaled < 0 ? ~unscaled : unscaled) << 1; /* one bit for the sign */
    uint64_t high = (uint64_t)(bits >> 64);
    uint64_t low = (uint64_t)bits | 1;
    int width = high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll(low);
    int size = (width + 7) / 8;
    uint128 left = (uint128)unscaled << (128 - 8 * size);

    store_be64(out, (uint64_t)(left >> 64));
    store_be64(out + 8, (uint64_t)left);
    return (size_t)size;
}
