// SPDX-License-Identifier: Apache-2.0
/*
 * avro_program.c: a writer's schema and wishes to a flat program.
 *
 * In two steps: each wish is routed through the schema, field by field, which is where all errors
 * are; then the schema is walked once and ops are put out, reads where a route ends and skips
 * elsewhere.  A schema's size is bounded by avro_schema.c, and with it the program's.
 */
#include "codec/avro_program.h"

#include "core/buf.h"
#include "core/num.h"

struct route {
    const struct avro_field *step[AVRO_DEPTH_MAX]; /* as far as the first constant */
    size_t depth;
    const struct avro_schema *schema; /* at its end, union removed; NULL when absent */
    const struct avro_cell *constant; /* what it always is, or NULL */
};

struct compiler {
    struct arena *arena;
    const struct avro_wish *wishes;
    struct route *route; /* for each wish */
    size_t count;
    struct buf op;     /* of struct avro_op */
    struct buf place;  /* of const char * */
    const char *field; /* whose value is at hand */
    size_t label;      /* the last op that is jumped to: nothing is merged across it */
    uint8_t loops;     /* open ones */
};

/* The wishes whose routes pass the value at hand. */
struct active {
    const uint32_t *wish;
    size_t count;
    size_t depth;
};

static const struct avro_field *step_to(const struct avro_schema *record, const char *name,
                                        size_t size, const int32_t *id)
{
    const struct avro_field *named = NULL;

    for (size_t i = 0; i < record->count; i++) {
        const struct avro_field *field = &record->field[i];

        if (field->role == AVRO_ROLE_SKIP)
            continue;
        if (id != NULL && field->field_id == *id)
            return field;
        if (named == NULL && strlen(field->name) == size && memcmp(field->name, name, size) == 0)
            named = field;
    }
    if (named != NULL && id != NULL && *id != 0 && named->field_id != -1)
        return NULL; /* a field that has taken over another's name */
    return named;
}

/* -1: such a value does not meet the wish. */
static int op_of_type(enum avro_type wish, enum avro_type writer)
{
    switch (writer) {
    case AVRO_BOOLEAN:
        return wish == AVRO_BOOLEAN ? AVRO_OP_BOOLEAN : -1;
    case AVRO_INT:
        return wish == AVRO_LONG ? AVRO_OP_INT : wish == AVRO_DOUBLE ? AVRO_OP_REAL_OF_LONG : -1;
    case AVRO_LONG:
        return wish == AVRO_LONG ? AVRO_OP_LONG : wish == AVRO_DOUBLE ? AVRO_OP_REAL_OF_LONG : -1;
    case AVRO_FLOAT:
        return wish == AVRO_DOUBLE ? AVRO_OP_FLOAT : -1;
    case AVRO_DOUBLE:
        return wish == AVRO_DOUBLE ? AVRO_OP_DOUBLE : -1;
    case AVRO_BYTES:
    case AVRO_STRING:
        return wish == AVRO_BYTES || wish == AVRO_STRING ? AVRO_OP_SIZED : -1;
    case AVRO_FIXED:
        return wish == AVRO_BYTES || wish == AVRO_STRING ? AVRO_OP_FIXED : -1;
    case AVRO_ENUM:
        return wish == AVRO_ENUM ? AVRO_OP_ENUM : -1;
    case AVRO_RECORD:
    case AVRO_ARRAY:
    case AVRO_MAP:
        return wish == writer ? AVRO_OP_MARK : -1;
    default:
        return -1;
    }
}

/* The wish is the reader's: what the value is to it decides, and the writer's type how it is read.
 */
static int op_of(enum avro_type wish, const struct avro_schema *schema)
{
    if (schema->as != schema->type && op_of_type(wish, schema->as) < 0)
        return -1;
    if (schema->type == AVRO_ENUM && schema->as == AVRO_STRING)
        return AVRO_OP_ENUM;
    return op_of_type(wish, schema->type);
}

static bool is_same_unit(const struct avro_schema *a, const struct avro_schema *b)
{
    if (a->logical == NULL || b->logical == NULL)
        return a->logical == b->logical;
    return strcmp(a->logical, b->logical) == 0 && a->scale == b->scale;
}

/* What a wish reads where its path ends: of a union the first branch that is neither null nor
 * refused, if the others can stand for it.  NULL when it is not met. */
static const struct avro_schema *read_at(enum avro_type wish, const struct avro_schema *schema)
{
    const struct avro_schema *const *branch = schema->branch;
    const struct avro_schema *first = NULL;
    size_t count = schema->count;

    if (schema->type != AVRO_UNION) {
        branch = &schema;
        count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        int op = op_of(wish, branch[i]);

        if (branch[i]->refused != NULL || (count > 1 && branch[i]->type == AVRO_NULL))
            continue;
        if (op < 0 || (first != NULL && (op == AVRO_OP_MARK || !is_same_unit(first, branch[i]))))
            return NULL;
        first = first == NULL ? branch[i] : first;
    }
    return first;
}

static bool is_always_null(const struct avro_schema *schema)
{
    for (size_t i = 0; schema->type == AVRO_UNION && i < schema->count; i++)
        if (schema->branch[i]->type != AVRO_NULL && schema->branch[i]->refused == NULL)
            return false;
    return schema->type == AVRO_UNION || schema->type == AVRO_NULL;
}

static int mismatch(const struct avro_wish *wish, const struct avro_schema *schema,
                    const char *wished, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "avro wish %s: the writer has a%s %s, not a %s", wish->path,
                   schema->type == AVRO_UNION ? " mixed" : "", avro_schema_type_name(schema->type),
                   wished);
}

/* The rest of a path, within a constant: it is read here, once. */
static int read_constant(struct arena *arena, const struct avro_field *field,
                         const struct avro_wish *rest, struct route *route, struct err *err)
{
    struct avro_cell *cell = arena_zero(arena, 1, sizeof(*cell));
    const struct avro_program *program;
    struct span constant = field->constant;

    if (avro_program_compile(arena, field->schema, rest, 1, &program, err) < 0 ||
        avro_program_run(program, &constant, cell, err) < 0)
        return -1;
    route->constant = cell;
    route->schema = program->schema[0];
    return 0;
}

/* Leaves route->schema NULL where the writer lacks the value. */
static int find_route(struct arena *arena, const struct avro_schema *writer,
                      const struct avro_wish *wish, struct route *route, struct err *err)
{
    const struct avro_schema *present = avro_schema_present(writer);
    const struct avro_schema *schema = writer;
    const int32_t *id = wish->ids;
    const char *name = wish->path;

    while (*name != 0) {
        size_t size = strcspn(name, "/");
        const struct avro_field *field;

        if (!wish->required && is_always_null(schema))
            return 0;
        if (present == NULL || present->type != AVRO_RECORD)
            return mismatch(wish, schema, "record", err);
        field = step_to(present, name, size, id);
        if (field == NULL && wish->required)
            return err_set(err, ERR_CORRUPT, "avro wish %s: the writer has no such field",
                           wish->path);
        if (field == NULL)
            return 0;
        ASSERT(route->depth < AVRO_DEPTH_MAX); /* the schema is no deeper */
        route->step[route->depth++] = field;
        schema = field->schema;
        present = avro_schema_present(schema);
        if (id != NULL && *id++ == 0)
            id = NULL;
        name += size + (name[size] == '/');
        if (field->role == AVRO_ROLE_CONSTANT)
            return read_constant(arena, field,
                                 &(struct avro_wish){ name, id, wish->type, wish->required }, route,
                                 err);
    }
    if (!wish->required && wish->type != AVRO_NULL && is_always_null(schema))
        return 0;
    route->schema = read_at(wish->type, schema);
    if (route->schema == NULL)
        return mismatch(wish, schema, avro_schema_type_name(wish->type), err);
    return 0;
}

static int find_routes(struct compiler *c, const struct avro_schema *writer, struct err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        struct route *route = &c->route[i];

        if (find_route(c->arena, writer, &c->wishes[i], route, err) < 0)
            return -1;
        for (size_t k = 0; route->schema != NULL && route->constant == NULL && k < i; k++) {
            if (c->route[k].schema == route->schema && c->route[k].depth == route->depth &&
                memcmp(c->route[k].step, route->step, sizeof(route->step)) == 0)
                return err_set(err, ERR_FATAL, "avro wish %s: wished for twice", c->wishes[i].path);
        }
    }
    return 0;
}

/* The fewest bytes a datum can take. */
static uint64_t bytes_min(const struct avro_schema *schema)
{
    uint64_t sum = 0;
    uint64_t least = UINT64_MAX;

    switch (schema->type) {
    case AVRO_NULL:
        return 0;
    case AVRO_FLOAT:
        return 4;
    case AVRO_DOUBLE:
        return 8;
    case AVRO_FIXED:
        return schema->fixed_size;
    case AVRO_RECORD:
        for (size_t i = 0; i < schema->count; i++)
            if (schema->field[i].role != AVRO_ROLE_CONSTANT)
                sum += bytes_min(schema->field[i].schema);
        return sum;
    case AVRO_UNION:
        for (size_t i = 0; i < schema->count; i++) {
            uint64_t bytes = bytes_min(schema->branch[i]);

            least = bytes < least ? bytes : least;
        }
        return 1 + least;
    default:
        return 1;
    }
}

static struct avro_op *op_at(struct compiler *c, size_t index)
{
    return (struct avro_op *)(void *)c->op.data + index;
}

static size_t op_count(const struct compiler *c)
{
    return c->op.size / sizeof(struct avro_op);
}

static size_t put_op(struct compiler *c, struct avro_op op)
{
    buf_put(&c->op, &op, sizeof(op));
    buf_put(&c->place, &c->field, sizeof(c->field));
    return op_count(c) - 1;
}

/* The next op's index, which will be jumped to. */
static uint32_t put_label(struct compiler *c)
{
    c->label = op_count(c);
    return (uint32_t)c->label;
}

static void put_value(struct compiler *c, const struct avro_schema *schema, struct active active);

static void put_skip(struct compiler *c, const struct avro_schema *schema)
{
    put_value(c, schema, (struct active){ NULL, 0, 0 });
}

static void put_skip_fixed(struct compiler *c, uint64_t size)
{
    size_t count = op_count(c);

    if (size == 0)
        return;
    if (count > c->label && op_at(c, count - 1)->code == AVRO_OP_SKIP_FIXED)
        op_at(c, count - 1)->size += size;
    else
        put_op(c, (struct avro_op){ .code = AVRO_OP_SKIP_FIXED, .size = size });
}

static void put_constants(struct compiler *c, struct active active)
{
    for (size_t i = 0; i < active.count; i++)
        put_op(c, (struct avro_op){ .code = AVRO_OP_CONSTANT,
                                    .cell = active.wish[i],
                                    .constant = c->route[active.wish[i]].constant });
}

static void put_record(struct compiler *c, const struct avro_schema *record, struct active active)
{
    const char *outer = c->field;
    uint32_t *wish = arena_alloc(c->arena, (active.count + 1) * sizeof(*wish));

    for (size_t i = 0; i < record->count; i++) {
        struct active inner = { wish, 0, active.depth + 1 };

        for (size_t k = 0; k < active.count; k++) {
            const struct route *route = &c->route[active.wish[k]];

            if (route->depth > active.depth && route->step[active.depth] == &record->field[i])
                wish[inner.count++] = active.wish[k];
        }
        c->field = record->field[i].name;
        if (record->field[i].role == AVRO_ROLE_CONSTANT)
            put_constants(c, inner);
        else
            put_value(c, record->field[i].schema, inner);
    }
    c->field = outer;
}

/* Arrays and maps. */
static void put_blocks(struct compiler *c, const struct avro_schema *schema)
{
    size_t blocks;
    uint32_t first;

    ASSERT(c->loops < AVRO_DEPTH_MAX);
    if (schema->branch[0]->type == AVRO_STRING || schema->branch[0]->type == AVRO_BYTES) {
        put_op(c, (struct avro_op){ .code = AVRO_OP_SKIP_TEXTS,
                                    .size = schema->type == AVRO_MAP ? 2 : 1 });
        return;
    }
    blocks = put_op(
        c, (struct avro_op){ .code = AVRO_OP_BLOCKS,
                             .loop = c->loops,
                             .size = bytes_min(schema->branch[0]) + (schema->type == AVRO_MAP) });
    first = put_label(c);
    if (op_at(c, blocks)->size > 0) {
        c->loops++;
        if (schema->type == AVRO_MAP)
            put_op(c, (struct avro_op){ .code = AVRO_OP_SKIP_SIZED });
        put_skip(c, schema->branch[0]);
        c->loops--;
        put_op(c,
               (struct avro_op){ .code = AVRO_OP_ITEM_END, .loop = c->loops, .target = first - 1 });
    }
    op_at(c, blocks)->target = put_label(c);
}

/* How many cells, then which. */
static const uint32_t *cells_of(struct compiler *c, struct active active)
{
    uint32_t *cells = arena_alloc(c->arena, (active.count + 1) * sizeof(*cells));

    cells[0] = (uint32_t)active.count;
    for (size_t i = 0; i < active.count; i++)
        cells[1 + i] = active.wish[i];
    return cells;
}

/* A union of one type, perhaps with null, and nothing refused. */
static bool is_optional(const struct avro_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->branch[i]->refused != NULL)
            return false;
    return avro_schema_present(schema) != NULL;
}

static void put_optional(struct compiler *c, const struct avro_schema *schema, struct active active)
{
    uint8_t null_branch = 2;
    size_t at;

    for (size_t i = 0; i < schema->count; i++) {
        if (schema->branch[i]->type == AVRO_NULL)
            null_branch = (uint8_t)i;
    }
    at = put_op(c, (struct avro_op){ .code = AVRO_OP_OPTIONAL,
                                     .size = schema->count,
                                     .null_branch = null_branch,
                                     .cells = cells_of(c, active) });
    put_value(c, avro_schema_present(schema), active);
    op_at(c, at)->target = put_label(c);
}

static void put_branch(struct compiler *c, const struct avro_schema *branch, struct active active)
{
    if (branch->refused != NULL)
        put_op(c, (struct avro_op){ .code = AVRO_OP_REFUSE, .reason = branch->refused });
    else
        put_value(c, branch, active);
}

static void put_branches(struct compiler *c, const struct avro_schema *schema, struct active active)
{
    uint32_t *table = arena_alloc(c->arena, schema->count * sizeof(*table));
    uint32_t *jump = arena_alloc(c->arena, schema->count * sizeof(*jump));

    put_op(c, (struct avro_op){ .code = AVRO_OP_BRANCH, .size = schema->count, .table = table });
    for (size_t i = 0; i < schema->count; i++) {
        table[i] = put_label(c);
        put_branch(c, schema->branch[i], active);
        jump[i] = (uint32_t)put_op(c, (struct avro_op){ .code = AVRO_OP_JUMP });
    }
    for (size_t i = 0; i < schema->count; i++)
        op_at(c, jump[i])->target = put_label(c);
}

/* A symbol that is refused has no text. */
static void learn_symbols(struct compiler *c, const struct avro_schema *schema, struct avro_op *op)
{
    struct span *symbol = arena_alloc(c->arena, (schema->count + 1) * sizeof(*symbol));

    for (size_t i = 0; i < schema->count; i++) {
        symbol[i] = (struct span){ NULL, 0 };
        if (schema->symbol[i] != NULL)
            symbol[i] = span_text(schema->symbol[i]);
        else
            op->code = AVRO_OP_ENUM_SOME;
    }
    op->symbol = symbol;
    op->size = schema->count;
}

static void put_read(struct compiler *c, const struct avro_schema *schema, uint32_t wish)
{
    struct avro_op op = { .code = (uint8_t)op_of(c->wishes[wish].type, schema),
                          .cell = wish,
                          .size = schema->fixed_size };

    if (schema->type == AVRO_ENUM)
        learn_symbols(c, schema, &op);
    if (op.code == AVRO_OP_REAL_OF_LONG && schema->as == AVRO_FLOAT)
        op.size = sizeof(float);
    put_op(c, op);
}

static void put_plain(struct compiler *c, const struct avro_schema *schema, struct active active)
{
    switch (schema->type) {
    case AVRO_NULL: /* a branch: alone it is no route's */
        if (active.count > 0)
            put_op(c, (struct avro_op){ .code = AVRO_OP_NULLS, .cells = cells_of(c, active) });
        break;
    case AVRO_BOOLEAN:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
    case AVRO_FIXED:
        put_skip_fixed(c, bytes_min(schema));
        break;
    case AVRO_INT:
    case AVRO_LONG:
        put_op(c, (struct avro_op){ .code = AVRO_OP_SKIP_LONG });
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        put_op(c, (struct avro_op){ .code = AVRO_OP_SKIP_SIZED });
        break;
    case AVRO_ENUM:
        put_op(c, (struct avro_op){ .code = AVRO_OP_SKIP_ENUM, .size = schema->count });
        break;
    case AVRO_RECORD:
        put_record(c, schema, active);
        break;
    case AVRO_ARRAY:
    case AVRO_MAP:
        put_blocks(c, schema);
        break;
    case AVRO_UNION: /* put_value's */
        break;
    }
}

static void put_value(struct compiler *c, const struct avro_schema *schema, struct active active)
{
    uint32_t here = UINT32_MAX; /* the wish that ends here */

    if (schema->type == AVRO_UNION && is_optional(schema)) {
        put_optional(c, schema, active);
        return;
    }
    if (schema->type == AVRO_UNION) {
        put_branches(c, schema, active);
        return;
    }
    for (size_t i = 0; i < active.count; i++) {
        if (c->route[active.wish[i]].depth == active.depth)
            here = active.wish[i];
    }
    if (here == UINT32_MAX || schema->type == AVRO_NULL) {
        put_plain(c, schema, active);
        return;
    }
    put_read(c, schema, here);
    if (op_of(c->wishes[here].type, schema) == AVRO_OP_MARK) {
        put_plain(c, schema, active);
        put_op(c, (struct avro_op){ .code = AVRO_OP_SPAN, .cell = here });
    }
}

static const struct avro_program *finish(struct compiler *c, const struct avro_schema *writer)
{
    struct avro_program *program = arena_alloc(c->arena, sizeof(*program));
    const struct avro_schema **schema = arena_zero(c->arena, c->count, sizeof(void *));
    bool *absent = arena_zero(c->arena, c->count, sizeof(*absent));

    put_op(c, (struct avro_op){ .code = AVRO_OP_END });
    for (size_t i = 0; i < c->count; i++) {
        schema[i] = c->route[i].schema;
        absent[i] = schema[i] == NULL;
    }
    *program = (struct avro_program){
        .op = (const void *)arena_copy(c->arena, buf_span(&c->op)).data,
        .place = (const void *)arena_copy(c->arena, buf_span(&c->place)).data,
        .absent = absent,
        .schema = schema,
        .count = c->count,
        .writer = writer,
    };
    return program;
}

int avro_program_compile(struct arena *arena, const struct avro_schema *writer,
                         const struct avro_wish *wishes, size_t count,
                         const struct avro_program **out, struct err *err)
{
    struct compiler c = { .arena = arena, .wishes = wishes, .count = count };
    struct active active = { NULL, 0, 0 };
    uint32_t *wish = arena_alloc(arena, (count + 1) * sizeof(*wish));

    c.route = arena_zero(arena, count, sizeof(*c.route));
    if (find_routes(&c, writer, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (c.route[i].schema != NULL)
            wish[active.count++] = (uint32_t)i;
    }
    active.wish = wish;
    c.field = writer->name != NULL ? writer->name : avro_schema_type_name(writer->type);
    put_value(&c, writer, active);
    *out = finish(&c, writer);
    buf_deinit(&c.op);
    buf_deinit(&c.place);
    return 0;
}

const struct avro_schema *avro_program_schema(const struct avro_program *program, size_t wish)
{
    return program->schema[wish];
}
