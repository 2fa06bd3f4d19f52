// SPDX-License-Identifier: Apache-2.0
/* oracle_thrift.c: thrift-compact-protocol.md, as far as Parquet's structs go: no sets, maps,
 * doubles. */
#include "sim/oracle_formats.h"

enum { TYPE_TRUE = 1, TYPE_FALSE = 2, DEPTH_MAX = 32, FIELDS_MAX = 64 };

static void read_value(struct arena *arena, struct oracle_bytes *bytes, int type, int depth,
                       struct oracle_thrift *out);

static void read_list(struct arena *arena, struct oracle_bytes *bytes, int depth,
                      struct oracle_thrift *out)
{
    uint8_t head = oracle_bytes_byte(bytes);
    uint64_t count = head >> 4;
    int item = head & 15;

    if (count == 15)
        count = oracle_bytes_varint(bytes);
    if (count > bytes->size - bytes->at)
        oracle_bytes_fail(bytes, "a list of %llu items", (unsigned long long)count);
    out->item_type = item == TYPE_FALSE ? ORACLE_THRIFT_BOOL : (enum oracle_thrift_type)item;
    out->count = count;
    out->item = arena_zero(arena, out->count, sizeof(*out->item));
    for (size_t i = 0; i < out->count; i++) {
        if (out->item_type == ORACLE_THRIFT_BOOL) {
            out->item[i].type = ORACLE_THRIFT_BOOL;
            out->item[i].integer = oracle_bytes_byte(bytes) == TYPE_TRUE;
        } else {
            read_value(arena, bytes, item, depth, &out->item[i]);
        }
    }
}

static void read_struct(struct arena *arena, struct oracle_bytes *bytes, int depth,
                        struct oracle_thrift *out)
{
    struct oracle_thrift field[FIELDS_MAX];
    int64_t id = 0;

    for (uint8_t head; (head = oracle_bytes_byte(bytes)) != 0;) {
        int64_t last = id;

        id = head >> 4 != 0 ? id + (head >> 4) : oracle_bytes_zigzag(bytes);
        if (id <= last || id > INT16_MAX)
            oracle_bytes_fail(bytes, "field %lld behind %lld", (long long)id, (long long)last);
        if (out->count == FIELDS_MAX)
            oracle_bytes_fail(bytes, "more than %d fields", FIELDS_MAX);
        field[out->count] = (struct oracle_thrift){ .id = (int16_t)id };
        read_value(arena, bytes, head & 15, depth, &field[out->count]);
        out->count++;
    }
    out->item = arena_alloc(arena, (out->count + 1) * sizeof(*out->item));
    memcpy(out->item, field, out->count * sizeof(*out->item));
}

static void read_value(struct arena *arena, struct oracle_bytes *bytes, int type, int depth,
                       struct oracle_thrift *out)
{
    uint64_t size;

    if (depth > DEPTH_MAX)
        oracle_bytes_fail(bytes, "nested too deep");
    out->type = (enum oracle_thrift_type)type;
    switch (type) {
    case TYPE_TRUE:
    case TYPE_FALSE:
        out->type = ORACLE_THRIFT_BOOL;
        out->integer = type == TYPE_TRUE;
        return;
    case ORACLE_THRIFT_BYTE:
        out->integer = (int8_t)oracle_bytes_byte(bytes);
        return;
    case ORACLE_THRIFT_I16:
    case ORACLE_THRIFT_I32:
    case ORACLE_THRIFT_I64:
        out->integer = oracle_bytes_zigzag(bytes);
        if (type == ORACLE_THRIFT_I32 && (out->integer < INT32_MIN || out->integer > INT32_MAX))
            oracle_bytes_fail(bytes, "an i32 of %lld", (long long)out->integer);
        return;
    case ORACLE_THRIFT_BINARY:
        size = oracle_bytes_varint(bytes);
        out->bytes = span_of(oracle_bytes_take(bytes, size), (size_t)size);
        return;
    case ORACLE_THRIFT_LIST:
        read_list(arena, bytes, depth + 1, out);
        return;
    case ORACLE_THRIFT_STRUCT:
        read_struct(arena, bytes, depth + 1, out);
        return;
    default:
        oracle_bytes_fail(bytes, "a value of type %d", type);
    }
}

void oracle_thrift_read(struct arena *arena, struct oracle_bytes *bytes, struct oracle_thrift *out)
{
    *out = (struct oracle_thrift){ .type = ORACLE_THRIFT_STRUCT };
    read_struct(arena, bytes, 0, out);
}

const struct oracle_thrift *oracle_thrift_find(const struct oracle_bytes *bytes,
                                               const struct oracle_thrift *of, int16_t id,
                                               enum oracle_thrift_type type)
{
    for (size_t i = 0; i < of->count; i++) {
        if (of->item[i].id != id)
            continue;
        if (of->item[i].type != type)
            oracle_bytes_fail(bytes, "field %d is of type %d, not %d", id, of->item[i].type, type);
        return &of->item[i];
    }
    return NULL;
}

const struct oracle_thrift *oracle_thrift_get(const struct oracle_bytes *bytes,
                                              const struct oracle_thrift *of, int16_t id,
                                              enum oracle_thrift_type type)
{
    const struct oracle_thrift *found = oracle_thrift_find(bytes, of, id, type);

    if (found == NULL)
        oracle_bytes_fail(bytes, "no field %d", id);
    return found;
}
