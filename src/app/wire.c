// SPDX-License-Identifier: Apache-2.0
/*
 * wire.c: paths under data_dir, and what memory buys.
 *
 * A batch of 128 bytes of raw records a row and some 600 bytes decoded is held about twice by the
 * widest stage (Silver: raw and decoded), so a 4,096th of the memory in rows and an eighth of it in
 * raw bytes leave room for all stages of an exchange at once; each exchange has its share.
 */
#include "app/wire.h"

#include "codec/avro_compat.h"
#include "core/micros.h"
#include "core/num.h"
#include "port/catalog_rest.h"
#include "port/local.h"
#include "port/log_kafka.h"
#include "port/registry_http.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDLE_COMMIT_US     (60 * MICROS_SECOND)
#define DOWNSTREAM_LOOK_US (30 * MICROS_SECOND)
#define REACH_US           (10 * MICROS_SECOND)

enum { MEMORY_BYTES_A_ROW = 4096, MEMORY_PART_RAW = 8, MEMORY_PART_FETCHED = 4 };

static bool is(const char *type, const char *word)
{
    return strcmp(type, word) == 0;
}

/* The embedded adapters' files that parts need and that are not there. */
static int need_data(const struct wire *wire, int parts, struct err *err)
{
    const struct config *config = wire->config;
    struct stat status;
    const char *missing = NULL;

    if ((((parts & WIRE_TABLES) != 0 && is(config->catalog_type, "sqlite")) ||
         ((parts & WIRE_REGISTRY) != 0 && is(config->registry_type, "embedded"))) &&
        stat(wire->database, &status) < 0)
        missing = wire->database;
    if ((parts & WIRE_LOG) != 0 && is(config->log_type, "embedded") &&
        stat(wire->log_file, &status) < 0)
        missing = wire->log_file;
    if (missing == NULL)
        return 0;
    if (errno != ENOENT)
        return err_errno(err, "%s", missing);
    return err_set(err, ERR_CONFIG,
                   "%s is not there: `k2 run` makes it; for a data folder elsewhere set data_dir",
                   missing);
}

static void name_worker(struct wire *wire)
{
    char host[65] = "";

    if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == 0)
        snprintf(host, sizeof(host), "host");
    wire->worker = arena_printf(&wire->arena, "%s-%ld-%08" PRIx32, host, (long)getpid(),
                                (uint32_t)clock_random(wire->clock));
}

static int open_rest_catalog(struct wire *wire, struct err *err)
{
    const struct config *config = wire->config;
    const struct catalog_rest_options options = {
        .uri = config->catalog_uri,
        .warehouse = config->catalog_warehouse,
        .token = config->catalog_token,
        .client_id = config->catalog_client_id,
        .client_secret = config->catalog_client_secret,
        .oauth2_uri = config->catalog_oauth2_uri,
        .scope = config->catalog_scope,
        .vends = is(config->catalog_vends, "true"),
    };

    return catalog_rest_open(&options, &http_opener_curl, wire->clock, &wire->catalog, err);
}

static int open_s3(struct wire *wire, struct err *err)
{
    const struct config *config = wire->config;
    struct store_s3_options options = {
        .endpoint = config->store_endpoint,
        .region = config->store_region,
        .bucket = config->store_bucket,
        .prefix = config->store_prefix,
        .path_style = is(config->store_path_style, "true"),
    };

    if (options.endpoint[0] == 0)
        options.endpoint =
            arena_printf(&wire->arena, "https://s3.%s.amazonaws.com", config->store_region);
    if (is(config->catalog_vends, "true")) {
        options.credentials = catalog_rest_credentials(wire->catalog);
    } else {
        wire->keys = s3_keys_new(config->store_access_key, config->store_secret_key,
                                 config->store_session_token, config->store_credentials);
        options.credentials = s3_keys_credentials(wire->keys);
    }
    return store_s3_open(&options, &http_opener_curl, wire->clock, &wire->store, err);
}

/* A REST catalog may vend what opens the store; the SQLite catalog writes to the store itself. */
static int open_tables(struct wire *wire, struct err *err)
{
    const struct config *config = wire->config;

    if (is(config->catalog_type, "rest") && open_rest_catalog(wire, err) < 0)
        return -1;
    if (is(config->store_type, "s3") ? open_s3(wire, err) < 0
                                     : store_local_open(wire->warehouse, &wire->store, err) < 0)
        return -1;
    if (is(config->catalog_type, "rest"))
        return 0;
    return catalog_sqlite_open(wire->database, config->catalog_name, wire->store, wire->clock,
                               &wire->catalog, err);
}

static int open_registry(struct wire *wire, struct err *err)
{
    const struct config *config = wire->config;
    const struct registry_http_options options = { .url = config->registry_url,
                                                   .user = config->registry_user,
                                                   .password = config->registry_password,
                                                   .token = config->registry_token };

    if (!wire_registry_is_embedded(config))
        return registry_http_open(&options, &http_opener_curl, wire->clock, &wire->registry, err);
    return registry_sqlite_open(wire->database, avro_compat_backward, &wire->registry, err);
}

bool wire_registry_is_embedded(const struct config *config)
{
    return is(config->registry_type, "embedded");
}

bool wire_is_embedded(const struct config *config)
{
    return is(config->catalog_type, "sqlite") || wire_registry_is_embedded(config) ||
           is(config->store_type, "local") || is(config->log_type, "embedded");
}

static int open_parts(struct wire *wire, int parts, struct err *err)
{
    const struct config *config = wire->config;

    if ((parts & WIRE_MAKE) != 0) {
        if (wire_is_embedded(config) && local_make_folder(config->data_dir, err) < 0)
            return err_wrap(err, "data_dir");
    } else if (need_data(wire, parts, err) < 0) {
        return -1;
    }
    if ((parts & WIRE_TABLES) != 0 && open_tables(wire, err) < 0)
        return -1;
    if ((parts & WIRE_REGISTRY) != 0 && open_registry(wire, err) < 0)
        return -1;
    if ((parts & WIRE_LOG) != 0 && wire_open_log(wire, &wire->log, err) < 0)
        return -1;
    return (parts & WIRE_LOG) == 0 || (parts & WIRE_LATER) != 0
               ? 0
               : log_reach(wire->log, REACH_US, err);
}

int wire_open(struct wire *wire, const struct config *config, int parts, struct err *err)
{
    *wire = (struct wire){ .config = config, .rules = TRADE_RULES_DEFAULT };
    wire->clock = clock_system_open();
    wire->database = arena_printf(&wire->arena, "%s/k2.db", config->data_dir);
    wire->log_file = arena_printf(&wire->arena, "%s/log.db", config->data_dir);
    wire->warehouse = arena_printf(&wire->arena, "%s/warehouse", config->data_dir);
    name_worker(wire);
    return open_parts(wire, parts, err);
}

void wire_close(struct wire *wire)
{
    log_close(wire->log);
    registry_close(wire->registry);
    store_close(wire->store);
    catalog_close(wire->catalog);
    s3_keys_free(wire->keys);
    clock_close(wire->clock);
    arena_deinit(&wire->arena);
    *wire = (struct wire){ 0 };
}

static int open_kafka(struct wire *wire, struct log **out, struct err *err)
{
    const struct config *config = wire->config;
    struct log_kafka_options options = {
        .brokers = config->log_brokers,
        .name = config->log_properties.name,
        .value = config->log_properties.value,
        .count = config->log_properties.count,
        .group = config->log_group,
        .replication = (int32_t)config->log_replication,
        .may_create = is(config->log_create_topics, "true"),
        .memory_bytes = (size_t)config->memory_bytes / MEMORY_PART_FETCHED,
        .partitions = (size_t)(config->binance_partitions + config->kraken_partitions),
    };

    if (options.group[0] == 0)
        options.group = arena_printf(&wire->arena, "k2-%s-bronze", config->space);
    return log_kafka_open(&options, out, err);
}

int wire_open_log(struct wire *wire, struct log **out, struct err *err)
{
    if (is(wire->config->log_type, "kafka"))
        return open_kafka(wire, out, err);
    return log_sqlite_open(wire->log_file, out, err);
}

int wire_find_log(struct wire *wire, struct err *err)
{
    struct log *log = NULL;

    if (is(wire->config->log_type, "embedded") && access(wire->log_file, F_OK) < 0)
        return errno == ENOENT ? WIRE_NO_LOG : err_errno(err, "%s", wire->log_file);
    if (wire_open_log(wire, &log, err) < 0)
        return -1;
    if (log_reach(log, REACH_US, err) < 0) {
        log_close(log);
        return -1;
    }
    wire->log = log;
    return 0;
}

int wire_open_feed(struct wire *wire, struct feed **out, struct err *err)
{
    const struct feed_websocket_options defaults = { 0 };

    return feed_websocket_open(&defaults, wire->clock, out, err);
}

int wire_open_http(struct wire *wire, struct http **out, struct err *err)
{
    (void)wire;
    return http_curl_open(out, err);
}

void wire_stage_ports(const struct wire *wire, struct stage_ports *out)
{
    size_t memory = (size_t)wire->config->memory_bytes / wire->config->exchanges.count;

    *out = (struct stage_ports){
        .table = { wire->catalog, wire->store, wire->clock },
        .log = wire->log,
        .registry = wire->registry,
        .space = wire->config->space,
        .worker = wire->worker,
        .batch_rows = size_min(memory / MEMORY_BYTES_A_ROW, STAGE_BATCH_ROWS),
        .batch_bytes = memory / MEMORY_PART_RAW,
        .idle_commit_us = IDLE_COMMIT_US,
        .complete_commit_us = IDLE_COMMIT_US,
        .downstream_look_us = DOWNSTREAM_LOOK_US,
        .delta = is(wire->config->encoding, "compact"),
    };
}

void wire_maintain_ports(const struct wire *wire, struct stage_ports *out)
{
    wire_stage_ports(wire, out);
    if (is(wire->config->log_type, "kafka"))
        out->log = NULL;
}

const char *const *wire_exchanges(const struct config *config, size_t *count)
{
    *count = config->exchanges.count;
    return config->exchanges.item;
}

int32_t wire_partitions(const struct wire *wire, const char *exchange)
{
    return (int32_t)(strcmp(exchange, "kraken") == 0 ? wire->config->kraken_partitions
                                                     : wire->config->binance_partitions);
}
