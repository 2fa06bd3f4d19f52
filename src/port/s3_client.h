// SPDX-License-Identifier: Apache-2.0
/*
 * s3_client.h: one S3 request: addressed, signed, tried again while that may help.  Beneath
 * store_s3.c, which knows what the requests mean.  Any thread.
 */
#ifndef K2_PORT_S3_CLIENT_H
#define K2_PORT_S3_CLIENT_H

#include "port/s3_xml.h"
#include "port/store_s3.h"

struct s3_client;

struct s3_call {
    const char *method;
    const char *uri;                /* what the call is about, for the credentials */
    struct span key;                /* of the object, as it is; empty: the bucket */
    const char *query;              /* as s3_request wants it, "" for none */
    const struct s3_header *header; /* beside host, x-amz-date and those of the signature */
    size_t header_count;
    const struct span *body;
    size_t body_count;
    size_t answer_bytes_max; /* at least 64 KiB are taken, for the text of an error */
};

struct s3_reply {
    struct http_answer answer;
    struct s3_error error; /* of a status from 300 on */
};

/* CONFIG: an endpoint or bucket that cannot be. */
CHECK_RESULT int s3_client_open(const struct store_s3_options *options,
                                const struct http_opener *opener, struct clock *clock,
                                struct s3_client **out, struct err *err);
void s3_client_close(struct s3_client *client);

/* 0: an answer that trying again would not change, whatever its status.  -1 RETRY: there was none;
 * the request may have had its effect. */
CHECK_RESULT int s3_client_call(struct s3_client *client, const struct s3_call *call,
                                struct s3_reply *reply, struct err *err);
void s3_reply_deinit(struct s3_reply *reply);

/* -1 with what the server said of `what`: FULL when it has no room, else RETRY, since rights and
 * buckets come back without us. */
int s3_client_refused(const struct s3_reply *reply, const char *what, struct err *err);

#endif
