// SPDX-License-Identifier: Apache-2.0
/* Documents of others, documents that must be refused, ours, and what a table's schema may be. */
#include "iceberg/ice_metadata.h"

#include "lib/bytes.h"
#include "lib/ice_world.h"

static int parse_text(const char *text, struct ice_metadata **out, struct err *err)
{
    return ice_metadata_parse(span_text(text), "file", out, err);
}

static int parse_vector(const char *name, struct ice_metadata **out, struct err *err)
{
    struct buf path = BUF_INIT, text = BUF_INIT;
    uint8_t *exact;
    int rc;

    buf_printf(&path, "%s/tests/vectors/iceberg/%s", K2_SOURCE_DIR, name);
    bytes_put_file(&text, buf_text(&path));
    exact = bytes_exact(buf_span(&text));
    rc = ice_metadata_parse(span_of(exact, text.size), name, out, err);
    free(exact);
    buf_deinit(&path);
    buf_deinit(&text);
    return rc;
}

static void vectors_that_must_be_refused_are(void **state)
{
    static const struct {
        const char *name;
        enum err_kind kind;
        const char *word;
    } cases[] = {
        { "TableMetadataUnsupportedVersion.json", ERR_REFUSED, "format-version 3" },
        { "TableMetadataV2CurrentSchemaNotFound.json", ERR_CORRUPT, "current-schema-id" },
        { "TableMetadataV2MissingLastPartitionId.json", ERR_CORRUPT, "last-partition-id" },
        { "TableMetadataV2MissingPartitionSpecs.json", ERR_CORRUPT, "partition-specs" },
        { "TableMetadataV2MissingSchemas.json", ERR_CORRUPT, "schemas" },
        { "TableMetadataV2MissingSortOrder.json", ERR_CORRUPT, "sort-orders" },
    };
    struct ice_metadata *metadata = NULL;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_err(parse_vector(cases[i].name, &metadata, &err), cases[i].kind);
        assert_non_null(strstr(err.text, cases[i].word));
        assert_null(metadata);
    }
}

static void vectors_that_are_valid_are_read(void **state)
{
    struct ice_metadata *metadata = NULL;
    const struct ice_snapshot *snapshot;
    struct err err;

    (void)state;
    assert_ok(parse_vector("TableMetadataV2Valid.json", &metadata, &err));
    assert_string_equal(metadata->uuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
    assert_int_equal(metadata->last_sequence, 34);
    assert_int_equal(metadata->schema_id, 1);
    assert_int_equal(metadata->sort_order_id, 3);
    assert_int_equal(metadata->main, INT64_C(3055729675574597004));
    assert_int_equal(metadata->snapshot_count, 2);
    snapshot = ice_metadata_current(metadata);
    assert_int_equal(snapshot->parent, INT64_C(3051729675574597004));
    assert_string_equal(snapshot->operation, "append");
    assert_string_equal(snapshot->manifest_list, "s3://a/b/2.avro");
    assert_null(ice_snapshot_get(snapshot, "operation"));
    assert_true(ice_metadata_is_ancestor(metadata, snapshot->parent, metadata->main));
    assert_true(ice_metadata_is_ancestor(metadata, metadata->main, metadata->main));
    assert_false(ice_metadata_is_ancestor(metadata, metadata->main, snapshot->parent));
    ice_metadata_unref(metadata);

    assert_ok(parse_vector("TableMetadataV2ValidMinimal.json", &metadata, &err));
    assert_int_equal(metadata->main, ICE_NONE);
    assert_null(ice_metadata_current(metadata));
    assert_null(ice_metadata_property(metadata, "any"));
    ice_metadata_unref(metadata);

    assert_ok(parse_vector("example_table_metadata_v2_partition_evolution.json", &metadata, &err));
    assert_int_equal(metadata->spec_id, 2);
    ice_metadata_unref(metadata);
}

/* Our own document with one piece of text replaced: what Java, too, would not load. */
static void one_change_for_the_worse_is_found(void **state)
{
    static const struct {
        const char *from, *to;
        enum err_kind kind;
    } cases[] = {
        { "\"format-version\":2", "\"format-version\":1", ERR_REFUSED },
        { "\"format-version\":2,", "", ERR_CORRUPT },
        { "\"table-uuid\":", "\"other\":", ERR_CORRUPT },
        { "\"location\":\"", "\"location\":null,\"x\":\"", ERR_CORRUPT },
        { "\"last-sequence-number\":0", "\"last-sequence-number\":\"0\"", ERR_CORRUPT },
        { "\"last-sequence-number\":0", "\"last-sequence-number\":0.5", ERR_CORRUPT },
        { "\"last-sequence-number\":0", "\"last-sequence-number\":9223372036854775808",
          ERR_CORRUPT },
        { "\"default-spec-id\":0", "\"default-spec-id\":7", ERR_CORRUPT },
        { "\"default-sort-order-id\":1", "\"default-sort-order-id\":2", ERR_CORRUPT },
        { "\"snapshots\":[]", "\"snapshots\":{}", ERR_CORRUPT },
        { "\"snapshots\":[]", "\"snapshots\":[{\"snapshot-id\":1}]", ERR_CORRUPT },
        { "\"snapshots\":[]",
          "\"snapshots\":[{\"snapshot-id\":1,\"timestamp-ms\":1,\"sequence-number\":5,"
          "\"manifest-list\":\"l\"}]",
          ERR_CORRUPT },
        { "\"snapshots\":[]",
          "\"snapshots\":[{\"snapshot-id\":1,\"timestamp-ms\":1,\"manifest-list\":\"l\"},"
          "{\"snapshot-id\":1,\"timestamp-ms\":1,\"manifest-list\":\"l\"}]",
          ERR_CORRUPT },
        { "\"snapshots\":[]",
          "\"snapshots\":[{\"snapshot-id\":1,\"timestamp-ms\":1,\"manifest-list\":\"l\","
          "\"summary\":{\"a\":1}}]",
          ERR_CORRUPT },
        { "\"refs\":{}", "\"refs\":{\"main\":{\"snapshot-id\":5,\"type\":\"branch\"}}",
          ERR_CORRUPT },
        { "\"refs\":{}", "\"current-snapshot-id\":5", ERR_CORRUPT },
        { "\"snapshots\":[]",
          "\"current-snapshot-id\":1,\"snapshots\":["
          "{\"snapshot-id\":1,\"parent-snapshot-id\":2,\"sequence-number\":0,"
          "\"timestamp-ms\":1,\"manifest-list\":\"l\",\"summary\":{\"operation\":\"append\"}},"
          "{\"snapshot-id\":2,\"parent-snapshot-id\":1,\"sequence-number\":0,"
          "\"timestamp-ms\":1,\"manifest-list\":\"l\",\"summary\":{\"operation\":\"append\"}}]",
          ERR_CORRUPT },
        { "\"properties\":{", "\"properties\":{\"a\":null,", ERR_CORRUPT },
        { "\"properties\":{", "\"location\":\"twice\",\"properties\":{", ERR_CORRUPT },
        { "\"metadata-log\":[]", "\"metadata-log\":[{}]", ERR_CORRUPT },
        { "\"metadata-log\":[]}", "\"metadata-log\":[]", ERR_CORRUPT },
    };
    const struct ice_pair pair = { "key", "value" };
    struct buf good = BUF_INIT, bad = BUF_INIT;
    struct ice_metadata *metadata = NULL;
    struct err err;

    (void)state;
    ice_metadata_create(&ice_world_definition, "u", "mem://w/t", 5, &pair, 1, &good);
    assert_ok(parse_text(buf_text(&good), &metadata, &err));
    assert_string_equal(ice_metadata_property(metadata, "key"), "value");
    ice_metadata_unref(metadata);
    metadata = NULL;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = buf_text(&good), *at = strstr(text, cases[i].from);

        assert_non_null(at);
        buf_clear(&bad);
        buf_put(&bad, text, (size_t)(at - text));
        buf_put_text(&bad, cases[i].to);
        buf_put_text(&bad, at + strlen(cases[i].from));
        if (parse_text(buf_text(&bad), &metadata, &err) == 0)
            fail_msg("accepted: %s", cases[i].to);
        assert_int_equal(err.kind, cases[i].kind);
        assert_null(metadata);
    }
    buf_deinit(&good);
    buf_deinit(&bad);
}

static void a_document_cut_short_is_never_read(void **state)
{
    struct buf good = BUF_INIT;
    struct ice_metadata *metadata = NULL;
    struct err err;

    (void)state;
    ice_metadata_create(&ice_world_definition, "u", "mem://w/t", 5, NULL, 0, &good);
    for (size_t size = 0; size < good.size; size++) {
        uint8_t *exact = bytes_exact(span_of(good.data, size));

        assert_err(ice_metadata_parse(span_of(exact, size), "f", &metadata, &err), ERR_CORRUPT);
        free(exact);
    }
    buf_deinit(&good);
}

static void null_counts_as_absent(void **state)
{
    struct buf text = BUF_INIT;
    struct ice_metadata *metadata = NULL;
    struct err err;

    (void)state;
    ice_metadata_create(&ice_world_definition, "u", "mem://w/t", 5, NULL, 0, &text);
    text.size--;
    buf_put_text(&text, ",\"current-snapshot-id\":null,\"unknown\":null}");
    assert_ok(parse_text(buf_text(&text), &metadata, &err));
    assert_int_equal(metadata->main, ICE_NONE);
    ice_metadata_unref(metadata);
    buf_deinit(&text);
}

/* The definition against a table made from another one. */
static int match(const struct ice_definition *table, const struct ice_definition *ours,
                 struct parquet_field *resolved, struct err *err)
{
    struct ice_metadata *metadata = NULL;
    struct buf text = BUF_INIT;
    int rc;

    ice_metadata_create(table, "u", "mem://w/t", 5, NULL, 0, &text);
    rc = parse_text(buf_text(&text), &metadata, err);
    if (rc == 0)
        rc = ice_metadata_match(metadata, ours, resolved, err);
    ice_metadata_unref(metadata);
    buf_deinit(&text);
    return rc;
}

static void match_refuses_with_the_statement_that_mends(void **state)
{
    struct parquet_field fields[ICE_WORLD_COLUMNS + 1], resolved[ICE_WORLD_COLUMNS];
    struct ice_definition other = ice_world_definition;
    static const struct ice_partition_field by_day[] = { { "time_day", 3, ICE_DAY } };
    struct err err;

    (void)state;
    other.field = fields;
    memcpy(fields, ice_world_field, sizeof(ice_world_field));
    fields[1].name = "renamed";
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, "ALTER TABLE trades ADD COLUMN text STRING"));

    fields[1] = ice_world_field[1];
    fields[1].required = true;
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, "ALTER COLUMN text DROP NOT NULL"));

    fields[1] = ice_world_field[1];
    fields[3].precision = 9;
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, "price"));
    assert_non_null(strstr(err.text, "DECIMAL(18, 8)"));

    fields[3] = ice_world_field[3];
    fields[9].child_optional = false;
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);

    fields[9] = ice_world_field[9];
    fields[8].kind = PARQUET_STRING;
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);

    fields[8] = ice_world_field[8];
    fields[10] = (struct parquet_field){ .name = "extra", .field_id = 20, .required = true };
    other.field_count++;
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, "extra"));

    fields[10].required = false;
    assert_ok(match(&other, &ice_world_definition, resolved, &err));
    other.partition = by_day;
    other.partition_count = 1;
    assert_err(match(&other, &ice_world_definition, resolved, &err), ERR_REFUSED);
    assert_non_null(strstr(err.text, "DROP PARTITION FIELD time_day"));
    assert_non_null(strstr(err.text, "ADD PARTITION FIELD hour AS hour"));
}

static void match_finds_columns_by_name_and_takes_the_table_s_ids(void **state)
{
    struct parquet_field fields[ICE_WORLD_COLUMNS], resolved[ICE_WORLD_COLUMNS];
    struct ice_partition_field partition[2];
    struct ice_definition other = ice_world_definition;
    struct err err;

    (void)state;
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++) { /* backwards, with other ids */
        fields[i] = ice_world_field[ICE_WORLD_COLUMNS - 1 - i];
        fields[i].field_id += 100;
        fields[i].child_id[0] += 100;
        fields[i].child_id[1] += 100;
    }
    for (size_t i = 0; i < 2; i++) {
        partition[i] = ice_world_partition[i];
        partition[i].source_id += 100;
    }
    other.field = fields;
    other.partition = partition;
    other.sort_count = 0;
    assert_ok(match(&other, &ice_world_definition, resolved, &err));
    for (size_t i = 0; i < ICE_WORLD_COLUMNS; i++)
        assert_int_equal(resolved[i].field_id, ice_world_field[i].field_id + 100);
    assert_int_equal(resolved[8].child_id[0], 111);
    assert_int_equal(resolved[9].child_id[1], 113);
}

static void references_keep_a_document_alive(void **state)
{
    struct buf text = BUF_INIT;
    struct ice_metadata *metadata = NULL;
    struct err err;

    (void)state;
    ice_metadata_create(&ice_world_definition, "u", "mem://w/t", 5, NULL, 0, &text);
    assert_ok(parse_text(buf_text(&text), &metadata, &err));
    buf_deinit(&text);
    assert_ptr_equal(ice_metadata_ref(metadata), metadata);
    ice_metadata_unref(metadata);
    assert_string_equal(metadata->location, "mem://w/t");
    ice_metadata_unref(metadata);
    ice_metadata_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_that_must_be_refused_are),
        cmocka_unit_test(one_change_for_the_worse_is_found),
        cmocka_unit_test(a_document_cut_short_is_never_read),
        cmocka_unit_test(vectors_that_are_valid_are_read),
        cmocka_unit_test(null_counts_as_absent),
        cmocka_unit_test(match_refuses_with_the_statement_that_mends),
        cmocka_unit_test(match_finds_columns_by_name_and_takes_the_table_s_ids),
        cmocka_unit_test(references_keep_a_document_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
