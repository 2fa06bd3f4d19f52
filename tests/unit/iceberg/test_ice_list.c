// SPDX-License-Identifier: Apache-2.0
/* Manifest lists: ours come back, others' are carried over whole. */
#include "codec/avro_decode.h"
#include "codec/avro_encode.h"
#include "iceberg/ice_manifest.h"
#include "lib/bytes.h"
#include "lib/test.h"

static const uint8_t sync_marker[16] = { 9 };

static void rows_come_back_with_the_sequence_of_their_commit(void **state)
{
    const struct ice_manifest_row rows[] = {
        { .path = "new",
          .length = 5000,
          .spec_id = 1,
          .sequence = -1,
          .min_sequence = -1,
          .snapshot_id = 7,
          .added_files = 3,
          .added_rows = 30,
          .partition = { { true, false, -5, 20779 }, { false, true, 0, 0 } },
          .partition_count = 2 },
        { .path = "old",
          .length = 6000,
          .content = ICE_POSITION_DELETES,
          .sequence = 4,
          .min_sequence = 2,
          .snapshot_id = 6,
          .existing_files = 1,
          .deleted_files = 2,
          .existing_rows = INT64_MAX,
          .deleted_rows = 3,
          .key_metadata = { (const uint8_t *)"key", 3 } },
    };
    struct arena arena = ARENA_INIT;
    struct buf image = BUF_INIT;
    struct ice_manifest_row *back = NULL;
    size_t count = 0;
    struct err err;

    (void)state;
    ice_list_encode(rows, 2, 7, 6, 5, sync_marker, &image);
    assert_ok(ice_list_decode(&arena, buf_span(&image), &back, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(back[0].path, "new");
    assert_int_equal(back[0].length, 5000);
    assert_int_equal(back[0].spec_id, 1);
    assert_int_equal(back[0].sequence, 5);
    assert_int_equal(back[0].min_sequence, 5);
    assert_int_equal(back[0].snapshot_id, 7);
    assert_int_equal(back[0].added_files, 3);
    assert_int_equal(back[0].added_rows, 30);
    assert_int_equal(back[0].partition_count, 2);
    assert_int_equal(back[0].partition[0].lower, -5);
    assert_int_equal(back[0].partition[0].upper, 20779);
    assert_true(back[0].partition[1].contains_null && !back[0].partition[1].has_bounds);
    assert_int_equal(back[1].content, ICE_POSITION_DELETES);
    assert_int_equal(back[1].sequence, 4);
    assert_int_equal(back[1].min_sequence, 2);
    assert_int_equal(back[1].existing_rows, INT64_MAX);
    assert_true(span_equal(back[1].key_metadata, SPAN("key")));
    buf_deinit(&image);
    arena_deinit(&arena);
}

static void lists_of_others_are_read_by_field_id(void **state)
{
    static const struct {
        const char *file;
        int64_t snapshot, length;
    } vectors[] = {
        { "manifest-list-v2-1.avro", INT64_C(6653143792592159268), 6658 },
        { "manifest-list-v2-2.avro", INT64_C(3083072880052097243), 6660 },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct arena arena = ARENA_INIT;
        struct buf path = BUF_INIT, image = BUF_INIT;
        struct ice_manifest_row *rows = NULL;
        size_t count = 0;

        buf_printf(&path, "%s/tests/vectors/iceberg/%s", K2_SOURCE_DIR, vectors[i].file);
        bytes_put_file(&image, buf_text(&path));
        assert_ok(ice_list_decode(&arena, buf_span(&image), &rows, &count, &err));
        assert_int_equal(count, 1);
        assert_int_equal(rows[0].snapshot_id, vectors[i].snapshot);
        assert_int_equal(rows[0].length, vectors[i].length);
        assert_int_equal(rows[0].added_files, 1);
        assert_int_equal(rows[0].sequence, 1);
        buf_deinit(&path);
        buf_deinit(&image);
        arena_deinit(&arena);
    }
}

/* A list as an older Java has written it: no contains_nan, other order, text bounds. */
static void put_old_list(bool has_snapshot, struct buf *out)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
        "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":"
        "\"record\",\"name\":\"r508\",\"fields\":["
        "{\"name\":\"lower_bound\",\"type\":[\"null\",\"bytes\"],\"field-id\":510},"
        "{\"name\":\"upper_bound\",\"type\":[\"null\",\"bytes\"],\"field-id\":511},"
        "{\"name\":\"contains_null\",\"type\":\"boolean\",\"field-id\":509}]},"
        "\"element-id\":508}],\"field-id\":507},"
        "{\"name\":\"manifest_path\",\"type\":\"string\",\"field-id\":500},"
        "{\"name\":\"manifest_length\",\"type\":\"long\",\"field-id\":501},"
        "{\"name\":\"partition_spec_id\",\"type\":\"int\",\"field-id\":502},"
        "{\"name\":\"added_snapshot_id\",\"type\":[\"null\",\"long\"],\"field-id\":503},"
        "{\"name\":\"a\",\"type\":[\"null\",\"int\"],\"field-id\":504},"
        "{\"name\":\"b\",\"type\":\"int\",\"field-id\":505},"
        "{\"name\":\"c\",\"type\":\"int\",\"field-id\":506},"
        "{\"name\":\"d\",\"type\":\"long\",\"field-id\":512},"
        "{\"name\":\"e\",\"type\":\"long\",\"field-id\":513},"
        "{\"name\":\"f\",\"type\":\"long\",\"field-id\":514}]}";
    struct avro_file_writer writer;
    struct buf *datum;

    avro_file_begin(&writer, out, schema, NULL, 0, AVRO_CODEC_NULL, sync_marker);
    datum = avro_file_datum(&writer);
    avro_put_long(datum, 1);
    avro_put_long(datum, 1); /* one summary */
    avro_put_long(datum, 1);
    avro_put_bytes(datum, SPAN("aa"));
    avro_put_long(datum, 1);
    avro_put_bytes(datum, SPAN("zz"));
    avro_put_boolean(datum, true);
    avro_put_long(datum, 0);
    avro_put_bytes(datum, SPAN("path"));
    avro_put_long(datum, 11);
    avro_put_long(datum, 2);
    avro_put_long(datum, has_snapshot);
    if (has_snapshot)
        avro_put_long(datum, 33);
    avro_put_long(datum, 1);
    for (int i = 0; i < 6; i++)
        avro_put_long(datum, i + 1);
    avro_file_end_datum(&writer);
    avro_file_finish(&writer);
}

static void summaries_of_other_types_are_carried_over(void **state)
{
    struct arena arena = ARENA_INIT;
    struct buf image = BUF_INIT, again = BUF_INIT;
    struct ice_manifest_row *rows = NULL, *back = NULL;
    size_t count = 0;
    struct err err;

    (void)state;
    put_old_list(true, &image);
    assert_ok(ice_list_decode(&arena, buf_span(&image), &rows, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].partition_count, 0); /* texts: not for these fields */
    assert_int_equal(rows[0].snapshot_id, 33);
    assert_int_equal(rows[0].deleted_rows, 6);
    ice_list_encode(rows, 1, 1, ICE_NONE, 9, sync_marker, &again);
    assert_ok(ice_list_decode(&arena, buf_span(&again), &back, &count, &err));
    assert_true(span_equal(rows[0].summaries, back[0].summaries));
    assert_int_equal(back[0].sequence, 0); /* v1: read as 0, and that is what is written */
    /* contains_null, no contains_nan, both bounds */
    assert_true(span_equal(back[0].summaries, SPAN("\x02\x01\x00\x02\x04"
                                                   "aa\x02\x04zz\x00")));
    buf_clear(&image);
    put_old_list(false, &image);
    assert_err(ice_list_decode(&arena, buf_span(&image), &rows, &count, &err), ERR_CORRUPT);
    buf_deinit(&image);
    buf_deinit(&again);
    arena_deinit(&arena);
}

static void a_list_cut_or_changed_is_an_error_or_a_list(void **state)
{
    struct buf image = BUF_INIT;
    uint64_t seed = 3;
    struct err err;

    (void)state;
    put_old_list(true, &image);
    for (size_t round = 0; round < 4000; round++) {
        size_t size = round < image.size ? round : image.size;
        uint8_t *exact = bytes_exact(span_of(image.data, size));
        struct arena arena = ARENA_INIT;
        struct ice_manifest_row *rows = NULL;
        size_t count = 0;
        int rc;

        err.kind = ERR_NONE;
        for (int i = 0; i < 3 && size == image.size; i++)
            exact[bytes_random(&seed) % size] ^= (uint8_t)(1 + bytes_random(&seed) % 255);
        rc = ice_list_decode(&arena, span_of(exact, size), &rows, &count, &err);
        assert_true(rc == 0 || (rc == -1 && err.kind == ERR_CORRUPT));
        free(exact);
        arena_deinit(&arena);
    }
    buf_deinit(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_cut_or_changed_is_an_error_or_a_list),
        cmocka_unit_test(rows_come_back_with_the_sequence_of_their_commit),
        cmocka_unit_test(lists_of_others_are_read_by_field_id),
        cmocka_unit_test(summaries_of_other_types_are_carried_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
