// SPDX-License-Identifier: Apache-2.0
/* Hostile bytes, and the trade. */
#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "lib/trade_avro.h"
#include "lib/test.h"

struct trade {
    struct arena arena;
    const struct avro_schema *schema;
    const struct avro_program *program;
    struct buf datum;
};

static void set_up(struct trade *t)
{
    struct err err;

    *t = (struct trade){ .arena = ARENA_INIT };
    t->schema = trade_avro_schema(&t->arena);
    trade_avro_put(&t->datum, t->schema, trade_avro_json);
    assert_ok(avro_program_compile(&t->arena, t->schema, trade_avro_wishes, TRADE_AVRO_FIELDS,
                                   &t->program, &err));
}

static void tear_down(struct trade *t)
{
    buf_deinit(&t->datum);
    arena_deinit(&t->arena);
}

static void assert_text(struct span got, const char *expected)
{
    if (!span_equal(got, span_text(expected)))
        fail_msg("%.*s is not %s", SPAN_ARGS(got), expected);
}

static void a_trade_comes_out_field_by_field(void **state)
{
    const int128 billion = 1000000000;
    struct avro_cell cell[TRADE_AVRO_FIELDS];
    struct avro_items items;
    struct span in, text;
    struct trade t;
    struct err err;
    int128 decimal = 0;

    (void)state;
    set_up(&t);
    in = buf_span(&t.datum);
    assert_ok(avro_program_run(t.program, &in, cell, &err));
    assert_int_equal(in.size, 0);
    assert_text(cell[0].bytes, "1f0a3c55-9b27-8d4e-a1b2-00000000dead");
    assert_text(cell[1].bytes, "BINANCE-3735683259");
    assert_text(cell[4].bytes, "crypto");
    assert_int_equal(cell[4].integer, 1);
    assert_int_equal(cell[5].integer, 1722902400123456);
    assert_true(avro_decimal(cell[6].bytes, &decimal));
    assert_true(decimal == 6050012 * (billion * billion / 100));
    assert_true(avro_decimal(cell[7].bytes, &decimal));
    assert_true(decimal == 25 * (billion * billion / 10000));
    assert_text(cell[9].bytes, "SELL");
    assert_int_equal(cell[11].integer, 3735683259);
    assert_int_equal(cell[12].integer, 1722902400125001);
    assert_true(cell[13].is_null);
    for (size_t i = 0; i < TRADE_AVRO_FIELDS; i++)
        assert_int_equal(cell[i].is_null, i == 13);

    avro_items_init(&items, cell[10].bytes);
    assert_int_equal(avro_items_next(&items, &err), AVRO_ITEM);
    assert_ok(avro_get_bytes(&items.rest, &text, &err));
    assert_text(text, "market");
    assert_int_equal(avro_items_next(&items, &err), AVRO_ITEM);
    assert_ok(avro_get_bytes(&items.rest, &text, &err));
    assert_int_equal(avro_items_next(&items, &err), 0);

    avro_items_init(&items, cell[14].bytes);
    assert_int_equal(avro_items_next(&items, &err), AVRO_ITEM);
    assert_ok(avro_get_bytes(&items.rest, &text, &err));
    assert_text(text, "is_buyer_maker");
    assert_ok(avro_get_bytes(&items.rest, &text, &err));
    assert_text(text, "true");
    tear_down(&t);
}

static void every_truncation_of_a_trade_is_rejected(void **state)
{
    struct avro_cell cell[TRADE_AVRO_FIELDS];
    struct buf json = BUF_INIT;
    struct trade t;
    struct err err;

    (void)state;
    set_up(&t);
    for (size_t size = 0; size < t.datum.size; size++) {
        uint8_t *exact = bytes_exact(span_of(t.datum.data, size));
        struct span in = span_of(exact, size);

        assert_err(avro_program_run(t.program, &in, cell, &err), ERR_REJECT);
        in = span_of(exact, size);
        assert_err(avro_json_decode(t.schema, &in, &json, &err), ERR_REJECT);
        free(exact);
    }
    buf_deinit(&json);
    tear_down(&t);
}

/* The sum is there so that every byte of every span is looked at. */
static uint64_t sum_of(struct span bytes)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < bytes.size; i++)
        sum += bytes.data[i];
    return sum;
}

static uint64_t walk_texts(struct span blocks, bool is_map)
{
    struct avro_items items;
    struct span text;
    struct err err;
    uint64_t sum = 0;

    avro_items_init(&items, blocks);
    while (avro_items_next(&items, &err) == AVRO_ITEM) {
        for (int i = 0; i <= is_map; i++) {
            if (avro_get_bytes(&items.rest, &text, &err) < 0)
                return sum;
            sum += sum_of(text);
        }
    }
    return sum;
}

static void flipped_bytes_of_a_trade_are_read_or_rejected(void **state)
{
    struct avro_cell cell[TRADE_AVRO_FIELDS];
    struct buf json = BUF_INIT;
    uint64_t random = 20240806;
    uint64_t sum = 0;
    size_t read = 0;
    struct trade t;
    struct err err;

    (void)state;
    set_up(&t);
    for (int i = 0; i < 10000; i++) {
        uint8_t *exact = bytes_exact(buf_span(&t.datum));
        struct span in = span_of(exact, t.datum.size);
        int rc, json_rc;

        for (uint64_t flips = 1 + bytes_random(&random) % 3; flips > 0; flips--)
            exact[bytes_random(&random) % in.size] = (uint8_t)bytes_random(&random);
        rc = avro_program_run(t.program, &in, cell, &err);
        assert_true(rc == 0 || (rc == -1 && err.kind == ERR_REJECT));
        for (size_t k = 0; rc == 0 && k < TRADE_AVRO_FIELDS; k++) {
            if (trade_avro_wishes[k].type != AVRO_LONG && !cell[k].is_null)
                sum += sum_of(cell[k].bytes);
        }
        if (rc == 0) {
            sum += walk_texts(cell[10].bytes, false);
            sum += cell[14].is_null ? 0 : walk_texts(cell[14].bytes, true);
            read++;
        }
        buf_clear(&json);
        in = span_of(exact, t.datum.size);
        json_rc = avro_json_decode(t.schema, &in, &json, &err);
        assert_true(json_rc == 0 || (json_rc == -1 && err.kind == ERR_REJECT));
        /* Only a block that says its size in bytes lets the program see less than the walk. */
        assert_true(rc == json_rc || (rc == 0 && json_rc == -1));
        free(exact);
    }
    assert_true(sum > 0);
    assert_in_range(read, 1000, 9999); /* neither all nor nothing */
    buf_deinit(&json);
    tear_down(&t);
}

static const char *const shapes[] = {
    "{\"type\":\"array\",\"items\":\"long\"}",
    "{\"type\":\"array\",\"items\":\"string\"}",
    "{\"type\":\"map\",\"values\":\"string\"}",
    "{\"type\":\"array\",\"items\":\"null\"}",
    "{\"type\":\"map\",\"values\":\"null\"}",
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Empty\",\"fields\":[]}}",
    "{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":8}}",
    "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":\"null\"}}",
};

/* Of each schema a program that skips the datum, and one that takes it. */
static void assert_rejected(const char *schema_json, const char *hex)
{
    struct avro_wish wish = { .path = "" };
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    const struct avro_program *program = NULL;
    struct buf datum = BUF_INIT;
    struct buf json = BUF_INIT;
    struct avro_cell cell;
    struct span in;
    struct err err;
    uint8_t *exact;

    assert_ok(avro_schema_parse(&arena, span_text(schema_json), &schema, &err));
    bytes_put_hex(&datum, hex);
    exact = bytes_exact(buf_span(&datum));
    wish.type = schema->type;
    for (size_t count = 0; count < 2; count++) {
        assert_ok(avro_program_compile(&arena, schema, &wish, count, &program, &err));
        in = span_of(exact, datum.size);
        assert_err(avro_program_run(program, &in, &cell, &err), ERR_REJECT);
    }
    in = span_of(exact, datum.size);
    assert_err(avro_json_decode(schema, &in, &json, &err), ERR_REJECT);
    free(exact);
    buf_deinit(&json);
    buf_deinit(&datum);
    arena_deinit(&arena);
}

static void hostile_blocks_are_rejected_at_once(void **state)
{
    static const char *const blocks[] = {
        "",                                       /* not even an end */
        "02",                                     /* one item, and nothing */
        "fe ff ff ff ff ff ff ff ff 01 00",       /* INT64_MAX items */
        "ff ff ff ff ff ff ff ff ff 01 00 00",    /* INT64_MIN */
        "fd ff ff ff ff ff ff ff ff 01 00 00",    /* -INT64_MAX of no bytes */
        "01 01 00",                               /* a block of -1 bytes */
        "01 fe ff ff ff ff ff ff ff ff 01 00",    /* of INT64_MAX bytes */
        "01 06 00",                               /* of 3, and one is there */
        "80 80 80 80 80 80 80 80 80 80 80 00",    /* no number */
        "80 80 80 80 20 00 00 00 00 00 00 00 00", /* a gigaitem */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        for (size_t k = 0; k < ARRAY_LEN(blocks); k++) {
            if (k != 1 || strstr(shapes[i], "null") == NULL)
                assert_rejected(shapes[i], blocks[k]);
        }
    }
}

/* 4,096 nulls are a datum; as many blocks of them as one likes are not. */
static void items_of_no_size_are_few(void **state)
{
    static const char one_block[] = "80 40 00";             /* 4096, end */
    static const char sized[] = "ff 3f 00 00";              /* the same with a size of 0 */
    static const char two_blocks[] = "80 40 02 00";         /* 4097 */
    static const char nested[] = "04 80 40 00 80 40 00 00"; /* 2 arrays of 4096 */
    struct avro_wish wish = { .path = "", .type = AVRO_ARRAY };
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    const struct avro_program *program = NULL;
    struct buf datum = BUF_INIT;
    struct avro_items items;
    struct avro_cell cell;
    struct span in;
    struct err err;
    int count = 0;

    (void)state;
    assert_rejected(shapes[3], two_blocks);
    assert_rejected(shapes[5], two_blocks);
    assert_rejected(shapes[7], nested);
    assert_ok(avro_schema_parse(&arena, span_text(shapes[3]), &schema, &err));
    assert_ok(avro_program_compile(&arena, schema, &wish, 1, &program, &err));
    for (int i = 0; i < 2; i++) {
        buf_clear(&datum);
        bytes_put_hex(&datum, i == 0 ? one_block : sized);
        in = buf_span(&datum);
        assert_ok(avro_program_run(program, &in, &cell, &err));
        assert_int_equal(in.size, 0);
    }
    avro_items_init(&items, cell.bytes);
    while (avro_items_next(&items, &err) == AVRO_ITEM)
        count++;
    assert_int_equal(count, AVRO_EMPTY_ITEMS_MAX);
    buf_deinit(&datum);
    arena_deinit(&arena);
}

static void what_no_writer_writes_is_rejected(void **state)
{
    static const struct {
        const char *schema, *hex;
    } cases[] = {
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "04" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "01" },
        { "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}",
          "fe ff ff ff ff ff ff ff ff 01" },
        { "\"int\"", "80 80 80 80 10" }, /* 2^31 */
        { "\"int\"", "81 80 80 80 10" },
        { "\"string\"", "01" }, /* a length of -1 */
        { "\"string\"", "04 61" },
        { "\"bytes\"", "ff ff ff ff ff ff ff ff ff 01" },
        { "\"bytes\"", "fe ff ff ff ff ff ff ff ff 01" },
        { "\"boolean\"", "02" },
        { "\"boolean\"", "" },
        { "\"float\"", "00 00 00" },
        { "\"double\"", "00 00 00 00 00 00 00" },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "00 00 00" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = ARENA_INIT;
        const struct avro_schema *schema = NULL;
        const struct avro_program *program = NULL;
        struct avro_wish wish = { .path = "" };
        struct buf datum = BUF_INIT;
        struct buf json = BUF_INIT;
        struct avro_cell cell;
        struct span in;
        struct err err;

        assert_ok(avro_schema_parse(&arena, span_text(cases[i].schema), &schema, &err));
        wish.type = schema->type == AVRO_INT     ? AVRO_LONG
                    : schema->type == AVRO_FLOAT ? AVRO_DOUBLE
                    : schema->type == AVRO_FIXED ? AVRO_BYTES
                                                 : schema->type;
        assert_ok(avro_program_compile(&arena, schema, &wish, 1, &program, &err));
        bytes_put_hex(&datum, cases[i].hex);
        in = buf_span(&datum);
        assert_err(avro_program_run(program, &in, &cell, &err), ERR_REJECT);
        in = buf_span(&datum);
        assert_err(avro_json_decode(schema, &in, &json, &err), ERR_REJECT);
        buf_deinit(&json);
        buf_deinit(&datum);
        arena_deinit(&arena);
    }
}

static void branches_out_of_range_are_rejected(void **state)
{
    static const char *const unions[] = { "[\"null\",\"string\"]", "[\"string\"]", "[\"null\"]",
                                          "[\"null\",\"string\",\"long\"]" };
    static const char *const branches[] = {
        "06", "01", "05", "fe ff ff ff ff ff ff ff ff 01", "ff ff ff ff ff ff ff ff ff 01", ""
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(unions); i++) {
        for (size_t k = 0; k < ARRAY_LEN(branches); k++) {
            struct arena arena = ARENA_INIT;
            const struct avro_schema *schema = NULL;
            const struct avro_program *program = NULL;
            struct buf datum = BUF_INIT;
            struct span in;
            struct err err;

            assert_ok(avro_schema_parse(&arena, span_text(unions[i]), &schema, &err));
            assert_ok(avro_program_compile(&arena, schema, NULL, 0, &program, &err));
            bytes_put_hex(&datum, branches[k]);
            in = buf_span(&datum);
            assert_err(avro_program_run(program, &in, NULL, &err), ERR_REJECT);
            buf_deinit(&datum);
            arena_deinit(&arena);
        }
    }
}

/* Java's BlockingBinaryEncoder writes a negative count and the block's size. */
static void blocks_with_a_size_are_understood(void **state)
{
    struct avro_wish wish = { .path = "", .type = AVRO_ARRAY };
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    const struct avro_program *program = NULL;
    struct buf datum = BUF_INIT;
    struct buf json = BUF_INIT;
    struct avro_items items;
    struct avro_cell cell;
    struct span in;
    struct err err;
    int64_t sum = 0;
    int64_t n = 0;

    (void)state;
    assert_ok(avro_schema_parse(&arena, span_text(shapes[0]), &schema, &err));
    bytes_put_hex(&datum, "03 06 02 80 02 02 04 01 02 08 00"); /* -2 in 3 bytes; 1; -1 in 1 byte */
    buf_put_byte(&datum, 0xee);
    for (size_t count = 0; count < 2; count++) {
        in = buf_span(&datum);
        assert_ok(avro_program_compile(&arena, schema, &wish, count, &program, &err));
        assert_ok(avro_program_run(program, &in, &cell, &err));
        assert_int_equal(in.size, 1);
    }
    assert_int_equal(cell.bytes.size, datum.size - 1);
    avro_items_init(&items, cell.bytes);
    while (avro_items_next(&items, &err) == AVRO_ITEM) {
        assert_ok(avro_get_long(&items.rest, &n, &err));
        sum = sum * 1000 + n;
    }
    assert_int_equal(sum, 1128002004);
    in = buf_span(&datum);
    assert_ok(avro_json_decode(schema, &in, &json, &err));
    assert_string_equal(buf_text(&json), "[1,128,2,4]");
    buf_deinit(&json);
    buf_deinit(&datum);
    arena_deinit(&arena);
}

/* Skipped by that size, it would end elsewhere. */
static void a_block_that_gives_a_wrong_size_is_not_walked(void **state)
{
    static const char *const data[] = { "01 04 02 00", "01 00 02 00", "03 02 02 04 00" };
    struct arena arena = ARENA_INIT;
    const struct avro_schema *schema = NULL;
    struct err err;

    (void)state;
    assert_ok(avro_schema_parse(&arena, span_text(shapes[0]), &schema, &err));
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        struct buf datum = BUF_INIT;
        struct buf json = BUF_INIT;
        struct span in;

        bytes_put_hex(&datum, data[i]);
        in = buf_span(&datum);
        assert_err(avro_json_decode(schema, &in, &json, &err), ERR_REJECT);
        assert_non_null(strstr(err.text, "a block has not the size it gives"));
        buf_deinit(&json);
        buf_deinit(&datum);
    }
    arena_deinit(&arena);
}

static void an_error_names_field_and_byte(void **state)
{
    struct avro_cell cell[TRADE_AVRO_FIELDS];
    struct trade t;
    struct span in;
    struct err err;

    (void)state;
    set_up(&t);
    in = span_of(t.datum.data, 60);
    assert_err(avro_program_run(t.program, &in, cell, &err), ERR_REJECT);
    assert_string_equal(err.text, "avro datum: symbol: bytes was expected at byte 56");
    tear_down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trade_comes_out_field_by_field),
        cmocka_unit_test(every_truncation_of_a_trade_is_rejected),
        cmocka_unit_test(flipped_bytes_of_a_trade_are_read_or_rejected),
        cmocka_unit_test(hostile_blocks_are_rejected_at_once),
        cmocka_unit_test(items_of_no_size_are_few),
        cmocka_unit_test(what_no_writer_writes_is_rejected),
        cmocka_unit_test(branches_out_of_range_are_rejected),
        cmocka_unit_test(blocks_with_a_size_are_understood),
        cmocka_unit_test(a_block_that_gives_a_wrong_size_is_not_walked),
        cmocka_unit_test(an_error_names_field_and_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
