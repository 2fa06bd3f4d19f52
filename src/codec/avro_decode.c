// SPDX-License-Identifier: Apache-2.0
/*
 * avro_decode.c: the compiler is in avro_program.c; here is what runs for each record.
 *
 * One switch over a flat array of ops.  Branches of unions and the blocks of arrays are jumps, so
 * that nothing recurses and the only state besides the position is a counter for each array that
 * stands open.  What is at fault is worked out after the fact, from the op that stopped.
 */
#include "codec/avro_decode.h"

#include "codec/avro_program.h"
#include "core/num.h"

static inline int64_t from_zigzag(uint64_t raw)
{
    return (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
}

/* Seven bits a byte, the least first.  NULL: cut short, or more than 64 bits. */
static __attribute__((noinline)) const uint8_t *read_long_slow(const uint8_t *p, const uint8_t *end,
                                                               int64_t *out)
{
    uint64_t raw = 0;

    for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
        uint64_t byte = *p++;

        if (shift == 63 && byte > 1)
            return NULL;
        raw |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = from_zigzag(raw);
            return p;
        }
    }
    return NULL;
}

/* Three to eight bytes at once, as times are: the last byte is found by its high bit, then pairs,
 * quads and halves are closed up. */
static inline const uint8_t *read_long_wide(const uint8_t *p, uint64_t word, uint64_t ends,
                                            int64_t *out)
{
    word &= ends ^ (ends - 1);
    word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
    word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
    word = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
    *out = from_zigzag(word);
    return p + __builtin_ctzll(ends) / 8 + 1;
}

/* Lengths, branches, symbols and small numbers take one or two bytes. */
static inline const uint8_t *read_long(const uint8_t *p, const uint8_t *end, int64_t *out)
{
    uint64_t word;
    uint64_t ends;

    if (end - p >= 8) {
        if (p[0] < 0x80) {
            *out = from_zigzag(p[0]);
            return p + 1;
        }
        if (p[1] < 0x80) {
            *out = from_zigzag((uint64_t)(p[0] & 0x7f) | (uint64_t)p[1] << 7);
            return p + 2;
        }
        word = load_le64(p);
        ends = ~word & 0x8080808080808080;
        if (ends != 0)
            return read_long_wide(p, word, ends, out);
    }
    return read_long_slow(p, end, out);
}

static inline const uint8_t *read_sized(const uint8_t *p, const uint8_t *end, struct span *out)
{
    int64_t size = 0;

    p = read_long(p, end, &size);
    /* A negative size is a giant one. */
    if (p == NULL || (uint64_t)size > (uint64_t)(end - p))
        return NULL;
    *out = (struct span){ p, (size_t)size };
    return p + size;
}

static inline const uint8_t *read_fixed(const uint8_t *p, const uint8_t *end, uint64_t size)
{
    return size > (uint64_t)(end - p) ? NULL : p + size;
}

/* A number below `limit`: a branch, a symbol. */
static inline const uint8_t *read_choice(const uint8_t *p, const uint8_t *end, uint64_t limit,
                                         int64_t *out)
{
    p = read_long(p, end, out);
    return p != NULL && (uint64_t)*out < limit ? p : NULL;
}

static inline const uint8_t *read_symbol(const uint8_t *p, const uint8_t *end,
                                         const struct avro_op *op, struct avro_cell *cell)
{
    p = read_choice(p, end, op->size, &cell->integer);
    if (p != NULL)
        cell->bytes = op->symbol[cell->integer];
    return p;
}

static inline void put_nulls(const struct avro_op *op, struct avro_cell *cells)
{
    for (uint32_t i = 1; i <= op->cells[0]; i++)
        cells[op->cells[i]].is_null = true;
}

/* What a reader of whole trades does not meet. */
static const uint8_t *read_other(const uint8_t *p, const uint8_t *end, const struct avro_op *op,
                                 struct avro_cell *cells)
{
    struct avro_cell *cell = cells + op->cell;
    const uint8_t *next = NULL;
    struct span skipped;
    int64_t n = 0;
    float single;

    switch (op->code) {
    case AVRO_OP_BOOLEAN:
        next = read_fixed(p, end, 1);
        if (next == NULL || *p > 1)
            return NULL;
        cell->integer = *p;
        break;
    case AVRO_OP_INT:
        next = read_long(p, end, &cell->integer);
        return next != NULL && cell->integer == (int32_t)cell->integer ? next : NULL;
    case AVRO_OP_REAL_OF_LONG:
        next = read_long(p, end, &n);
        cell->real = op->size == sizeof(single) ? (double)(float)n : (double)n;
        break;
    case AVRO_OP_FIXED:
        next = read_fixed(p, end, op->size);
        cell->bytes = (struct span){ p, (size_t)op->size };
        break;
    case AVRO_OP_FLOAT:
        next = read_fixed(p, end, sizeof(single));
        if (next != NULL) {
            memcpy(&single, p, sizeof(single));
            cell->real = (double)single;
        }
        break;
    case AVRO_OP_DOUBLE:
        next = read_fixed(p, end, sizeof(cell->real));
        if (next != NULL)
            memcpy(&cell->real, p, sizeof(cell->real));
        break;
    case AVRO_OP_ENUM_SOME:
        next = read_symbol(p, end, op, cell);
        return next != NULL && cell->bytes.data != NULL ? next : NULL;
    case AVRO_OP_CONSTANT:
        *cell = *op->constant;
        return p;
    case AVRO_OP_NULLS:
        put_nulls(op, cells);
        return p;
    case AVRO_OP_REFUSE:
        return NULL;
    case AVRO_OP_SKIP_LONG:
        return read_long(p, end, &n);
    case AVRO_OP_SKIP_SIZED:
        return read_sized(p, end, &skipped);
    case AVRO_OP_SKIP_FIXED:
        return read_fixed(p, end, op->size);
    case AVRO_OP_SKIP_ENUM:
        return read_choice(p, end, op->size, &n);
    default:
        ASSERT(false);
    }
    return next;
}

/*
 * The head of a block: *items of them follow, 0 at the end of the array; *bytes is the block's size
 * where it is given, else -1.  A count that the bytes left cannot hold is refused before anyone
 * loops over it; items of no size have *empty to themselves.
 */
static const uint8_t *read_block(const uint8_t *p, const uint8_t *end, uint64_t item_bytes_min,
                                 uint64_t *empty, uint64_t *items, int64_t *bytes)
{
    int64_t count = 0;

    *bytes = -1;
    p = read_long(p, end, &count);
    if (p == NULL || count == INT64_MIN)
        return NULL;
    if (count < 0) {
        count = -count;
        p = read_long(p, end, bytes);
        if (p == NULL || (uint64_t)*bytes > (uint64_t)(end - p))
            return NULL;
    }
    *items = (uint64_t)count;
    if (item_bytes_min > 0)
        return *items <= (uint64_t)(end - p) / item_bytes_min ? p : NULL;
    if (*items > *empty)
        return NULL;
    *empty -= *items;
    return p;
}

/* Stands at the first item of a block whose items must be walked one by one; *items is 0 at the
 * array's end. */
static const uint8_t *read_blocks(const uint8_t *p, const uint8_t *end, const struct avro_op *op,
                                  uint64_t *empty, uint64_t *items)
{
    int64_t bytes;

    for (;;) {
        p = read_block(p, end, op->size, empty, items, &bytes);
        if (p == NULL || *items == 0)
            return p;
        if (bytes >= 0)
            p += bytes;
        else if (op->size > 0)
            return p;
    }
}

/* A whole array of texts, or map of texts to texts. */
static const uint8_t *read_texts(const uint8_t *p, const uint8_t *end, const struct avro_op *op,
                                 uint64_t *empty)
{
    struct span text;
    uint64_t items;

    while ((p = read_blocks(p, end, op, empty, &items)) != NULL && items > 0) {
        for (uint64_t texts = items * op->size; texts > 0; texts--) {
            p = read_sized(p, end, &text);
            if (p == NULL)
                return NULL;
        }
    }
    return p;
}

static int refuse(const struct avro_program *program, const struct avro_op *op, size_t at,
                  struct err *err)
{
    static const char *const expected[] = {
        [AVRO_OP_BOOLEAN] = "a boolean",  [AVRO_OP_INT] = "an int",
        [AVRO_OP_LONG] = "a long",        [AVRO_OP_FLOAT] = "a float",
        [AVRO_OP_DOUBLE] = "a double",    [AVRO_OP_REAL_OF_LONG] = "a long",
        [AVRO_OP_SIZED] = "bytes",        [AVRO_OP_FIXED] = "a fixed",
        [AVRO_OP_ENUM] = "a symbol",      [AVRO_OP_ENUM_SOME] = "a symbol that the reader has",
        [AVRO_OP_OPTIONAL] = "a branch",  [AVRO_OP_BRANCH] = "a branch",
        [AVRO_OP_BLOCKS] = "a block",     [AVRO_OP_SKIP_LONG] = "a long",
        [AVRO_OP_SKIP_SIZED] = "bytes",   [AVRO_OP_SKIP_FIXED] = "fixed bytes",
        [AVRO_OP_SKIP_ENUM] = "a symbol", [AVRO_OP_SKIP_TEXTS] = "a block",
    };

    if (op->code == AVRO_OP_REFUSE)
        return err_set(err, ERR_REJECT, "avro datum: %s: %s", program->place[op - program->op],
                       op->reason);
    return err_set(err, ERR_REJECT, "avro datum: %s: %s was expected at byte %zu",
                   program->place[op - program->op], expected[op->code], at);
}

int avro_program_run(const struct avro_program *program, struct span *in, struct avro_cell *cells,
                     struct err *err)
{
    const uint8_t *begin = in->data != NULL ? in->data : (const uint8_t *)"";
    const uint8_t *end = begin + in->size;
    const uint8_t *p = begin;
    const uint8_t *next;
    const struct avro_op *op = program->op;
    const struct avro_op *then;
    uint64_t left[AVRO_DEPTH_MAX]; /* items of the blocks that stand open */
    uint64_t empty = AVRO_EMPTY_ITEMS_MAX;
    int64_t n = 0;

    for (size_t i = 0; i < program->count; i++)
        cells[i].is_null = program->absent[i];
    for (;; op = then, p = next) {
        next = p;
        then = op + 1;
        switch (op->code) {
        case AVRO_OP_END:
            *in = (struct span){ p, (size_t)(end - p) };
            return 0;
        case AVRO_OP_SIZED:
            next = read_sized(p, end, &cells[op->cell].bytes);
            break;
        case AVRO_OP_LONG:
            next = read_long(p, end, &cells[op->cell].integer);
            break;
        case AVRO_OP_ENUM:
            next = read_symbol(p, end, op, &cells[op->cell]);
            break;
        case AVRO_OP_OPTIONAL:
            next = read_choice(p, end, op->size, &n);
            if (next != NULL && n == op->null_branch) {
                put_nulls(op, cells);
                then = program->op + op->target;
            }
            break;
        case AVRO_OP_MARK:
            cells[op->cell].bytes.data = p;
            break;
        case AVRO_OP_SPAN:
            cells[op->cell].bytes.size = (size_t)(p - cells[op->cell].bytes.data);
            break;
        case AVRO_OP_BLOCKS:
            next = read_blocks(p, end, op, &empty, &left[op->loop]);
            if (next != NULL && left[op->loop] == 0)
                then = program->op + op->target;
            break;
        case AVRO_OP_ITEM_END: /* to the next item, or to the next block's head */
            then = program->op + op->target + (--left[op->loop] > 0);
            break;
        case AVRO_OP_SKIP_TEXTS:
            next = read_texts(p, end, op, &empty);
            break;
        case AVRO_OP_BRANCH:
            next = read_choice(p, end, op->size, &n);
            if (next != NULL)
                then = program->op + op->table[n];
            break;
        case AVRO_OP_JUMP:
            then = program->op + op->target;
            break;
        default:
            next = read_other(p, end, op, cells);
        }
        if (next == NULL)
            return refuse(program, op, (size_t)(p - begin), err);
    }
}

void avro_items_init(struct avro_items *items, struct span blocks)
{
    *items = (struct avro_items){ .rest = blocks };
}

int avro_items_next(struct avro_items *items, struct err *err)
{
    const uint8_t *p = items->rest.data != NULL ? items->rest.data : (const uint8_t *)"";
    const uint8_t *end = p + items->rest.size;
    uint64_t empty = 0;
    int64_t bytes;

    if (items->left_in_block == 0) {
        if (items->block_is_sized && items->rest.size != items->behind_block)
            return err_set(err, ERR_REJECT, "avro: a block has not the size it gives");
        /* What an item takes is not known here: a byte each, or few of them. */
        empty = items->rest.size + AVRO_EMPTY_ITEMS_MAX;
        p = read_block(p, end, 0, &empty, &items->left_in_block, &bytes);
        if (p == NULL)
            return err_set(err, ERR_REJECT, "avro: no block of an array or map");
        items->rest = (struct span){ p, (size_t)(end - p) };
        items->block_is_sized = bytes >= 0;
        items->behind_block = items->rest.size - (bytes >= 0 ? (size_t)bytes : 0);
        if (items->left_in_block == 0)
            return 0;
    }
    items->left_in_block--;
    return AVRO_ITEM;
}

int avro_get_long(struct span *in, int64_t *out, struct err *err)
{
    const uint8_t *p = in->data != NULL ? in->data : (const uint8_t *)"";
    const uint8_t *end = p + in->size;

    p = read_long(p, end, out);
    if (p == NULL)
        return err_set(err, ERR_REJECT, "avro: no long");
    *in = (struct span){ p, (size_t)(end - p) };
    return 0;
}

int avro_get_bytes(struct span *in, struct span *out, struct err *err)
{
    const uint8_t *p = in->data != NULL ? in->data : (const uint8_t *)"";
    const uint8_t *end = p + in->size;

    p = read_sized(p, end, out);
    if (p == NULL)
        return err_set(err, ERR_REJECT, "avro: no bytes of a length before them");
    *in = (struct span){ p, (size_t)(end - p) };
    return 0;
}

bool avro_decimal(struct span bytes, int128 *out)
{
    size_t first = bytes.size > 16 ? bytes.size - 16 : 0;
    uint8_t sign = bytes.size > 0 && bytes.data[first] >= 0x80 ? 0xff : 0x00;
    size_t low_first = bytes.size - first > 8 ? bytes.size - 8 : first;
    uint64_t high = sign != 0 ? UINT64_MAX : 0;
    uint64_t low = high;

    for (size_t i = 0; i < first; i++) {
        if (bytes.data[i] != sign)
            return false;
    }
    for (size_t i = first; i < low_first; i++)
        high = high << 8 | bytes.data[i];
    if (low_first + 8 == bytes.size) {
        low = load_be64(bytes.data + low_first);
    } else {
        for (size_t i = low_first; i < bytes.size; i++)
            low = low << 8 | bytes.data[i];
    }
    *out = (int128)((uint128)high << 64 | low);
    return true;
}
