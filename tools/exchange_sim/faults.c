// SPDX-License-Identifier: Apache-2.0
/* faults.c: one table of the faults makes the parser and the help. */
#include "faults.h"

#include "core/span.h"

#include <string.h>

struct fault {
    const char *name;
    const char *value; /* its letter in the help; NULL: takes none */
    size_t offset;     /* in struct faults */
    const char *help;
};

static const struct fault table[] = {
    { "reset", "N", offsetof(struct faults, reset),
      "after every N data frames of a connection half of the next frame, then a TCP\n"
      "reset; at speed 0 that frame comes again on the next connection" },
    { "replay", "K", offsetof(struct faults, replay),
      "a connection after the first begins with the last K frames before its time" },
    { "glued", NULL, offsetof(struct faults, glued),
      "the first frame is in one write with the 101 reply (a ping where the URL names\n"
      "no stream), and a frame that is due at SUBSCRIBE is sent before its reply" },
    { "trickle", NULL, offsetof(struct faults, trickle),
      "the first 50 data frames of a connection go out one byte a write" },
    { "fragmented", NULL, offsetof(struct faults, fragmented),
      "data frames come in three fragments, once a second with a ping between them" },
    { "reordered", NULL, offsetof(struct faults, reordered),
      "keys in another order, blanks, unknown keys, the old b and a, escape sequences" },
    { "junk", "N", offsetof(struct faults, junk),
      "after every N data frames of a connection one frame more, in turn: an error\n"
      "object, no JSON, an event of an unknown type, a frame cut short" },
    { "stop-data", "N", offsetof(struct faults, stop_data),
      "after N data frames of a connection no more on it, but pings and replies" },
    { "freeze", "N", offsetof(struct faults, freeze),
      "after N data frames of a connection nothing is sent or read on it; it stays open" },
    { "skip", "N", offsetof(struct faults, skip),
      "every Nth frame of the world is never sent; REST has it" },
    { "shutdown", "N", offsetof(struct faults, shutdown),
      "after N data frames of a connection a serverShutdown event (kraken: the status\n"
      "maintenance), after N more a close with 1001" },
    { "http-503", "K", offsetof(struct faults, http_503),
      "the first K upgrades are answered with 503 and Retry-After: 1" },
    { "http-429", "K", offsetof(struct faults, http_429), "the next K the same with 429" },
    { "http-403", "K", offsetof(struct faults, http_403), "the next K with 403" },
    { "ack-lost", "K", offsetof(struct faults, ack_lost), "the first K replies are never sent" },
    { "ack-late", "N", offsetof(struct faults, ack_late),
      "replies are sent only when the connection has had N more data frames" },
    { "refuse", "N", offsetof(struct faults, refuse),
      "kraken: a connection's every Nth subscription to a listed pair is refused" },
    { "wrong-time", "N", offsetof(struct faults, wrong_time),
      "every Nth data frame of a connection has wrong times, in turn: another unit, a day\n"
      "ahead, 1970; REST has them right" },
    { "utf8", "N", offsetof(struct faults, utf8),
      "after every N data frames of a connection the next one first with a byte that is\n"
      "no UTF-8" },
    { "rsv1", "N", offsetof(struct faults, rsv1),
      "after N data frames of a connection one whose first reserved bit is set" },
    { "huge", "N", offsetof(struct faults, huge),
      "after N data frames of a connection a text of 16 MiB" },
    { "rest-lag", "K", offsetof(struct faults, rest_lag),
      "the first K answers of REST with trades lack the newer half of them" },
    { "swap", NULL, offsetof(struct faults, swap),
      "neighbours of different streams change places, two by two" },
};

static int parse_one(struct span item, struct faults *faults, struct err *err)
{
    const uint8_t *colon = item.size == 0 ? NULL : memchr(item.data, ':', item.size);
    size_t name_size = colon == NULL ? item.size : (size_t)(colon - item.data);
    struct span name = span_of(item.data, name_size);
    const struct fault *fault = NULL;
    size_t value = 0;

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (span_equal(name, span_text(table[i].name)))
            fault = &table[i];
    if (fault == NULL)
        return err_set(err, ERR_CONFIG, "--faults: unknown fault \"%.*s\" (see --help)",
                       SPAN_ARGS(name));
    if (fault->value == NULL && colon != NULL)
        return err_set(err, ERR_CONFIG, "--faults: %s takes no value", fault->name);
    for (size_t i = name_size + 1; i < item.size; i++) {
        if (item.data[i] < '0' || item.data[i] > '9' || value > 100000000)
            value = 0, i = item.size;
        else
            value = value * 10 + (size_t)(item.data[i] - '0');
    }
    if (fault->value != NULL && value == 0)
        return err_set(err, ERR_CONFIG, "--faults: expected %s:%s with a number from 1 to 10^9",
                       fault->name, fault->value);
    *(size_t *)((char *)faults + fault->offset) = fault->value == NULL ? 1 : value;
    return 0;
}

int faults_parse(const char *list, struct faults *faults, struct err *err)
{
    const char *at = list;

    for (;;) {
        size_t size = strcspn(at, ",");

        if (parse_one(span_of(at, size), faults, err) < 0)
            return -1;
        if (at[size] == '\0')
            return 0;
        at += size + 1;
    }
}

void faults_help(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const char *line = table[i].help;
        char head[32];

        snprintf(head, sizeof(head), "%s%s%s", table[i].name, table[i].value == NULL ? "" : ":",
                 table[i].value == NULL ? "" : table[i].value);
        for (;;) {
            size_t size = strcspn(line, "\n");

            fprintf(out, "  %-14s %.*s\n", head, (int)size, line);
            if (line[size] == '\0')
                break;
            line += size + 1;
            head[0] = '\0';
        }
    }
}
