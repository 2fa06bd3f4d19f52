// SPDX-License-Identifier: Apache-2.0
/* thrift.h: the wire types of Thrift's compact protocol (thrift-compact-protocol.md), shared by
 * encoder and decoder.  In a list a bool's element is a byte, THRIFT_TRUE or THRIFT_FALSE, and the
 * element type is THRIFT_TRUE. */
#ifndef K2_CODEC_THRIFT_H
#define K2_CODEC_THRIFT_H

enum thrift_type {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
};

#endif
