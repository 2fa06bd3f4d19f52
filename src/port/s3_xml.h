// SPDX-License-Identifier: Apache-2.0
/*
 * s3_xml.h: what S3 answers in XML: a listing, an error, an upload's id (Amazon S3 API reference:
 * ListObjectsV2, Error Responses, CreateMultipartUpload).  Namespaces and unknown elements are
 * passed over.  Pure.
 */
#ifndef K2_PORT_S3_XML_H
#define K2_PORT_S3_XML_H

#include "core/buf.h"
#include "core/err.h"

struct s3_error {
    char code[64];     /* "NoSuchKey"; "" when the body is no error document */
    char message[256]; /* cut */
    char region[64];   /* where the bucket is, if that is the trouble */
};

/* Never fails: a body that is no such document gives empty texts. */
void s3_xml_error(struct span body, struct s3_error *out);

/* Appends the text of the first element of that name.  CORRUPT: no such document or element. */
CHECK_RESULT int s3_xml_text(struct span body, const char *name, struct buf *out, struct err *err);

/* One object of a listing; key is decoded (encoding-type=url) if the server says that it
 * encoded it. */
struct s3_object {
    const char *key;
    uint64_t size;
    int64_t modified_us;
};

struct s3_listing {
    int (*visit)(void *context, const struct s3_object *object, struct err *err);
    void *context;
    struct buf next; /* continuation token; empty at the last page */
};

/* Visits the objects of a page in its order.  -1: the visitor's, or CORRUPT. */
CHECK_RESULT int s3_xml_list(struct span body, struct s3_listing *listing, struct err *err);

#endif
