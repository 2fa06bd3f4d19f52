// SPDX-License-Identifier: Apache-2.0
/*
 * ice_definition.h: what a table is: columns, partition spec, sort order, and a data file of it.
 *
 * Columns are those of codec/parquet.h: our tables have no other shapes.  Partition values of our
 * tables are all 32-bit integers (dates, days, hours).  Iceberg spec v2, "Schemas", "Partitioning",
 * "Sorting", "Manifests".
 */
#ifndef K2_ICEBERG_ICE_DEFINITION_H
#define K2_ICEBERG_ICE_DEFINITION_H

#include "codec/parquet.h"

enum { ICE_PARTITION_FIELDS_MAX = 4, ICE_PARTITION_ID_FIRST = 1000 };

enum ice_transform { ICE_IDENTITY, ICE_DAY };

struct ice_partition_field {
    const char *name;
    int32_t source_id; /* column's field id */
    enum ice_transform transform;
};

struct ice_definition {
    const char *name; /* of the table, without namespace */
    const struct parquet_field *field;
    size_t field_count;
    const struct ice_partition_field *partition;
    size_t partition_count;
    const int32_t *sort_id; /* field ids, ascending, nulls first; order 1.  count 0: unsorted */
    size_t sort_count;
};

struct ice_pair {
    const char *key, *value;
};

struct ice_count {
    int32_t field_id;
    int64_t value;
};

struct ice_bound {
    int32_t field_id;
    struct span value; /* Iceberg single-value serialization */
};

enum ice_status { ICE_EXISTING = 0, ICE_ADDED = 1, ICE_DELETED = 2 };
enum ice_content { ICE_DATA = 0, ICE_POSITION_DELETES = 1, ICE_EQUALITY_DELETES = 2 };

/* A manifest entry with its data file.  Memory is an arena's. */
struct ice_data_file {
    const char *path; /* full URI */
    int64_t rows;
    int64_t bytes;
    struct {
        bool is_null;
        int32_t value;
    } partition[ICE_PARTITION_FIELDS_MAX]; /* one for each field of the spec */
    const struct ice_count *column_size, *value_count, *null_count;
    size_t column_size_count, value_count_count, null_count_count;
    const struct ice_bound *lower, *upper;
    size_t lower_count, upper_count;
    const int64_t *split_offset;
    size_t split_offset_count;
    int32_t sort_order_id; /* 0: none claimed */

    enum ice_content content;
    enum ice_status status;
    int64_t snapshot_id;   /* that added (or deleted) it */
    int64_t sequence;      /* data sequence number, inherited where the manifest leaves it out */
    int64_t file_sequence; /* -1: the manifest does not say (old writers) */
    bool partial; /* read from an entry that says more than this struct holds (another file format,
                   * NaN counts, keys, other partition types): not to be written again from it */
    int64_t written_us; /* when table_write_file began it; 0: read from a manifest */
};

/* The bound of a column, or an empty span with data NULL. */
struct span ice_data_file_lower(const struct ice_data_file *file, int32_t field_id);
struct span ice_data_file_upper(const struct ice_data_file *file, int32_t field_id);
/* As numbers; false when absent or of another size. */
CHECK_RESULT bool ice_data_file_range_int64(const struct ice_data_file *file, int32_t field_id,
                                            int64_t *lower, int64_t *upper);
CHECK_RESULT bool ice_data_file_range_int32(const struct ice_data_file *file, int32_t field_id,
                                            int32_t *lower, int32_t *upper);

/* A deep copy into another arena. */
struct ice_data_file *ice_data_file_copy(struct arena *arena, const struct ice_data_file *file);

#endif
