// SPDX-License-Identifier: Apache-2.0
/* audit_tables.h: the tables as an audit holds them: one snapshot each, its map and its files. */
#ifndef K2_STAGE_AUDIT_TABLES_H
#define K2_STAGE_AUDIT_TABLES_H

#include "iceberg/table_read.h"
#include "protocol/own_rows.h"
#include "protocol/setting.h"
#include "stage/audit.h"
#include "stage/audit_report.h"
#include "stage/tables.h"

/* Whose rows a file holds.  A foreign compaction keeps our key or loses it, and which of the two it
 * was cannot be told once its snapshot is forgotten: such rows are UNSURE, they fill what is absent
 * and are never one too many. */
enum audit_origin { AUDIT_UNOPENED, AUDIT_OURS, AUDIT_OTHERS, AUDIT_UNSURE };

struct audit_file {
    const char *path;
    int64_t bytes, rows, sequence, file_sequence;
    int64_t time_low, time_high; /* inclusive; all of int64 without statistics */
    int64_t offset_low, offset_high;
    int64_t stamp_high;         /* of the table's stamp; INT64_MAX without statistics */
    bool is_appended_by_others; /* by a listed snapshot that is not ours and no compaction */
    enum own_level level;       /* should it lack our key */
    enum audit_origin origin;
};

struct audit_table {
    struct chain_table chain;
    const struct ice_snapshot *snapshot; /* NULL: absent or empty */
    struct positions map;                /* at that snapshot */
    int stamp;                /* the column that says when K2 wrote a row: what T speaks of */
    bool has_begun;           /* files are listed of a snapshot behind the map's */
    struct own_claims claims; /* on rows of files without our key; none: refused */
    bool has_claims;
    struct setting_skip *skip; /* what k2.skipped lists */
    size_t skip_count;
    struct audit_file *file;
    size_t count;
    int64_t rows;
    int64_t taken;     /* Silver: Gold has taken files up to this data sequence number */
    int64_t oldest_us; /* the oldest stamp; INT64_MIN without statistics */
};

struct audit_exchange {
    struct tables_names names;
    struct audit_table bronze, silver;
};

struct audit {
    const struct audit_options *options;
    struct arena arena;
    struct audit_report report;
    struct audit_exchange *exchange;
    size_t exchange_count;
    struct audit_table dead, gold;
    int64_t since_us; /* stamps from here on are compared; 0: all */
};

/* Fixes a snapshot of every table, Gold's first, and lists their files. */
CHECK_RESULT int audit_tables_fix(struct audit *audit, struct err *err);
void audit_tables_deinit(struct audit *audit);
/* What others did to the tables, once all their files were opened that had to be. */
int audit_tables_foreign(struct audit *audit, struct err *err);

/* Opens a file and finds out whose it is.  RETRY when it is gone. */
CHECK_RESULT int audit_tables_open(struct table_reader *reader, struct audit_table *table,
                                   struct audit_file *file, struct err *err);

/* Finds out which rows of files without our key are ours, once; where the rows do not match the
 * map, there are no claims, and all such rows fill what is absent. */
CHECK_RESULT int audit_tables_claim(struct audit_table *table, struct err *err);

/* Is this row of a file without our key ours, by those claims? */
bool audit_tables_holds(const struct audit_table *table, const struct audit_file *file,
                        struct span topic, int32_t partition, int64_t offset);

/* Columns of the next rows of a row group into column[0 .. count); those of index -1 are left
 * empty. *rows is all zero before the first; a group of others' may be many times what fits into
 * memory. AUDIT_NO_ROWS: there are no more.  RETRY when the file is gone. */
enum { AUDIT_NO_ROWS = 1 };
CHECK_RESULT int audit_tables_columns(struct table_reader *reader, size_t group, const int *index,
                                      size_t count, struct table_rows *rows, struct column *column,
                                      struct err *err);

static inline const char *audit_table_name(const struct audit_table *table)
{
    return table->chain.table.definition.name;
}

#endif
