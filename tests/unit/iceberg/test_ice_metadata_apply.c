// SPDX-License-Identifier: Apache-2.0
/* Successors: what changes, what must not, and what a REST catalog is sent. */
#include "iceberg/ice_metadata.h"

#include "core/json.h"
#include "iceberg/ice_metadata_private.h"
#include "lib/ice_world.h"

#include <inttypes.h>

static struct ice_metadata *parse(struct buf *text, const char *file)
{
    struct ice_metadata *metadata = NULL;
    struct err err;

    assert_ok(json_check(buf_span(text), &err));
    assert_ok(ice_metadata_parse(buf_span(text), file, &metadata, &err));
    return metadata;
}

static struct ice_metadata *first(const char *more)
{
    const struct ice_pair pair = { "theirs", "1" };
    struct ice_metadata *metadata;
    struct buf text = BUF_INIT;

    ice_metadata_create(&ice_world_definition, "u-1", "mem://w/t", 1000, &pair, 1, &text);
    text.size--;
    buf_printf(&text, "%s}", more);
    metadata = parse(&text, "mem://w/t/metadata/00000.json");
    buf_deinit(&text);
    return metadata;
}

/* The successor by a plain append of snapshot `id` at `now`; the base is given up. */
static struct ice_metadata *append(struct ice_metadata *base, int64_t id, int64_t now,
                                   const int64_t *drop, size_t drop_count)
{
    const struct ice_pair pairs[] = { { "k2.offsets", "{\"a\":\"b\\c\"}" }, { "absent", NULL } };
    const struct ice_change change = {
        .operation = "append",
        .snapshot_id = id,
        .manifest_list = "mem://w/t/metadata/snap.avro",
        .summary = pairs,
        .summary_count = 2,
        .properties = pairs,
        .property_count = 2,
        .drop = drop,
        .drop_count = drop_count,
        .now_ms = now,
        .metadata_log_max = 3,
    };
    struct ice_metadata *next;
    struct buf text = BUF_INIT;
    char file[64];

    ice_metadata_apply(base, &change, &text);
    snprintf(file, sizeof(file), "mem://w/t/metadata/%" PRId64 ".json", id);
    next = parse(&text, file);
    buf_deinit(&text);
    ice_metadata_unref(base);
    return next;
}

static void a_sorted_table_lists_its_order_first_and_then_none(void **state)
{
    struct buf text = BUF_INIT;
    static const char wanted[] = "\"nulls-first\"}]},{\"order-id\":0,\"fields\":[]}]";

    (void)state;
    ice_metadata_create(&ice_world_definition, "u", "mem://w/t", 5, NULL, 0, &text);
    buf_put_byte(&text, 0);
    assert_non_null(strstr((const char *)text.data, "\"default-sort-order-id\":1,"));
    assert_non_null(strstr((const char *)text.data, wanted));
    buf_deinit(&text);
}

static void a_snapshot_becomes_main_with_the_next_sequence(void **state)
{
    struct ice_metadata *metadata = append(first(""), 11, 2000, NULL, 0);
    const struct ice_snapshot *snapshot = ice_metadata_current(metadata);

    (void)state;
    assert_int_equal(metadata->last_sequence, 1);
    assert_int_equal(metadata->last_updated_ms, 2000);
    assert_int_equal(snapshot->id, 11);
    assert_int_equal(snapshot->parent, ICE_NONE);
    assert_int_equal(snapshot->timestamp_ms, 2000);
    assert_string_equal(snapshot->operation, "append");
    assert_string_equal(ice_snapshot_get(snapshot, "k2.offsets"), "{\"a\":\"b\\c\"}");
    assert_null(ice_snapshot_get(snapshot, "absent"));
    assert_string_equal(ice_metadata_property(metadata, "k2.offsets"), "{\"a\":\"b\\c\"}");
    assert_string_equal(ice_metadata_property(metadata, "theirs"), "1");
    assert_string_equal(ice_metadata_log_file(metadata, 0), "mem://w/t/metadata/00000.json");
    metadata = append(metadata, 5, 3000, NULL, 0);
    assert_int_equal(ice_metadata_current(metadata)->parent, 11);
    assert_int_equal(metadata->last_sequence, 2);
    ice_metadata_unref(metadata);
}

static void time_never_runs_back(void **state)
{
    struct ice_metadata *metadata = append(first(""), 11, 10, NULL, 0);

    (void)state;
    assert_int_equal(metadata->last_updated_ms, 1000);
    assert_int_equal(ice_metadata_current(metadata)->timestamp_ms, 1000);
    ice_metadata_unref(metadata);
}

static void what_nobody_here_knows_is_kept_to_the_letter(void **state)
{
    const char *more =
        ",\"next\" : { \"a\": [1.50, null, \"\\u00e4\"] },\"row\":18446744073709551615";
    struct ice_metadata *metadata = append(append(first(more), 1, 1, NULL, 0), 2, 2, NULL, 0);

    (void)state;
    assert_true(span_equal(ice_metadata_member(metadata, "next"),
                           SPAN("{ \"a\": [1.50, null, \"\\u00e4\"] }")));
    assert_true(span_equal(ice_metadata_member(metadata, "row"), SPAN("18446744073709551615")));
    ice_metadata_unref(metadata);
}

static void members_that_are_missing_are_made(void **state)
{
    static const char text[] =
        "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"l\",\"last-sequence-number\":4,"
        "\"last-updated-ms\":1,\"last-column-id\":1,\"current-schema-id\":0,\"schemas\":[{\"type\":"
        "\"struct\",\"schema-id\":0,\"fields\":[]}],\"default-spec-id\":0,\"partition-specs\":[{"
        "\"spec-id\":0,\"fields\":[]}],\"last-partition-id\":999,\"default-sort-order-id\":0,"
        "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}]}";
    struct ice_metadata *metadata = NULL;
    struct err err;

    (void)state;
    assert_ok(ice_metadata_parse(span_text(text), "", &metadata, &err));
    metadata = append(metadata, 9, 5, NULL, 0);
    assert_int_equal(metadata->main, 9);
    assert_int_equal(metadata->last_sequence, 5);
    assert_int_equal(ice_metadata_log_count(metadata), 0); /* the base lay nowhere */
    assert_true(span_equal(ice_metadata_member(metadata, "refs"),
                           SPAN("{\"main\":{\"snapshot-id\":9,\"type\":\"branch\"}}")));
    ice_metadata_unref(metadata);
}

static void logs_are_cut(void **state)
{
    const int64_t drop[] = { 2 };
    struct ice_metadata *metadata = first("");

    (void)state;
    for (int64_t id = 1; id <= 5; id++)
        metadata = append(metadata, id, id * 1000, NULL, 0);
    assert_int_equal(ice_metadata_log_count(metadata), 3);
    assert_string_equal(ice_metadata_log_file(metadata, 2), "mem://w/t/metadata/4.json");
    assert_int_equal(ICE_COUNT(metadata->private_->history, struct ice_history), 5);
    metadata = append(metadata, 6, 6000, drop, 1);
    /* Up to the dropped one, all of the history before it goes too. */
    assert_int_equal(ICE_COUNT(metadata->private_->history, struct ice_history), 4);
    assert_int_equal(ICE_ARRAY(metadata->private_->history, struct ice_history)[0].snapshot, 3);
    assert_non_null(ice_metadata_snapshot(metadata, 1));
    assert_null(ice_metadata_snapshot(metadata, 2));
    assert_false(ice_metadata_is_ancestor(metadata, 1, 6));
    assert_true(
        ice_metadata_is_ancestor(metadata, 2, 6)); /* named as a parent, though not listed */
    ice_metadata_unref(metadata);
}

/* A document with snapshots 1 and 2, a tag on 1 and rules on main. */
static struct ice_metadata *tagged(void)
{
    struct ice_metadata *metadata = append(append(first(""), 1, 1, NULL, 0), 2, 2, NULL, 0), *out;
    const char *text = buf_text(&metadata->private_->text);
    const char *at = strstr(text, "\"refs\":{\"main\":{");
    const char *statistics = strstr(text, "\"statistics\":[]");
    struct buf next = BUF_INIT;

    assert_non_null(at);
    assert_non_null(statistics);
    assert_true(at < statistics);
    buf_put(&next, text, (size_t)(at - text));
    buf_put_text(&next, "\"refs\":{\"mark\":{\"snapshot-id\":1,\"type\":\"tag\","
                        "\"max-ref-age-ms\":9223372036854775807},\"main\":{"
                        "\"min-snapshots-to-keep\":7,");
    at += strlen("\"refs\":{\"main\":{");
    buf_put(&next, at, (size_t)(statistics - at));
    buf_put_text(&next, "\"statistics\":[{\"snapshot-id\":1,\"p\":1},{\"snapshot-id\":2}]");
    buf_put_text(&next, statistics + strlen("\"statistics\":[]"));
    out = parse(&next, "mem://w/t/metadata/tagged.json");
    ice_metadata_unref(metadata);
    buf_deinit(&next);
    return out;
}

static void refs_of_others_are_kept_and_hold_their_snapshots(void **state)
{
    const int64_t drop[] = { 1, 2 };
    struct ice_metadata *metadata = tagged();

    (void)state;
    assert_true(ice_metadata_is_tagged(metadata, 1));
    assert_false(ice_metadata_is_tagged(metadata, 2));
    metadata = append(metadata, 3, 3, drop, 2);
    assert_non_null(ice_metadata_snapshot(metadata, 1));
    assert_null(ice_metadata_snapshot(metadata, 2));
    assert_true(span_equal(ice_metadata_member(metadata, "refs"),
                           SPAN("{\"mark\":{\"snapshot-id\":1,\"type\":\"tag\","
                                "\"max-ref-age-ms\":9223372036854775807},\"main\":{\"snapshot-id\":"
                                "3,\"type\":\"branch\",\"min-snapshots-to-keep\":7}}")));
    assert_true(span_equal(ice_metadata_member(metadata, "statistics"),
                           SPAN("[{\"snapshot-id\":1,\"p\":1}]")));
    ice_metadata_unref(metadata);
}

static void a_rest_catalog_is_sent_the_same(void **state)
{
    const int64_t drop[] = { 1, 2 };
    const struct ice_pair properties[] = { { "set", "1" }, { "gone", NULL } };
    const struct ice_change change = {
        .operation = "append",
        .snapshot_id = 3,
        .manifest_list = "l",
        .properties = properties,
        .property_count = 2,
        .drop = drop,
        .drop_count = 2,
        .now_ms = 9000,
    };
    struct ice_metadata *metadata = first("");
    struct buf text = BUF_INIT;

    (void)state;
    ice_metadata_requirements(metadata, &text);
    assert_string_equal(buf_text(&text),
                        "[{\"type\":\"assert-table-uuid\",\"uuid\":\"u-1\"},"
                        "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":"
                        "null},{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0},"
                        "{\"type\":\"assert-default-spec-id\",\"default-spec-id\":0}]");
    ice_metadata_unref(metadata);
    metadata = tagged();
    buf_clear(&text);
    ice_metadata_updates(metadata, &change, &text);
    assert_string_equal(
        buf_text(&text),
        "[{\"action\":\"add-snapshot\",\"snapshot\":{\"sequence-number\":3,\"snapshot-id\":3,"
        "\"parent-snapshot-id\":2,\"timestamp-ms\":9000,\"summary\":{\"operation\":\"append\"},"
        "\"manifest-list\":\"l\",\"schema-id\":0}},{\"action\":\"set-snapshot-ref\",\"ref-name\":"
        "\"main\",\"type\":\"branch\",\"snapshot-id\":3,\"min-snapshots-to-keep\":7},{\"action\":"
        "\"set-properties\",\"updates\":{\"set\":\"1\"}},{\"action\":\"remove-properties\","
        "\"removals\":[\"gone\"]},{\"action\":\"remove-snapshots\",\"snapshot-ids\":[2]}]");
    buf_clear(&text);
    ice_metadata_requirements(metadata, &text);
    assert_non_null(strstr(buf_text(&text), "\"ref\":\"main\",\"snapshot-id\":2}"));
    ice_metadata_unref(metadata);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sorted_table_lists_its_order_first_and_then_none),
        cmocka_unit_test(a_snapshot_becomes_main_with_the_next_sequence),
        cmocka_unit_test(time_never_runs_back),
        cmocka_unit_test(what_nobody_here_knows_is_kept_to_the_letter),
        cmocka_unit_test(members_that_are_missing_are_made),
        cmocka_unit_test(logs_are_cut),
        cmocka_unit_test(refs_of_others_are_kept_and_hold_their_snapshots),
        cmocka_unit_test(a_rest_catalog_is_sent_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
