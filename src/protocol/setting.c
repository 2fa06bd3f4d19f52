// SPDX-License-Identifier: Apache-2.0
/* setting.c: the entries that differ between two maps become a batch without files.  The list of
 * what was skipped is made anew for each base that is tried, so that two operators add to it. */
#include "protocol/setting.h"

#include "core/micros.h"
#include "core/num.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

int setting_open(struct setting *setting, struct chain_table *chain, struct arena *arena,
                 bool will_count, struct err *err)
{
    int rc;

    *setting = (struct setting){ .chain = chain, .arena = arena, .main = ICE_NONE };
    positions_init(&setting->before, arena);
    positions_init(&setting->after, arena);
    chain->is_uncounted = will_count;
    rc = chain_load(chain, arena, &setting->before, err);
    if (rc != 0)
        return rc;
    setting->main = chain->table.metadata->main;
    positions_copy(&setting->after, arena, &setting->before);
    return 0;
}

/* -- rows */

struct tally {
    struct setting *setting;
    struct buf runs; /* struct setting_run */
    const char *topic;
};

/* Without our key a row is none of ours where the map has not come to, or when it was there before
 * the row that the map speaks of. */
static enum own_level level_at(const struct position_offset *told, enum own_level level,
                               int64_t file_sequence, int64_t at)
{
    if (level == OWN_KEYED)
        return OWN_KEYED;
    if (told == NULL || at > told->high ||
        (at == told->high && told->high_sequence != 0 && file_sequence <= told->high_sequence))
        return OWN_APPENDED;
    return level;
}

static int tally_file(void *context, const struct ice_data_file *file, enum own_level level,
                      const struct column *topic, const struct column *partition,
                      const struct column *offset, struct err *err)
{
    struct tally *tally = context;
    const struct position_offset *told = NULL;
    struct setting_run run = { .topic = NULL };

    (void)err;
    for (size_t row = 0; row < offset->rows; row++) {
        struct setting_run one = { .level = level };

        if (column_is_null(offset, row) || column_is_null(partition, row) ||
            (topic != NULL && column_is_null(topic, row)))
            continue;
        if (topic != NULL && (tally->topic == NULL ||
                              !span_equal(span_text(tally->topic), column_bytes(topic, row))))
            tally->topic = arena_text(tally->setting->arena, column_bytes(topic, row));
        one.topic = tally->topic;
        one.partition = column_int32(partition, row);
        one.first = one.last = column_int64(offset, row);
        if (run.topic != one.topic || run.partition != one.partition)
            told = positions_offset(&tally->setting->before, one.topic, one.partition);
        one.level = level_at(told, level, file->file_sequence, one.first);
        if (run.topic == one.topic && run.partition == one.partition && run.level == one.level &&
            run.last < INT64_MAX && one.first == run.last + 1) {
            run.last = one.last;
            continue;
        }
        if (run.topic != NULL)
            buf_put(&tally->runs, &run, sizeof(run));
        run = one;
    }
    if (run.topic != NULL)
        buf_put(&tally->runs, &run, sizeof(run));
    return 0;
}

static int by_place(const void *left, const void *right)
{
    const struct setting_run *a = left, *b = right;
    int order = strcmp(a->topic, b->topic);

    if (order != 0)
        return order;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

int setting_count(struct setting *setting, struct err *err)
{
    struct tally tally = { .setting = setting, .topic = setting->chain->origin.only_topic };
    const struct own_rows_visitor visitor = { .visit = tally_file, .context = &tally };
    const struct ice_metadata *metadata = setting->chain->table.metadata;
    int rc;

    if (setting->is_counted)
        return 0;
    rc = own_rows_visit_all(setting->chain, metadata, &visitor, err);
    if (rc == 0) {
        setting->run_count = tally.runs.size / sizeof(*setting->run);
        setting->run = arena_zero(setting->arena, setting->run_count + 1, sizeof(*setting->run));
        if (setting->run_count > 0)
            memcpy(setting->run, tally.runs.data, tally.runs.size);
        qsort(setting->run, setting->run_count, sizeof(*setting->run), by_place);
        setting->is_counted = true;
    }
    buf_deinit(&tally.runs);
    return rc <= 0 ? rc
                   : err_set(err, ERR_RETRY, "%s: a live file is gone",
                             setting->chain->table.definition.name);
}

static bool is_of(const struct setting_run *run, const char *topic, int32_t partition,
                  enum own_level first, enum own_level last)
{
    return run->partition == partition && run->level >= first && run->level <= last &&
           strcmp(run->topic, topic) == 0;
}

/* Offsets that rows down to `level` hold, each once. */
static int64_t distinct(const struct setting *setting, const char *topic, int32_t partition,
                        enum own_level level)
{
    int64_t count = 0;
    int64_t end = INT64_MIN;

    for (size_t i = 0; i < setting->run_count; i++) {
        const struct setting_run *run = &setting->run[i];

        if (!is_of(run, topic, partition, OWN_KEYED, level) || run->last < end)
            continue;
        count += run->last - int64_max(run->first, end) + 1;
        end = run->last + 1;
    }
    return count;
}

enum own_level setting_level(const struct setting *setting, const char *topic, int32_t partition)
{
    int64_t all = distinct(setting, topic, partition, OWN_UNSURE);
    enum own_level level = OWN_KEYED;

    while (level < OWN_UNSURE && distinct(setting, topic, partition, level) < all)
        level++;
    return level;
}

int64_t setting_rows(const struct setting *setting, const char *topic, int32_t partition,
                     enum own_level first, enum own_level last, int64_t from, int64_t to,
                     int64_t *high)
{
    int64_t rows = 0;

    *high = POSITION_NONE;
    for (size_t i = 0; i < setting->run_count; i++) {
        const struct setting_run *run = &setting->run[i];
        int64_t low = int64_max(run->first, from);
        int64_t end = int64_min(run->last, to > INT64_MIN ? to - 1 : to);

        if (!is_of(run, topic, partition, first, last) || low > end)
            continue;
        rows += end - low + 1;
        *high = int64_max(*high, end);
    }
    return rows;
}

void setting_skip_range(struct setting *setting, const char *topic, int32_t partition, int64_t from,
                        int64_t to)
{
    struct setting_skip *grown;

    if (from >= to)
        return;
    if ((setting->skip_count & (setting->skip_count - 1)) == 0) {
        grown = arena_zero(setting->arena, 2 * setting->skip_count + 1, sizeof(*grown));
        if (setting->skip_count > 0)
            memcpy(grown, setting->skip, setting->skip_count * sizeof(*grown));
        setting->skip = grown;
    }
    setting->skip[setting->skip_count++] =
        (struct setting_skip){ .topic = topic, .partition = partition, .from = from, .to = to };
}

void setting_skip_absent(struct setting *setting, const char *topic, int32_t partition,
                         enum own_level level, int64_t from, int64_t to)
{
    for (size_t i = 0; i < setting->run_count && from < to; i++) {
        const struct setting_run *run = &setting->run[i];

        if (!is_of(run, topic, partition, OWN_KEYED, level) || run->last < from)
            continue;
        setting_skip_range(setting, topic, partition, from, int64_min(run->first, to));
        from = run->last + 1;
    }
    setting_skip_range(setting, topic, partition, from, to);
}

/* -- the map as it shall be */

struct position_offset setting_entry(const struct setting *setting, const char *topic,
                                     int32_t partition, const char *cluster)
{
    const struct position_offset *old = positions_offset(&setting->after, topic, partition);

    if (old != NULL)
        return *old;
    return (struct position_offset){ .topic = topic,
                                     .cluster = cluster,
                                     .partition = partition,
                                     .last = POSITION_NONE,
                                     .high = POSITION_NONE };
}

void setting_retain_from(struct setting *setting, const char *topic, int32_t partition,
                         int64_t from)
{
    const struct position_retained retained = { topic, partition, from };

    positions_set_retained(&setting->after, &retained);
}

void setting_go_forward(struct setting *setting, const char *topic, int32_t partition, int64_t from,
                        int64_t to, const char *cluster)
{
    struct position_offset entry = setting_entry(setting, topic, partition, cluster);

    if (positions_offset(&setting->after, topic, partition) == NULL)
        setting_retain_from(setting, topic, partition, from);
    entry.next = to;
    entry.last = POSITION_NONE; /* it may be of another log */
    entry.last_us = 0;
    entry.cluster = cluster;
    positions_set_offset(&setting->after, &entry);
    setting_skip_range(setting, topic, partition, from, to);
}

void setting_forget_input(struct setting *setting, const char *table)
{
    const struct position_input begin = {
        .table = table, .uuid = "", .snapshot = POSITION_NONE, .begun = POSITION_NONE
    };

    if (positions_input(&setting->after, table) != NULL)
        positions_set_input(&setting->after, &begin);
}

/* -- the list */

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

static bool parse_skip(struct json_object *object, struct arena *arena, struct setting_skip *skip)
{
    struct json_object *partition = NULL, *from = NULL, *to = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, "partition", &partition) ||
        !json_object_object_get_ex(object, "from", &from) ||
        !json_object_object_get_ex(object, "to", &to))
        return false;
    *skip = (struct setting_skip){
        .topic = arena_text(arena, span_text(text_of(object, "topic"))),
        .partition = json_object_get_int(partition),
        .from = json_object_get_int64(from),
        .to = json_object_get_int64(to),
        .time = arena_text(arena, span_text(text_of(object, "time"))),
        .who = arena_text(arena, span_text(text_of(object, "who"))),
        .reason = arena_text(arena, span_text(text_of(object, "reason"))),
    };
    return true;
}

int setting_skipped(const struct ice_metadata *metadata, struct arena *arena,
                    struct setting_skip **skip, size_t *count, struct err *err)
{
    const char *text = ice_metadata_property(metadata, SETTING_SKIPPED_KEY);
    struct json_object *root = text == NULL ? NULL : json_tokener_parse(text);
    bool good = text == NULL || json_object_is_type(root, json_type_array);

    *count = good && root != NULL ? json_object_array_length(root) : 0;
    *skip = arena_zero(arena, *count + 1, sizeof(**skip));
    for (size_t i = 0; good && i < *count; i++)
        good = parse_skip(json_object_array_get_idx(root, i), arena, &(*skip)[i]);
    json_object_put(root);
    return good ? 0
                : err_set(err, ERR_CORRUPT, "property %s is no list of ranges: %.120s",
                          SETTING_SKIPPED_KEY, text);
}

static void put_skip(struct json_object *list, const struct setting_skip *skip)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "topic", json_object_new_string(skip->topic));
    json_object_object_add(object, "partition", json_object_new_int(skip->partition));
    json_object_object_add(object, "from", json_object_new_int64(skip->from));
    json_object_object_add(object, "to", json_object_new_int64(skip->to));
    json_object_object_add(object, "time", json_object_new_string(skip->time));
    json_object_object_add(object, "who", json_object_new_string(skip->who));
    if (skip->reason[0] != 0)
        json_object_object_add(object, "reason", json_object_new_string(skip->reason));
    json_object_array_add(list, object);
}

/* NULL for an empty list. */
static const char *list_text(struct json_object *list, struct arena *arena)
{
    const char *text = NULL;

    if (json_object_array_length(list) > 0)
        text =
            arena_text(arena, span_text(json_object_to_json_string_ext(
                                  list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
    json_object_put(list);
    return text;
}

/* -- the commit */

struct commit {
    struct setting *setting;
    struct commit_batch batch;
    struct position_offset *offset;
    struct position_input *input;
    const char **name; /* of the inputs */
    struct position_retained *retained;
    struct ice_pair property, summary[2];
};

static bool same_offset(const struct position_offset *a, const struct position_offset *b)
{
    return a != NULL && positions_same_offset(a, b) && a->last_us == b->last_us &&
           strcmp(a->cluster, b->cluster) == 0;
}

static bool same_input(const struct position_input *a, const struct position_input *b)
{
    return a != NULL && positions_same_input(a, b) && strcmp(a->uuid, b->uuid) == 0;
}

/* The entries of `after` that `before` has not. */
static void take_changes(struct commit *commit)
{
    const struct positions *before = &commit->setting->before, *after = &commit->setting->after;
    struct arena *arena = commit->setting->arena;
    struct commit_batch *batch = &commit->batch;

    commit->offset = arena_zero(arena, after->offset_count + 1, sizeof(*commit->offset));
    commit->input = arena_zero(arena, after->input_count + 1, sizeof(*commit->input));
    commit->name = arena_zero(arena, after->input_count + 1, sizeof(*commit->name));
    commit->retained = arena_zero(arena, after->retained_count + 1, sizeof(*commit->retained));
    for (size_t i = 0; i < after->offset_count; i++) {
        const struct position_offset *to = &after->offset[i];

        if (!same_offset(positions_offset(before, to->topic, to->partition), to))
            commit->offset[batch->offset_count++] = *to;
    }
    for (size_t i = 0; i < after->input_count; i++)
        if (!same_input(positions_input(before, after->input[i].table), &after->input[i])) {
            commit->name[batch->input_count] = after->input[i].table;
            commit->input[batch->input_count++] = after->input[i];
        }
    for (size_t i = 0; i < after->retained_count; i++) {
        const struct position_retained *to = &after->retained[i];

        if (positions_retained(before, to->topic, to->partition) != to->from)
            commit->retained[batch->retained_count++] = *to;
    }
    batch->planned = before;
    batch->offset = commit->offset;
    batch->input = commit->input;
    batch->complete_of = commit->name; /* which claim nothing */
    batch->complete_of_count = batch->input_count;
    batch->retained = commit->retained;
    batch->begins_epoch = after->epoch != before->epoch;
}

/* As after a rollback to before it was skipped: it is listed anew. */
static bool is_listed_anew(const struct setting *setting, const struct setting_skip *skip)
{
    const struct setting_skip *now = setting->skip;

    for (size_t i = 0; i < setting->skip_count; i++)
        if (now[i].partition == skip->partition && strcmp(now[i].topic, skip->topic) == 0 &&
            now[i].from <= skip->from && now[i].to >= skip->to)
            return true;
    return false;
}

static int plan_list(struct commit *commit, const struct ice_metadata *base, struct err *err)
{
    struct setting *setting = commit->setting;
    struct json_object *list;
    struct setting_skip *old;
    size_t count;

    if (setting_skipped(base, setting->arena, &old, &count, err) != 0)
        return -1;
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        if (!is_listed_anew(setting, &old[i]))
            put_skip(list, &old[i]);
    for (size_t i = 0; i < setting->skip_count; i++)
        put_skip(list, &setting->skip[i]);
    commit->property = (struct ice_pair){ SETTING_SKIPPED_KEY, list_text(list, setting->arena) };
    commit->batch.property_count = commit->property.value != NULL || count > 0 ? 1 : 0;
    return 0;
}

static int plan_files(void *context, const struct ice_metadata *base,
                      const struct ice_metadata *previous, const struct ice_data_file *const **file,
                      size_t *count, struct err *err)
{
    struct commit *commit = context;

    (void)previous;
    *file = NULL;
    *count = 0;
    if (commit->setting->is_counted && base->main != commit->setting->main)
        return COMMIT_LOST;
    return plan_list(commit, base, err);
}

static void put_summary(struct commit *commit, const char *who, const char *reason)
{
    struct setting *setting = commit->setting;
    struct json_object *list = json_object_new_array();
    char time[MICROS_TEXT_BYTES_MAX];

    micros_format(clock_now_us(setting->chain->table.ports.clock), time);
    for (size_t i = 0; i < setting->skip_count; i++) {
        setting->skip[i].time = arena_text(setting->arena, span_text(time));
        setting->skip[i].who = who;
        setting->skip[i].reason = reason;
        put_skip(list, &setting->skip[i]);
    }
    commit->summary[0] =
        (struct ice_pair){ SETTING_BY_KEY, arena_printf(setting->arena, "%s%s%s", who,
                                                        reason[0] != 0 ? ": " : "", reason) };
    commit->summary[1] = (struct ice_pair){ SETTING_SKIPPED_KEY, list_text(list, setting->arena) };
    commit->batch.summary = commit->summary;
    commit->batch.summary_count = commit->summary[1].value == NULL ? 1 : 2;
}

bool setting_changes(struct setting *setting)
{
    struct commit commit = { .setting = setting };

    take_changes(&commit);
    return commit.batch.offset_count + commit.batch.input_count + commit.batch.retained_count > 0 ||
           setting->skip_count > 0;
}

int setting_commit(struct setting *setting, const char *who, const char *reason, struct err *err)
{
    struct commit commit = { .setting = setting };

    take_changes(&commit);
    put_summary(&commit, who, reason);
    commit.batch.plan_files = plan_files;
    commit.batch.context = &commit;
    commit.batch.property = &commit.property;
    return commit_run(setting->chain, &commit.batch, err);
}

/* -- for people */

static void describe_offset(const struct setting *setting, const struct position_offset *to,
                            struct buf *out)
{
    const struct position_offset *from =
        positions_offset(&setting->before, to->topic, to->partition);
    const struct position_offset begin = { .high = POSITION_NONE };

    from = from == NULL ? &begin : from;
    if (from->next == to->next && from->rows == to->rows && from->high == to->high &&
        from->last == to->last)
        return;
    buf_printf(out, "  topic %s partition %" PRId32 ": next offset %" PRId64 " -> %" PRId64,
               to->topic, to->partition, from->next, to->next);
    if (from->rows != to->rows || from->high != to->high)
        buf_printf(out,
                   ", %" PRId64 " rows up to offset %" PRId64 " -> %" PRId64 " rows up to %" PRId64,
                   from->rows, from->high, to->rows, to->high);
    if (positions_retained(&setting->before, to->topic, to->partition) !=
        positions_retained(&setting->after, to->topic, to->partition))
        buf_printf(out, ", answers from %" PRId64 " on",
                   positions_retained(&setting->after, to->topic, to->partition));
    buf_put_byte(out, '\n');
}

static void put_snapshot(const struct position_input *input, struct buf *out)
{
    if (input == NULL || input->snapshot == POSITION_NONE)
        buf_printf(out, "the beginning of epoch %" PRId64, input == NULL ? 0 : input->epoch);
    else
        buf_printf(out, "snapshot %" PRId64 " of epoch %" PRId64, input->snapshot, input->epoch);
    if (input != NULL && input->begun != POSITION_NONE)
        buf_printf(out, " and %" PRId64 " files of %" PRId64, input->taken, input->begun);
}

static void describe_input(const struct setting *setting, const struct position_input *to,
                           struct buf *out)
{
    const struct position_input *from = positions_input(&setting->before, to->table);

    if (from != NULL && positions_same_input(from, to))
        return;
    buf_printf(out, "  table %s: taken to ", to->table);
    put_snapshot(from, out);
    buf_put_text(out, " -> ");
    put_snapshot(to, out);
    buf_put_byte(out, '\n');
}

void setting_describe(const struct setting *setting, struct buf *out)
{
    buf_printf(out, "%s\n", setting->chain->table.definition.name);
    for (size_t i = 0; i < setting->after.offset_count; i++)
        describe_offset(setting, &setting->after.offset[i], out);
    for (size_t i = 0; i < setting->after.input_count; i++)
        describe_input(setting, &setting->after.input[i], out);
    for (size_t i = 0; i < setting->skip_count; i++)
        buf_printf(out,
                   "  skips topic %s partition %" PRId32 " offsets [%" PRId64 ", %" PRId64 ")\n",
                   setting->skip[i].topic, setting->skip[i].partition, setting->skip[i].from,
                   setting->skip[i].to);
    if (setting->after.epoch != setting->before.epoch)
        buf_printf(out, "  begins epoch %" PRId64 "\n", setting->after.epoch);
}
