// SPDX-License-Identifier: Apache-2.0
/* Manifests: what is written comes back, what must be inherited is, damage is an error. */
#include "iceberg/ice_manifest.h"

#include "codec/avro_encode.h"
#include "lib/bytes.h"
#include "lib/ice_world.h"

static const uint8_t sync_marker[16] = { 1, 2, 3 };

struct kept {
    struct arena arena;
    struct ice_data_file *file[64];
    size_t count;
};

static int keep(void *context, const struct ice_data_file *file, struct err *err)
{
    struct kept *kept = context;

    (void)err;
    assert_true(kept->count < ARRAY_LEN(kept->file));
    kept->file[kept->count++] = ice_data_file_copy(&kept->arena, file);
    return 0;
}

static struct ice_metadata *new_metadata(void)
{
    struct ice_metadata *metadata = NULL;
    struct buf text = BUF_INIT;
    struct err err;

    ice_metadata_create(&ice_world_definition, "u", "mem://w/t", 5, NULL, 0, &text);
    assert_ok(ice_metadata_parse(buf_span(&text), "f", &metadata, &err));
    buf_deinit(&text);
    return metadata;
}

static const struct ice_count counts[] = { { 1, 10 }, { 2, INT64_MAX } };
static const struct ice_bound bounds[] = { { 3, { (const uint8_t *)"\1\0\0\0\0\0\0\x80", 8 } },
                                           { 2, { (const uint8_t *)"", 0 } } };
static const int64_t splits[] = { 4, 1 << 20 };

static struct ice_data_file full_file(void)
{
    return (struct ice_data_file){
        .path = "mem://w/t/data/a.parquet",
        .rows = 10,
        .bytes = 12345,
        .partition = { { false, 20779 }, { true, 0 } },
        .column_size = counts,
        .column_size_count = 2,
        .value_count = counts,
        .value_count_count = 1,
        .null_count = counts,
        .null_count_count = 2,
        .lower = bounds,
        .lower_count = 2,
        .upper = bounds,
        .upper_count = 1,
        .split_offset = splits,
        .split_offset_count = 2,
        .sort_order_id = 1,
        .status = ICE_EXISTING,
        .snapshot_id = 77,
        .sequence = 5,
        .file_sequence = 6,
    };
}

static void encode(const struct ice_data_file *files, size_t count, struct buf *out)
{
    struct ice_metadata *metadata = new_metadata();
    const struct ice_data_file *pointer[64];

    for (size_t i = 0; i < count; i++)
        pointer[i] = &files[i];
    ice_manifest_encode(metadata, &ice_world_definition, pointer, count, sync_marker, out);
    ice_metadata_unref(metadata);
}

static int decode(struct span image, const struct ice_manifest_row *row, struct kept *kept,
                  struct err *err)
{
    const struct ice_file_visitor visitor = { keep, kept };

    return ice_manifest_decode(image, row, &ice_world_definition, &visitor, err);
}

static void every_field_of_an_entry_comes_back(void **state)
{
    const struct ice_data_file file = full_file();
    const struct ice_manifest_row row = { .path = "m", .snapshot_id = 99, .sequence = 50 };
    struct kept kept = { 0 };
    struct buf image = BUF_INIT;
    struct ice_data_file *back;
    struct err err;

    (void)state;
    encode(&file, 1, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_int_equal(kept.count, 1);
    back = kept.file[0];
    assert_string_equal(back->path, file.path);
    assert_int_equal(back->rows, 10);
    assert_int_equal(back->bytes, 12345);
    assert_false(back->partition[0].is_null);
    assert_int_equal(back->partition[0].value, 20779);
    assert_true(back->partition[1].is_null);
    assert_int_equal(back->column_size_count, 2);
    assert_memory_equal(back->column_size, counts, sizeof(counts));
    assert_int_equal(back->value_count_count, 1);
    assert_int_equal(back->null_count_count, 2);
    assert_true(span_equal(ice_data_file_lower(back, 3), bounds[0].value));
    assert_non_null(ice_data_file_lower(back, 2).data); /* empty is not absent */
    assert_null(ice_data_file_upper(back, 2).data);
    assert_memory_equal(back->split_offset, splits, sizeof(splits));
    assert_int_equal(back->sort_order_id, 1);
    assert_int_equal(back->status, ICE_EXISTING);
    assert_int_equal(back->snapshot_id, 77);
    assert_int_equal(back->sequence, 5);
    assert_int_equal(back->file_sequence, 6);
    assert_int_equal(back->content, ICE_DATA);
    assert_false(back->partial);
    buf_deinit(&image);
    arena_deinit(&kept.arena);
}

static void added_entries_inherit_both_sequence_numbers(void **state)
{
    struct ice_data_file file = full_file();
    const struct ice_manifest_row row = { .path = "m", .snapshot_id = 99, .sequence = 50 };
    struct kept kept = { 0 };
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    file.status = ICE_ADDED;
    encode(&file, 1, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_int_equal(kept.file[0]->snapshot_id, 77); /* its own */
    assert_int_equal(kept.file[0]->sequence, 50);
    assert_int_equal(kept.file[0]->file_sequence, 50);
    buf_deinit(&image);
    arena_deinit(&kept.arena);
}

static void an_old_file_sequence_stays_unknown(void **state)
{
    struct ice_data_file file = full_file();
    const struct ice_manifest_row row = { .path = "m", .sequence = 50 };
    struct kept kept = { 0 };
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    file.file_sequence = -1;
    encode(&file, 1, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_int_equal(kept.file[0]->file_sequence, -1);
    buf_deinit(&image);
    arena_deinit(&kept.arena);
}

static void many_entries_keep_their_order(void **state)
{
    struct ice_data_file files[40];
    const struct ice_manifest_row row = { .path = "m", .sequence = 1 };
    struct kept kept = { 0 };
    struct buf image = BUF_INIT;
    struct err err;

    (void)state;
    for (int i = 0; i < 40; i++) {
        files[i] = full_file();
        files[i].rows = i;
        if (i % 3 == 0)
            files[i].lower_count = files[i].column_size_count = files[i].split_offset_count = 0;
    }
    encode(files, 40, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_int_equal(kept.count, 40);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(kept.file[i]->rows, i);
        assert_int_equal(kept.file[i]->lower_count, i % 3 == 0 ? 0 : 2);
    }
    buf_deinit(&image);
    arena_deinit(&kept.arena);
}

static void a_manifest_cut_or_changed_is_an_error_or_a_manifest(void **state)
{
    const struct ice_data_file file = full_file();
    const struct ice_manifest_row row = { .path = "m", .sequence = 1 };
    struct buf image = BUF_INIT;
    uint64_t seed = 1;
    struct err err;

    (void)state;
    encode(&file, 1, &image);
    for (size_t round = 0; round < 4000; round++) {
        size_t size = round < image.size ? round : image.size;
        uint8_t *exact = bytes_exact(span_of(image.data, size));
        struct kept kept = { 0 };
        int rc;

        err.kind = ERR_NONE;
        for (int i = 0; i < 3 && size == image.size; i++)
            exact[bytes_random(&seed) % size] ^= (uint8_t)(1 + bytes_random(&seed) % 255);
        rc = decode(span_of(exact, size), &row, &kept, &err);
        assert_true(rc == 0 || (rc == -1 && err.kind == ERR_CORRUPT));
        assert_true(rc == -1 || size == image.size || kept.count == 0);
        free(exact);
        arena_deinit(&kept.arena);
    }
    buf_deinit(&image);
}

/* A manifest with another schema: names and types that others use. */
static void put_foreign(const char *fields, const char *partition, struct buf *datum,
                        struct buf *out)
{
    struct avro_file_writer writer;
    struct buf schema = BUF_INIT;

    buf_printf(&schema,
               "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
               "{\"name\":\"status\",\"type\":\"int\",\"field-id\":0},"
               "{\"name\":\"snapshot_id\",\"type\":[\"null\",\"long\"],\"field-id\":1},"
               "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
               "{\"name\":\"file_path\",\"type\":\"string\",\"field-id\":100},"
               "{\"name\":\"file_format\",\"type\":\"string\",\"field-id\":101},"
               "{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\","
               "\"fields\":[%s]},\"field-id\":102},"
               "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},"
               "{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104}%s]},"
               "\"field-id\":2}]}",
               partition, fields);
    avro_file_begin(&writer, out, buf_text(&schema), NULL, 0, AVRO_CODEC_NULL, sync_marker);
    buf_put_span(avro_file_datum(&writer), buf_span(datum));
    avro_file_end_datum(&writer);
    avro_file_finish(&writer);
    buf_deinit(&schema);
}

static void put_entry_start(struct buf *datum, int64_t status, const char *format)
{
    avro_put_long(datum, status);
    avro_put_long(datum, 0); /* no snapshot id */
    avro_put_bytes(datum, SPAN("s3://b/f"));
    avro_put_bytes(datum, span_text(format));
}

static void foreign_manifests_are_read_as_far_as_they_go(void **state)
{
    static const char ints[] = "{\"name\":\"p\",\"type\":[\"null\",\"int\"],\"field-id\":1007},"
                               "{\"name\":\"q\",\"type\":\"int\",\"field-id\":1003}";
    static const char texts[] = "{\"name\":\"p\",\"type\":\"string\",\"field-id\":1000}";
    const struct ice_manifest_row row = { .path = "m", .snapshot_id = 8, .sequence = 3 };
    struct kept kept = { 0 };
    struct buf datum = BUF_INIT, image = BUF_INIT;
    struct err err;

    (void)state;
    put_entry_start(&datum, ICE_ADDED, "parquet");
    avro_put_long(&datum, 1);
    avro_put_long(&datum, 5);
    avro_put_long(&datum, 6);
    avro_put_long(&datum, 100);
    avro_put_long(&datum, 200);
    put_foreign("", ints, &datum, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_int_equal(kept.file[0]->snapshot_id, 8);
    assert_int_equal(kept.file[0]->sequence, 3);
    assert_int_equal(kept.file[0]->partition[0].value, 5);
    assert_int_equal(kept.file[0]->partition[1].value, 6);
    assert_false(kept.file[0]->partial);

    /* Another spec's tuple cannot be held: that is said. */
    buf_clear(&datum);
    buf_clear(&image);
    put_entry_start(&datum, ICE_ADDED, "PARQUET");
    avro_put_bytes(&datum, SPAN("text"));
    avro_put_long(&datum, 100);
    avro_put_long(&datum, 200);
    put_foreign("", texts, &datum, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_true(kept.file[1]->partial);
    assert_true(kept.file[1]->partition[0].is_null);
    assert_int_equal(kept.file[1]->rows, 100);

    /* So can a file of another format not be written again. */
    buf_clear(&datum);
    buf_clear(&image);
    put_entry_start(&datum, ICE_ADDED, "orc");
    avro_put_long(&datum, 0);
    avro_put_long(&datum, 6);
    avro_put_long(&datum, 100);
    avro_put_long(&datum, 200);
    put_foreign("", ints, &datum, &image);
    assert_ok(decode(buf_span(&image), &row, &kept, &err));
    assert_true(kept.file[2]->partial);

    /* Not added here and no sequence number: nobody can say when. */
    buf_clear(&datum);
    buf_clear(&image);
    put_entry_start(&datum, ICE_EXISTING, "PARQUET");
    avro_put_long(&datum, 0);
    avro_put_long(&datum, 6);
    avro_put_long(&datum, 100);
    avro_put_long(&datum, 200);
    put_foreign("", ints, &datum, &image);
    assert_err(decode(buf_span(&image), &row, &kept, &err), ERR_CORRUPT);

    buf_deinit(&datum);
    buf_deinit(&image);
    arena_deinit(&kept.arena);
}

static void a_reader_reads_many_schemas_in_any_order(void **state)
{
    struct ice_manifest_reader *reader = ice_manifest_reader_new();
    const struct ice_manifest_row row = { .path = "m", .snapshot_id = 8, .sequence = 3 };
    struct err err;

    (void)state;
    for (int round = 0; round < 30; round++) {
        struct buf datum = BUF_INIT, image = BUF_INIT, partition = BUF_INIT;
        struct kept kept = { 0 };
        const struct ice_file_visitor visitor = { keep, &kept };

        buf_printf(&partition,
                   "{\"name\":\"p%d\",\"type\":\"int\",\"field-id\":1000},"
                   "{\"name\":\"q\",\"type\":\"int\",\"field-id\":1001}",
                   round % 11);
        put_entry_start(&datum, ICE_ADDED, "PARQUET");
        for (int i = 0; i < 4; i++)
            avro_put_long(&datum, round + i);
        put_foreign("", buf_text(&partition), &datum, &image);
        assert_ok(ice_manifest_reader_visit(reader, buf_span(&image), &row, &ice_world_definition,
                                            &visitor, &err));
        assert_int_equal(kept.file[0]->partition[0].value, round);
        assert_int_equal(kept.file[0]->bytes, round + 3);
        arena_deinit(&kept.arena);
        buf_deinit(&datum);
        buf_deinit(&image);
        buf_deinit(&partition);
    }
    ice_manifest_reader_free(reader);
    ice_manifest_reader_free(NULL);
}

static void a_summary_counts_and_bounds_its_entries(void **state)
{
    struct ice_data_file files[4];
    const struct ice_data_file *pointer[4];
    struct ice_manifest_row row;

    (void)state;
    for (int i = 0; i < 4; i++) {
        files[i] = full_file();
        files[i].status = ICE_ADDED;
        files[i].partition[0].value = i < 2 ? 7 : -3;
        pointer[i] = &files[i];
    }
    ice_manifest_summarize(&ice_world_definition, pointer, 4, 42, &row);
    assert_int_equal(row.added_files, 4);
    assert_int_equal(row.added_rows, 40);
    assert_int_equal(row.added_bytes, 4 * 12345);
    assert_int_equal(row.changed_partitions, 2);
    assert_int_equal(row.sequence, -1);
    assert_int_equal(row.min_sequence, -1);
    assert_int_equal(row.snapshot_id, 42);
    assert_int_equal(row.partition_count, 2);
    assert_true(row.partition[0].has_bounds && !row.partition[0].contains_null);
    assert_int_equal(row.partition[0].lower, -3);
    assert_int_equal(row.partition[0].upper, 7);
    assert_true(!row.partition[1].has_bounds && row.partition[1].contains_null);

    files[1].status = ICE_EXISTING;
    files[1].sequence = 9;
    files[2].status = ICE_EXISTING;
    files[2].sequence = 4;
    files[3].status = ICE_DELETED;
    files[3].sequence = 1;
    ice_manifest_summarize(&ice_world_definition, pointer, 4, 42, &row);
    assert_int_equal(row.added_files, 1);
    assert_int_equal(row.existing_files, 2);
    assert_int_equal(row.deleted_files, 1);
    assert_int_equal(row.min_sequence, 4); /* of the live ones */
    assert_int_equal(row.deleted_bytes, 12345);
    assert_int_equal(row.changed_partitions, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_cut_or_changed_is_an_error_or_a_manifest),
        cmocka_unit_test(every_field_of_an_entry_comes_back),
        cmocka_unit_test(added_entries_inherit_both_sequence_numbers),
        cmocka_unit_test(an_old_file_sequence_stays_unknown),
        cmocka_unit_test(many_entries_keep_their_order),
        cmocka_unit_test(foreign_manifests_are_read_as_far_as_they_go),
        cmocka_unit_test(a_reader_reads_many_schemas_in_any_order),
        cmocka_unit_test(a_summary_counts_and_bounds_its_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
