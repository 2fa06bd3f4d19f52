// SPDX-License-Identifier: Apache-2.0
/* micros.c: the calendar is computed in eras of 400 years that begin on the 1st of March, so that
 * a leap day is the last day of its year and all divisions are of numbers that are not negative. */
#include "core/micros.h"

enum { DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468 }; /* from 0000-03-01 */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int32_t micros_day(int64_t us)
{
    return (int32_t)floor_div(us, MICROS_DAY);
}

int64_t micros_hour(int64_t us)
{
    return floor_div(us, MICROS_HOUR);
}

int32_t micros_hour_of_day(int64_t us)
{
    return (int32_t)(micros_hour(us) - (int64_t)micros_day(us) * 24);
}

int32_t micros_days_from_civil(int year, int month, int day)
{
    int from_march = month > 2 ? month - 3 : month + 9;
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int32_t)(era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970);
}

void micros_civil_from_days(int32_t days, int *year, int *month, int *day)
{
    int64_t z = (int64_t)days + DAYS_TO_1970;
    int64_t era = floor_div(z, DAYS_PER_ERA);
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

/* `value` with at least `digits` digits; returns the end. */
static char *put_number(char *at, int64_t value, int digits)
{
    char reversed[20];
    int count = 0;

    if (value < 0) {
        *at++ = '-';
        value = -value;
    }
    for (; value > 0 || count < digits; value /= 10)
        reversed[count++] = (char)('0' + value % 10);
    while (count > 0)
        *at++ = reversed[--count];
    return at;
}

size_t micros_format_day(int32_t days, char text[MICROS_TEXT_BYTES_MAX])
{
    int year, month, day;
    char *at = text;

    micros_civil_from_days(days, &year, &month, &day);
    at = put_number(at, year, 4);
    *at++ = '-';
    at = put_number(at, month, 2);
    *at++ = '-';
    at = put_number(at, day, 2);
    *at = 0;
    return (size_t)(at - text);
}

size_t micros_format(int64_t us, char text[MICROS_TEXT_BYTES_MAX])
{
    int32_t days = micros_day(us);
    int64_t of_day = us % MICROS_DAY + (us % MICROS_DAY < 0 ? MICROS_DAY : 0);
    char *at = text + micros_format_day(days, text);

    *at++ = 'T';
    at = put_number(at, of_day / MICROS_HOUR, 2);
    *at++ = ':';
    at = put_number(at, of_day / (60 * MICROS_SECOND) % 60, 2);
    *at++ = ':';
    at = put_number(at, of_day / MICROS_SECOND % 60, 2);
    *at++ = '.';
    at = put_number(at, of_day % MICROS_SECOND, 6);
    *at++ = 'Z';
    *at = 0;
    return (size_t)(at - text);
}

/* Exactly `count` digits at the front of *in. */
static bool take_digits(struct span *in, size_t count, int *out)
{
    int value = 0;

    if (in->size < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = in->data[i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    in->data += count;
    in->size -= count;
    *out = value;
    return true;
}

static bool take_char(struct span *in, char lower)
{
    if (in->size == 0 || (in->data[0] | 0x20) != (lower | 0x20))
        return false;
    in->data++;
    in->size--;
    return true;
}

/* Exactly this character: the case of '-' and ':' is their own. */
static bool take_mark(struct span *in, char mark)
{
    return in->size > 0 && in->data[0] == (uint8_t)mark && take_char(in, mark);
}

static int month_days(int year, int month)
{
    static const int8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct span *in, int32_t *days)
{
    int year, month, day;

    if (!take_digits(in, 4, &year) || !take_mark(in, '-') || !take_digits(in, 2, &month) ||
        !take_mark(in, '-') || !take_digits(in, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *days = micros_days_from_civil(year, month, day);
    return true;
}

/* A leap second, 60, is taken as the first of the next minute: POSIX time has no other place. */
static bool take_time(struct span *in, int64_t *seconds)
{
    int hour, minute, second;

    if (!take_digits(in, 2, &hour) || !take_mark(in, ':') || !take_digits(in, 2, &minute) ||
        !take_mark(in, ':') || !take_digits(in, 2, &second))
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 60;
}

/* ".123456789" or nothing, to the nearest microsecond, halves up. */
static bool take_fraction(struct span *in, int64_t *us)
{
    int64_t nanos = 0;
    int count = 0;

    *us = 0;
    if (!take_mark(in, '.'))
        return true;
    for (int digit; count < 10 && take_digits(in, 1, &digit); count++)
        nanos = nanos * 10 + digit;
    if (count < 1 || count > 9)
        return false;
    for (; count < 9; count++)
        nanos *= 10;
    *us = (nanos + 500) / 1000;
    return true;
}

static bool take_offset(struct span *in, int64_t *seconds)
{
    bool negative = in->size > 0 && in->data[0] == '-';
    int hour, minute;

    *seconds = 0;
    if (take_char(in, 'z'))
        return true;
    if (!(take_mark(in, '+') || take_mark(in, '-')) || !take_digits(in, 2, &hour) ||
        !take_mark(in, ':') || !take_digits(in, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *seconds = hour * 3600 + minute * 60;
    if (negative)
        *seconds = -*seconds;
    return true;
}

bool micros_parse(struct span text, int64_t *out)
{
    int32_t days;
    int64_t seconds, us, offset;

    if (!take_date(&text, &days) || !take_char(&text, 't') || !take_time(&text, &seconds) ||
        !take_fraction(&text, &us) || !take_offset(&text, &offset) || text.size > 0)
        return false;
    *out = days * MICROS_DAY + (seconds - offset) * MICROS_SECOND + us;
    return true;
}
