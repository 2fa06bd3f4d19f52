// SPDX-License-Identifier: Apache-2.0
/* options.h: the command line of k2-exchange-sim. */
#ifndef K2_EXCHANGE_SIM_OPTIONS_H
#define K2_EXCHANGE_SIM_OPTIONS_H

#include "faults.h"

enum { OPTIONS_RECORDINGS_MAX = 64, OPTIONS_HELP = 1 };

struct options {
    const struct exchange *exchange;
    const char *recordings[OPTIONS_RECORDINGS_MAX];
    size_t recording_count;
    uint16_t port, rest_port; /* 0: a free one */
    double speed;             /* 0: as fast as the client takes it */
    bool shift_time;
    bool start_given;
    int64_t start_ns;      /* realtime; with start_given */
    int64_t ping_every_ns; /* a connection without a pong for three times that is dropped */
    int64_t life_ns;       /* of a connection; 0: no end */
    int64_t idle_after_ns; /* kraken: a connection without a subscription is closed */
    bool snapshot;         /* kraken-v1: the last trades come first */
    size_t clients;        /* so many must have subscribed before the clock starts */
    bool stop_when_done;
    struct faults faults;
};

/* 0, OPTIONS_HELP (nothing else is meant then), or -1: a sentence for the user.  Strings stay
 * argv's. */
CHECK_RESULT int options_parse(int argc, char **argv, struct options *options, struct err *err);
void options_help(FILE *out);

#endif
