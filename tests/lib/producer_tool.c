// SPDX-License-Identifier: Apache-2.0
/*
 * producer_tool.c: somebody else's producer, on the registry and log of a data folder.
 *
 *   producer_tool DATA_DIR TOPIC PARTITIONS
 *
 * Lines on stdin, each answered by one on stdout:
 *
 *   S SCHEMA                 registers it: its id
 *   R PARTITION HEX          a record, kept until the next F: ok
 *   T PARTITION MICROS HEX   the same with a time of its own
 *   N PARTITION              the same without a value: a tombstone
 *   F                        sends what is kept as one group: the number of records acknowledged
 */
#include "lib/bytes.h"
#include "port/clock.h"
#include "port/log.h"
#include "port/registry.h"

#include <inttypes.h>

enum { RECORDS_MAX = 4096 };

struct tool {
    struct registry *registry;
    struct log *log;
    struct clock *clock;
    const char *topic;
    struct log_record record[RECORDS_MAX];
    struct buf value[RECORDS_MAX];
    size_t count;
    uint64_t sent;
};

/* R, T and N. */
static int add_record(struct tool *tool, char type, const char *rest)
{
    struct buf *value = &tool->value[tool->count];
    struct log_record *record = &tool->record[tool->count];
    int64_t now_us = clock_now_us(tool->clock);
    char *end;

    if (tool->count == RECORDS_MAX)
        abort();
    *record =
        (struct log_record){ .partition = (int32_t)strtol(rest, &end, 10), .timestamp_us = now_us };
    if (type == 'T')
        record->timestamp_us = strtoll(end, &end, 10);
    buf_clear(value);
    buf_reserve(value, 1); /* an empty value is not none */
    bytes_put_hex(value, end);
    if (type != 'N')
        record->value = buf_span(value);
    tool->count++;
    return puts("ok") < 0 ? -1 : 0;
}

static int flush(struct tool *tool, struct err *err)
{
    uint64_t acknowledged = 0;

    if (tool->count > 0 && log_send(tool->log, tool->topic, tool->record, tool->count, err) != 0)
        return -1;
    tool->sent += tool->count;
    tool->count = 0;
    while (acknowledged < tool->sent)
        if (log_poll(tool->log, 100000, &acknowledged, err) != 0)
            return -1;
    printf("%" PRIu64 "\n", acknowledged);
    return 0;
}

static int take_line(struct tool *tool, const char *line, struct err *err)
{
    int32_t id;

    switch (line[0]) {
    case 'S':
        if (registry_put(tool->registry, "producer-value",
                         span_of(line + 2, strcspn(line + 2, "\n")), &id, err) != 0)
            return -1;
        printf("%" PRId32 "\n", id);
        return 0;
    case 'R':
    case 'T':
    case 'N':
        return add_record(tool, line[0], line + 2);
    default:
        return flush(tool, err);
    }
}

int main(int argc, char **argv)
{
    static struct tool tool;
    char path[2][4096];
    char *line = NULL;
    size_t capacity = 0;
    struct err err = { 0 };
    int rc = -1;

    if (argc != 4)
        return 2;
    snprintf(path[0], sizeof(path[0]), "%s/k2.db", argv[1]);
    snprintf(path[1], sizeof(path[1]), "%s/log.db", argv[1]);
    tool.topic = argv[2];
    tool.clock = clock_system_open();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (registry_sqlite_open(path[0], NULL, &tool.registry, &err) == 0 &&
        log_sqlite_open(path[1], &tool.log, &err) == 0)
        rc = log_ensure_topic(tool.log, tool.topic, (int32_t)strtol(argv[3], NULL, 10), &err);
    while (rc == 0 && getline(&line, &capacity, stdin) > 0)
        rc = take_line(&tool, line, &err);
    if (rc != 0)
        fprintf(stderr, "producer_tool: %s\n", err.text);
    for (size_t i = 0; i < RECORDS_MAX; i++)
        buf_deinit(&tool.value[i]);
    free(line);
    log_close(tool.log);
    registry_close(tool.registry);
    clock_close(tool.clock);
    return rc != 0;
}
