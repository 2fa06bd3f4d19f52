// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_check.c: k2 check: all that is wrong, at once.  Each look stands alone, so that one that
 * fails hides no other, and nothing is made or changed, but for an object that is written to S3 and
 * removed again.
 */
#include "app/app.h"
#include "app/cmd.h"
#include "app/jobs.h"
#include "core/micros.h"
#include "port/catalog_rest.h"
#include "port/local.h"
#include "port/log_kafka.h"
#include "port/registry_http.h"
#include "port/store_s3.h"
#include "stage/api.h"
#include "stage/tables.h"
#include "status/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CONNECT_US     (10 * MICROS_SECOND)
#define FREE_BYTES_MIN (UINT64_C(256) << 20)

struct check {
    const struct config *config;
    int problems;
};

PRINTF_LIKE(3, 4)
static void good(const struct check *check, const char *what, const char *format, ...)
{
    va_list args;

    (void)check;
    printf("ok    %-10s ", what);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* `format`: what to do about it. */
PRINTF_LIKE(4, 5)
static void bad(struct check *check, const char *what, const struct err *err, const char *format,
                ...)
{
    va_list args;

    check->problems++;
    printf("FAIL  %-10s %s: ", what, err->text);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* -- the data folder */

static void look_at_space(struct check *check, const char *folder)
{
    struct statvfs system = { 0 };
    struct err err = { 0 };
    uint64_t bytes;

    if (statvfs(folder, &system) < 0) {
        err_errno(&err, "space of %s", folder);
        bad(check, "disk", &err, "data_dir must be a folder on a local disk");
        return;
    }
    bytes = (uint64_t)system.f_bavail * system.f_frsize;
    if (bytes < FREE_BYTES_MIN) {
        err_set(&err, ERR_FULL, "%" PRIu64 " MiB are free under %s", bytes >> 20, folder);
        bad(check, "disk", &err, "make room, at least %" PRIu64 " MiB", FREE_BYTES_MIN >> 20);
    } else if (system.f_files > 0 && system.f_favail == 0) {
        err_set(&err, ERR_FULL, "no inode is free under %s", folder);
        bad(check, "disk", &err, "delete files there");
    } else {
        good(check, "disk", "%" PRIu64 " MiB are free under %s", bytes >> 20, folder);
    }
}

static void look_at_writing(struct check *check, const char *folder, bool is_data_dir)
{
    struct err err = { 0 };

    if (access(folder, W_OK | X_OK) == 0) {
        good(check, "data_dir", is_data_dir ? "%s can be written" : "to be made under %s", folder);
        return;
    }
    err_errno(&err, "write in %s", folder);
    bad(check, "data_dir", &err, "chown or chmod it for user %ld, or set data_dir elsewhere",
        (long)geteuid());
}

static void look_at_file_system(struct check *check, const char *folder)
{
    struct err err = { 0 };

    if (local_refuse_network(folder, &err) == 0)
        good(check, "disk", "%s is on a local file system", folder);
    else
        bad(check, "disk", &err, "set data_dir to a folder on one");
}

/* The folder itself, or the nearest one above it that is there; appended to *out. */
static bool find_folder(const char *path, struct buf *out)
{
    struct stat status;
    bool is_there = stat(path, &status) == 0;

    buf_put_text(out, path);
    while (out->size > 0 && stat(buf_text(out), &status) < 0 && errno == ENOENT) {
        while (out->size > 1 && out->data[out->size - 1] == '/')
            out->size--;
        while (out->size > 0 && out->data[out->size - 1] != '/')
            out->size--;
    }
    if (out->size == 0)
        buf_put_byte(out, '.');
    return is_there;
}

/* True when there is a data folder. */
static bool look_at_data_dir(struct check *check)
{
    struct buf folder = BUF_INIT;
    bool is_there = find_folder(check->config->data_dir, &folder);
    struct stat status;
    struct err err = { 0 };

    if (stat(buf_text(&folder), &status) < 0) {
        err_errno(&err, "%s", buf_text(&folder));
        bad(check, "data_dir", &err, "give this user the right to look there");
        is_there = false;
    } else if (!S_ISDIR(status.st_mode)) {
        err_set(&err, ERR_CONFIG, "%s is no folder", buf_text(&folder));
        bad(check, "data_dir", &err, "set data_dir to a folder");
        is_there = false;
    } else {
        look_at_writing(check, buf_text(&folder), is_there);
        look_at_space(check, buf_text(&folder));
        look_at_file_system(check, buf_text(&folder));
    }
    buf_deinit(&folder);
    return is_there;
}

/* -- what lies in it */

static void look_at_table(struct check *check, const struct stage_ports *ports,
                          const struct ice_definition *definition,
                          const struct chain_origin *origin)
{
    struct chain_table chain;
    struct arena arena = ARENA_INIT;
    struct positions map;
    struct err err = { 0 };
    int rc;

    stage_chain_init(&chain, ports, definition, origin);
    positions_init(&map, &arena);
    rc = chain_load(&chain, &arena, &map, &err);
    if (rc < 0)
        bad(check, "table", &err, "see docs/tables.md, `k2 positions show %s`", definition->name);
    else
        good(check, "table", rc == 0 ? "%s: loads, matches, epoch %" PRId64 : "%s: not there yet",
             definition->name, map.epoch);
    chain_deinit(&chain);
    arena_deinit(&arena);
}

static void look_at_api(struct check *check, const struct wire *wire,
                        const struct stage_ports *ports, const char *exchange)
{
    const char *api = jobs_ingest_config(wire, exchange).kind->api;
    struct err err = { 0 };
    int rc = api == NULL ? 0 : api_look(ports, exchange, api, &err);

    if (rc < 0)
        bad(check, exchange, &err, "one API version at a time writes a table, see docs/tables.md");
    else if (rc == 0 && api != NULL)
        good(check, exchange, "the tables are written through API %s", api);
}

static void look_at_tables(struct check *check, const struct wire *wire)
{
    struct ice_definition definition = tables_dead_letters();
    struct chain_origin origin = tables_dead_letters_origin();
    struct arena arena = ARENA_INIT;
    struct stage_ports ports;
    size_t count;
    const char *const *exchanges = wire_exchanges(wire->config, &count);

    wire_stage_ports(wire, &ports);
    for (size_t i = 0; i < count; i++) {
        struct tables_names names;
        struct ice_definition bronze, silver;
        struct chain_origin bronze_origin = tables_bronze_origin(), silver_origin;

        tables_names(&names, &arena, exchanges[i]);
        bronze = tables_bronze(names.bronze);
        silver = tables_silver(names.silver);
        silver_origin = tables_silver_origin(names.topic);
        look_at_table(check, &ports, &bronze, &bronze_origin);
        look_at_table(check, &ports, &silver, &silver_origin);
        look_at_api(check, wire, &ports, exchanges[i]);
    }
    look_at_table(check, &ports, &definition, &origin);
    definition = tables_gold();
    origin = tables_gold_origin();
    look_at_table(check, &ports, &definition, &origin);
    arena_deinit(&arena);
}

/* A topic's partitions against the configuration. */
static void look_at_topic(struct check *check, struct log *log, const char *topic, int32_t expected)
{
    struct err err = { 0 };
    int32_t partitions = 0;
    int rc = log_partitions(log, topic, &partitions, &err);

    if (rc < 0) {
        bad(check, "log", &err, "see that the log is whole and this user may look at it");
    } else if (rc == LOG_ABSENT) {
        good(check, "log", "topic %s: not there yet", topic);
    } else if (partitions != expected) {
        err_set(&err, ERR_CONFIG, "topic %s has %" PRId32 " partitions, the configuration %" PRId32,
                topic, partitions, expected);
        bad(check, "log", &err, "set bronze.partitions to %" PRId32, partitions);
    } else {
        good(check, "log", "topic %s: %" PRId32 " partitions", topic, partitions);
    }
}

static void look_at_log(struct check *check, struct wire *wire)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    const char *const *exchanges = wire_exchanges(wire->config, &count);

    for (size_t i = 0; i < count; i++) {
        struct tables_names names;

        tables_names(&names, &arena, exchanges[i]);
        look_at_topic(check, wire->log, names.topic, wire_partitions(wire, exchanges[i]));
        look_at_topic(check, wire->log, names.dead_topic, 1);
    }
    arena_deinit(&arena);
}

static bool exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

/* Opens one part by itself; the look that follows when that went well. */
static void look_at_part(struct check *check, const char *what, int part, const char *file,
                         void (*look)(struct check *, struct wire *))
{
    struct wire wire;
    struct err err = { 0 };

    if (!exists(file)) {
        good(check, what, "%s: not there yet, `k2 run` makes it", file);
        return;
    }
    if (wire_open(&wire, check->config, part, &err) != 0)
        bad(check, what, &err, "see that this user can read and write it, and that it is whole");
    else if (look != NULL)
        look(check, &wire);
    else
        good(check, what, "%s opens", file);
    wire_close(&wire);
}

static void look_at_catalog(struct check *check, struct wire *wire)
{
    good(check, "catalog", "%s opens as catalog %s", wire->database, check->config->catalog_name);
    look_at_tables(check, wire);
}

/* -- the status port */

static void look_at_status_port(struct check *check)
{
    const char *address = check->config->http_listen;
    struct err err = { 0 };
    int fd = -1;
    int rc = server_listen(address, &fd, &err);

    if (rc < 0)
        bad(check, "http", &err, "mend http.listen, or set it to off");
    else if (rc == SERVER_OFF)
        good(check, "http", "no status port");
    else if (rc == SERVER_TAKEN)
        good(check, "http", "%s is taken, by a `k2 run` or by another program", address);
    else
        good(check, "http", "%s is free", address);
    if (fd >= 0)
        close(fd);
}

/* -- servers */

static void look_at_bucket(struct check *check, struct wire *wire)
{
    const struct config *config = check->config;
    struct err err = { 0 };

    if (strcmp(config->catalog_vends, "true") == 0)
        good(check, "store", "%s: the catalog gives its credentials with each table",
             wire->store->root);
    else if (store_s3_check(wire->store, &err) == 0)
        good(check, "store", "%s: writes once, reads, lists, removes", wire->store->root);
    else
        bad(check, "store", &err,
            "see store.endpoint, store.region, store.bucket, store.path_style, and the rights of "
            "the keys");
}

static void look_at_servers_of_tables(struct check *check)
{
    const struct config *config = check->config;
    struct wire wire;
    struct err err = { 0 };

    if (wire_open(&wire, config, WIRE_TABLES, &err) != 0) {
        bad(check, "tables", &err, "mend the settings of store and catalog");
        goto out;
    }
    if (strcmp(config->store_type, "s3") == 0)
        look_at_bucket(check, &wire);
    if (strcmp(config->catalog_type, "rest") != 0) {
        look_at_catalog(check, &wire);
    } else if (catalog_rest_check(wire.catalog, config->space, &err) == 0) {
        good(check, "catalog", "%s lists namespace %s", config->catalog_uri, config->space);
        look_at_tables(check, &wire);
    } else {
        bad(check, "catalog", &err,
            "see catalog.uri, catalog.warehouse, catalog.token, catalog.client_id, and that the "
            "catalog is up");
    }
out:
    wire_close(&wire);
}

static void look_at_http_registry(struct check *check)
{
    struct wire wire;
    struct err err = { 0 };

    if (wire_open(&wire, check->config, WIRE_REGISTRY, &err) == 0 &&
        registry_http_check(wire.registry, &err) == 0)
        good(check, "registry", "%s lists its subjects", check->config->registry_url);
    else
        bad(check, "registry", &err, "see registry.url and that the registry is up");
    wire_close(&wire);
}

static void say_setting(void *context, const char *what, const char *fix)
{
    struct err err = { 0 };

    err_set(&err, ERR_CONFIG, "%s", what);
    bad(context, "log", &err, "%s", fix);
}

static void look_at_kafka_topic(struct check *check, struct wire *wire, const char *topic,
                                int32_t expected, bool has_group)
{
    struct err err = { 0 };

    if (log_kafka_check(wire->log, topic, has_group, say_setting, check, &err) == 0)
        look_at_topic(check, wire->log, topic, expected);
    else
        bad(check, "log", &err, "topics are looked at before they are read");
}

static void look_at_kafka(struct check *check)
{
    struct arena arena = ARENA_INIT;
    struct wire wire;
    struct err err = { 0 };
    size_t count;
    const char *const *exchanges = wire_exchanges(check->config, &count);

    if (wire_open(&wire, check->config, WIRE_LOG, &err) != 0) {
        bad(check, "log", &err, "see log.brokers and log.properties, and that the brokers are up");
        count = 0;
    } else {
        good(check, "log", "%s is cluster %s", check->config->log_brokers, wire.log->cluster);
    }
    for (size_t i = 0; i < count; i++) {
        struct tables_names names;

        tables_names(&names, &arena, exchanges[i]);
        look_at_kafka_topic(check, &wire, names.topic, wire_partitions(&wire, exchanges[i]), true);
        look_at_kafka_topic(check, &wire, names.dead_topic, 1, false);
    }
    arena_deinit(&arena);
    wire_close(&wire);
}

/* -- the exchange */

static void look_at_rest(struct check *check, struct wire *wire, const struct ingest_config *config)
{
    struct http *http = NULL;
    struct err err = { 0 };

    if (wire_open_http(wire, &http, &err) == 0 && ingest_check(config, http, &err) == 0)
        good(check, config->kind->name, "%s lists all %zu symbols", config->rest_url,
             config->symbol_count);
    else if (err.kind == ERR_CONFIG)
        bad(check, config->kind->name, &err, "mend exchanges.%s", config->kind->name);
    else
        bad(check, config->kind->name, &err, "see that this machine reaches exchanges.%s.rest_url",
            config->kind->name);
    http_close(http);
}

static int connect(struct feed *feed, struct clock *clock, const char *url, struct err *err)
{
    int64_t until_us = clock_now_us(clock) + CONNECT_US;
    struct feed_event event;
    int rc = feed_connect(feed, url, err);
    bool is_open = false;

    feed_event_init(&event);
    while (rc == 0 && !is_open) {
        if (clock_now_us(clock) >= until_us)
            rc = err_set(err, ERR_RETRY, "%s: no answer within 10 s", url);
        else
            rc = feed_next(feed, MICROS_SECOND / 10, &event, err);
        if (rc == 0 && event.type == FEED_CLOSED)
            rc = err_set(err, ERR_RETRY, "%s: %s", url, event.reason);
        is_open = rc == 0 && event.type == FEED_CONNECTED;
    }
    feed_event_deinit(&event);
    return rc;
}

static void look_at_feed(struct check *check, struct wire *wire, const struct ingest_config *config,
                         const char *configured)
{
    const struct instruments none = INSTRUMENTS_INIT;
    struct exchange *exchange = config->kind->new (&none);
    struct feed *feed = NULL;
    struct buf url = BUF_INIT;
    struct err err = { 0 };

    exchange_url(exchange, configured, &url);
    if (wire_open_feed(wire, &feed, &err) == 0 &&
        connect(feed, wire->clock, buf_text(&url), &err) == 0)
        good(check, config->kind->name, "%s takes a WebSocket", buf_text(&url));
    else
        bad(check, config->kind->name, &err, "see that this machine reaches exchanges.%s.urls",
            config->kind->name);
    feed_close(feed);
    exchange_free(exchange);
    buf_deinit(&url);
}

static void look_at_exchanges(struct check *check)
{
    struct wire wire;
    struct err err = { 0 };
    size_t count;
    const char *const *exchanges;
    int rc = wire_open(&wire, check->config, 0, &err);

    exchanges = wire_exchanges(check->config, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ingest_config config = jobs_ingest_config(&wire, exchanges[i]);

        look_at_rest(check, &wire, &config);
        for (size_t k = 0; k < config.url_count; k++)
            look_at_feed(check, &wire, &config, config.urls[k]);
    }
    wire_close(&wire);
}

static int look_at_all(const struct config *config)
{
    struct check check = { .config = config };
    struct arena arena = ARENA_INIT;
    const char *database = arena_printf(&arena, "%s/k2.db", config->data_dir);
    const char *log_file = arena_printf(&arena, "%s/log.db", config->data_dir);
    bool is_here = wire_is_embedded(config) && look_at_data_dir(&check);
    bool is_s3 = strcmp(config->store_type, "s3") == 0;
    bool is_rest = strcmp(config->catalog_type, "rest") == 0;

    if ((is_s3 && is_rest) || ((is_s3 || is_rest) && is_here))
        look_at_servers_of_tables(&check);
    else if (is_here)
        look_at_part(&check, "catalog", WIRE_TABLES, database, look_at_catalog);
    if (strcmp(config->registry_type, "http") == 0)
        look_at_http_registry(&check);
    else if (is_here)
        look_at_part(&check, "registry", WIRE_REGISTRY, database, NULL);
    if (strcmp(config->log_type, "kafka") == 0)
        look_at_kafka(&check);
    else if (is_here)
        look_at_part(&check, "log", WIRE_LOG, log_file, look_at_log);
    look_at_status_port(&check);
    look_at_exchanges(&check);
    arena_deinit(&arena);
    if (check.problems == 0)
        puts("check: ok");
    else
        printf("check: FAILED, %d problem%s\n", check.problems, check.problems == 1 ? "" : "s");
    return check.problems == 0 ? APP_DONE : APP_FAILED;
}

int cmd_check(int argc, char **argv)
{
    struct app_options options;
    struct config config;
    int code = app_parse(argc, argv, "", &options);

    if (code != APP_DONE || options.help)
        return options.help ? app_help(argv[0]) : code;
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = app_load_config(&config, options.config);
    if (code == APP_DONE) {
        good(NULL, "config", "%s", options.config == NULL ? "no file: defaults" : options.config);
        code = look_at_all(&config);
    }
    config_deinit(&config);
    return code;
}
