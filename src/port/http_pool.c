// SPDX-License-Identifier: Apache-2.0
/* http_pool.c: handles that are not in use lie in a list; there are as many as threads were ever
 * in a request at once. */
#include "port/http_pool.h"

#include "core/micros.h"
#include "core/num.h"

#include <pthread.h>
#include <stdlib.h>

enum { FIRST_PAUSE_US = 100000, PAUSE_US_MAX = 5000000, ASKED_S_MAX = 10 };

struct http_pool {
    struct http_opener opener;
    pthread_mutex_t lock;
    struct http **idle;
    size_t count, capacity;
};

static int open_curl(void *context, struct http **out, struct err *err)
{
    (void)context;
    return http_curl_open(out, err);
}

const struct http_opener http_opener_curl = { open_curl, NULL };

struct http_pool *http_pool_new(const struct http_opener *opener)
{
    struct http_pool *pool = mem_zero(1, sizeof(*pool));

    pool->opener = *opener;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void http_pool_free(struct http_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->count; i++)
        http_close(pool->idle[i]);
    free(pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct http *take(struct http_pool *pool)
{
    struct http *http = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->count > 0)
        http = pool->idle[--pool->count];
    pthread_mutex_unlock(&pool->lock);
    return http;
}

static void put_back(struct http_pool *pool, struct http *http)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->count == pool->capacity) {
        pool->capacity = pool->capacity * 2 + 4;
        pool->idle = mem_realloc(pool->idle, pool->capacity, sizeof(struct http *));
    }
    pool->idle[pool->count++] = http;
    pthread_mutex_unlock(&pool->lock);
}

int http_pool_send(struct http_pool *pool, const struct http_request *request,
                   struct http_answer *answer, struct err *err)
{
    struct http *http = take(pool);
    int rc;

    if (http == NULL && pool->opener.open(pool->opener.context, &http, err) < 0)
        return -1;
    rc = http_send(http, request, answer, err);
    put_back(pool, http);
    return rc;
}

bool http_is_passing(int status)
{
    return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static int64_t asked_us(const struct http_answer *answer)
{
    struct span text;
    int64_t seconds = 0;

    if (answer == NULL || !http_answer_header(answer, "Retry-After", &text))
        return 0;
    for (size_t i = 0; i < text.size && seconds < ASKED_S_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0; /* a date: our own pause serves */
        seconds = seconds * 10 + (text.data[i] - '0');
    }
    return (seconds < ASKED_S_MAX ? seconds : ASKED_S_MAX) * MICROS_SECOND;
}

void http_pause(struct clock *clock, int failures, const struct http_answer *answer)
{
    int64_t most_us = PAUSE_US_MAX;
    int64_t pause_us;

    if (failures < 6)
        most_us = (int64_t)FIRST_PAUSE_US << failures;
    if (most_us > PAUSE_US_MAX)
        most_us = PAUSE_US_MAX;
    pause_us = (int64_t)(clock_random(clock) % (uint64_t)most_us);
    clock_wait_us(clock, pause_us + asked_us(answer));
}
