// SPDX-License-Identifier: Apache-2.0
/* avro_program.h: the ops between avro_program.c, which compiles them, and avro_decode.c, which
 * runs them.  For nobody else. */
#ifndef K2_CODEC_AVRO_PROGRAM_H
#define K2_CODEC_AVRO_PROGRAM_H

#include "codec/avro_decode.h"

enum avro_op_code {
    AVRO_OP_END,
    AVRO_OP_BOOLEAN, /* these put a cell */
    AVRO_OP_INT,
    AVRO_OP_LONG,
    AVRO_OP_FLOAT,
    AVRO_OP_DOUBLE,
    AVRO_OP_REAL_OF_LONG,
    AVRO_OP_SIZED,
    AVRO_OP_FIXED,
    AVRO_OP_ENUM,
    AVRO_OP_ENUM_SOME, /* with symbols that are refused: they have no text */
    AVRO_OP_CONSTANT,
    AVRO_OP_NULLS, /* puts null into `cells` */
    AVRO_OP_MARK,  /* a cell's span begins here */
    AVRO_OP_SPAN,  /* and ends here */
    AVRO_OP_SKIP_LONG,
    AVRO_OP_SKIP_SIZED,
    AVRO_OP_SKIP_FIXED,
    AVRO_OP_SKIP_ENUM,
    AVRO_OP_SKIP_TEXTS, /* an array of texts, a map of texts: size 1, 2 is texts and bytes an item
                         */
    AVRO_OP_OPTIONAL,   /* the null branch clears `cells` and jumps to target, the other goes on */
    AVRO_OP_BRANCH,     /* jumps to table[branch] */
    AVRO_OP_REFUSE,     /* a branch that cannot be read */
    AVRO_OP_JUMP,
    AVRO_OP_BLOCKS,   /* a block's head; at the array's end jumps to target */
    AVRO_OP_ITEM_END, /* back to the item's first op, or to BLOCKS, which stands before it */
};

struct avro_op {
    uint8_t code;
    uint8_t loop;        /* BLOCKS, ITEM_END: which counter */
    uint8_t null_branch; /* OPTIONAL: its number; 2 when there is none */
    uint32_t cell;
    uint32_t target; /* index of an op */
    uint64_t size; /* bytes of a fixed; count of symbols or branches; BLOCKS: the least bytes of an
                      item; REAL_OF_LONG: 4 rounds to a float */
    union {
        const struct span *symbol; /* ENUM */
        uint32_t *table;           /* BRANCH */
        const uint32_t *cells;     /* OPTIONAL, NULLS: how many, then which */
        const struct avro_cell *constant;
        const char *reason; /* REFUSE */
    };
};

struct avro_program {
    const struct avro_op *op;
    const char *const *place; /* for each op the name of the field it reads, for errors */
    const bool *absent;       /* for each wish */
    const struct avro_schema *const *schema; /* for each wish, NULL when absent */
    size_t count;                            /* of wishes */
    const struct avro_schema *writer;
};

#endif
