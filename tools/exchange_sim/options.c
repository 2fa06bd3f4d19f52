// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include "exchange.h"

#include "core/micros.h"

#include <getopt.h>
#include <math.h>
#include <string.h>

#define EXCHANGES "binance, kraken-v1 or kraken-v2"

static int parse_port(const char *name, const char *text, uint16_t *out, struct err *err)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value > 65535)
        return err_set(err, ERR_CONFIG, "%s: \"%s\" is no port, expected 0 (a free one) to 65535",
                       name, text);
    *out = (uint16_t)value;
    return 0;
}

static int parse_number(const char *name, const char *text, double min, double max, double *out,
                        struct err *err)
{
    char *end;
    double value = strtod(text, &end);

    if (*text == '\0' || *end != '\0' || !isfinite(value) || value < min || value > max)
        return err_set(err, ERR_CONFIG, "%s: \"%s\" is not a number from %g to %g", name, text, min,
                       max);
    *out = value;
    return 0;
}

static int parse_start(const char *text, struct options *options, struct err *err)
{
    int64_t us;

    options->shift_time = true;
    if (text == NULL)
        return 0;
    if (!micros_parse(span_text(text), &us) || us < 0 || us > 200 * 365 * MICROS_DAY)
        return err_set(err, ERR_CONFIG,
                       "--shift-time: \"%s\" is no instant, expected one like "
                       "2026-11-22T15:25:00Z",
                       text);
    options->start_given = true;
    options->start_ns = us * 1000;
    return 0;
}

static int add_recording(const char *text, struct options *options, struct err *err)
{
    if (options->recording_count == OPTIONS_RECORDINGS_MAX)
        return err_set(err, ERR_CONFIG, "--recording: more than %d of them",
                       OPTIONS_RECORDINGS_MAX);
    options->recordings[options->recording_count++] = text;
    return 0;
}

static int parse_exchange(const char *text, struct options *options, struct err *err)
{
    options->exchange = exchange_find(text);
    if (options->exchange == NULL)
        return err_set(err, ERR_CONFIG, "--exchange: \"%s\" is not known, expected " EXCHANGES,
                       text);
    return 0;
}

static const struct option long_options[] = {
    { "exchange", required_argument, NULL, 'e' },
    { "recording", required_argument, NULL, 'r' },
    { "port", required_argument, NULL, 'p' },
    { "rest-port", required_argument, NULL, 'R' },
    { "speed", required_argument, NULL, 's' },
    { "faults", required_argument, NULL, 'f' },
    { "shift-time", optional_argument, NULL, 't' },
    { "clients", required_argument, NULL, 'c' },
    { "ping-every", required_argument, NULL, 'i' },
    { "life", required_argument, NULL, 'l' },
    { "idle-after", required_argument, NULL, 'I' },
    { "snapshot", no_argument, NULL, 'S' },
    { "stop-when-done", no_argument, NULL, 'd' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int apply(int letter, const char *value, struct options *options, struct err *err)
{
    double number = 0;

    switch (letter) {
    case 'e':
        return parse_exchange(value, options, err);
    case 'r':
        return add_recording(value, options, err);
    case 'p':
        return parse_port("--port", value, &options->port, err);
    case 'R':
        return parse_port("--rest-port", value, &options->rest_port, err);
    case 's':
        return parse_number("--speed", value, 0, 1e6, &options->speed, err);
    case 'f':
        return faults_parse(value, &options->faults, err);
    case 't':
        return parse_start(value, options, err);
    case 'c':
        if (parse_number("--clients", value, 1, 1000, &number, err) < 0)
            return -1;
        options->clients = (size_t)number;
        return 0;
    case 'i':
        if (parse_number("--ping-every", value, 0.01, 3600, &number, err) < 0)
            return -1;
        options->ping_every_ns = (int64_t)(number * 1e9);
        return 0;
    case 'l':
        if (parse_number("--life", value, 0.01, 86400, &number, err) < 0)
            return -1;
        options->life_ns = (int64_t)(number * 1e9);
        return 0;
    case 'I':
        if (parse_number("--idle-after", value, 0.01, 3600, &number, err) < 0)
            return -1;
        options->idle_after_ns = (int64_t)(number * 1e9);
        return 0;
    case 'S':
        options->snapshot = true;
        return 0;
    case 'd':
        options->stop_when_done = true;
        return 0;
    default:
        return OPTIONS_HELP;
    }
}

static int check(const struct options *options, bool port_given, struct err *err)
{
    if (options->exchange == NULL)
        return err_set(err, ERR_CONFIG, "--exchange is missing, expected --exchange " EXCHANGES);
    if (options->recording_count == 0)
        return err_set(err, ERR_CONFIG, "--recording is missing, expected --recording FILE");
    if (!port_given)
        return err_set(err, ERR_CONFIG, "--port is missing, expected --port N (0: a free one)");
    if (options->port != 0 && options->port == options->rest_port)
        return err_set(err, ERR_CONFIG, "--port and --rest-port are both %u", options->port);
    return 0;
}

int options_parse(int argc, char **argv, struct options *options, struct err *err)
{
    bool port_given = false;
    int letter, rc;

    *options = (struct options){
        .speed = 1,
        .clients = 1,
        .ping_every_ns = 20 * INT64_C(1000000000),
        .idle_after_ns = 60 * INT64_C(1000000000),
    };
    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (letter == ':')
            return err_set(err, ERR_CONFIG, "%s expects a value", argv[optind - 1]);
        if (letter == '?')
            return err_set(err, ERR_CONFIG, "unknown option %s (see --help)", argv[optind - 1]);
        port_given = port_given || letter == 'p';
        rc = apply(letter, optarg, options, err);
        if (rc != 0)
            return rc;
    }
    if (optind < argc)
        return err_set(err, ERR_CONFIG, "unexpected argument \"%s\" (see --help)", argv[optind]);
    return check(options, port_given, err);
}

void options_help(FILE *out)
{
    fputs(
        "k2-exchange-sim: serves recorded frames as the exchange would, on 127.0.0.1 only.\n"
        "\n"
        "usage: k2-exchange-sim --exchange NAME --recording FILE --port N [OPTION...]\n"
        "\n"
        "  --exchange NAME      " EXCHANGES "\n"
        "  --recording FILE     lines `<receive time, ns> <raw frame>`, plain or gzip; several\n"
        "                       recordings are one world, ordered by receive time\n"
        "  --port N             WebSocket; 0 takes a free port. The first line of output is\n"
        "                       `listening ws=127.0.0.1:PORT rest=127.0.0.1:PORT`\n"
        "  --rest-port N        REST (default 0)\n"
        "  --speed X            X times as fast as recorded (default 1); 0: as fast as the client\n"
        "                       takes it, and then a stream waits for its next client\n"
        "  --shift-time         move the frames' times so that the first lies at\n"
        "                       start - L*(1 - 1/X), for length L and speed X: nothing lies ahead\n"
        "                       of the clock at the end. Every recording begins at the start.\n"
        "                       The start is when the first client has subscribed\n"
        "  --shift-time=INSTANT the start is this instant (RFC 3339): each frame is due at a "
        "fixed\n"
        "                       time, and several runs are one world\n"
        "  --clients N          start when N connections have subscribed (default 1)\n"
        "  --ping-every S       seconds between pings (default 20); three times that without an\n"
        "                       answer, and the connection is dropped\n"
        "  --life S             end each connection after S seconds, as Binance does after 24 h\n"
        "                       (default: never)\n"
        "  --idle-after S       kraken: close a connection that has subscribed to nothing and "
        "said\n"
        "                       nothing for S seconds (default 60)\n"
        "  --snapshot           kraken-v1: the last 50 trades come first on every subscription\n"
        "                       (v2 sends them to who asks)\n"
        "  --stop-when-done     close with 1000 and exit when all clients have got all\n"
        "  --faults LIST        name or name:value, separated by commas\n"
        "\n"
        "Faults; all count frames, none is random:\n",
        out);
    faults_help(out);
}
