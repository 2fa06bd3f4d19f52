// SPDX-License-Identifier: Apache-2.0
/* pace.c: see the header's table. */
#include "stage/pace.h"

#include "core/num.h"
#include "stage/stage.h"

#define BACKOFF_US     INT64_C(100000)
#define BACKOFF_US_MAX INT64_C(10000000)
#define AGAIN_US       INT64_C(30000000)
#define OTHER_US       INT64_C(5000000)
#define AGAIN_US_MAX   INT64_C(600000000)

void pace_init(struct pace *pace, int64_t interval_us, int64_t now_us)
{
    *pace = (struct pace){
        .interval_us = interval_us, .set_us = now_us, .due_us = now_us, .backoff_us = BACKOFF_US
    };
}

static void set_due(struct pace *pace, int64_t due_us, int64_t now_us)
{
    pace->set_us = now_us;
    pace->due_us = int64_max(due_us, now_us);
}

/* Whatever was wrong is over; the news of that. */
static enum pace_news become_well(struct pace *pace)
{
    enum pace_state before = pace->state;

    pace->state = PACE_WELL;
    pace->backoff_us = BACKOFF_US;
    pace->refusal[0] = 0;
    if (before == PACE_STANDBY)
        return PACE_TAKES_OVER;
    return before == PACE_WELL ? PACE_NO_NEWS : PACE_RECOVERED;
}

static enum pace_news had_batch(struct pace *pace, int64_t now_us)
{
    pace->lost = 0;
    pace->has_batch = true;
    pace->batch_us = pace->look_us;
    pace->is_looking = true;
    set_due(pace, now_us, now_us);
    return become_well(pace);
}

static enum pace_news took_all(struct pace *pace, int64_t now_us)
{
    enum pace_news news = had_batch(pace, now_us);

    pace->is_looking = false;
    set_due(pace, pace->look_us + pace->interval_us, now_us);
    return news;
}

static enum pace_news was_idle(struct pace *pace, int64_t now_us)
{
    bool stands_by = pace->state == PACE_STANDBY;

    pace->lost = 0;
    set_due(pace, pace->look_us + (stands_by ? PACE_CADENCES : 1) * pace->interval_us, now_us);
    return stands_by ? PACE_NO_NEWS : become_well(pace);
}

static enum pace_news has_lost(struct pace *pace, const char *rival, int64_t now_us)
{
    bool is_same = pace->lost > 0 && strncmp(rival, pace->rival, sizeof(pace->rival) - 1) == 0;
    bool stands_by = pace->state == PACE_STANDBY;

    pace->lost = is_same ? pace->lost + 1 : 1;
    snprintf(pace->rival, sizeof(pace->rival), "%s", rival);
    if (!stands_by && pace->lost < PACE_LOST_MAX) {
        set_due(pace, now_us, now_us);
        return become_well(pace);
    }
    pace->state = PACE_STANDBY;
    set_due(pace, now_us + PACE_CADENCES * pace->interval_us, now_us);
    return stands_by ? PACE_NO_NEWS : PACE_STANDS_BY;
}

static enum pace_news waits(struct pace *pace, bool is_new, const struct err *err, int64_t now_us)
{
    bool is_other = strncmp(pace->reason, err->text, sizeof(pace->reason) - 1) != 0;

    if (is_new)
        pace->waits_us = now_us;
    else if (now_us >= pace->said_us &&
             now_us - pace->said_us < (is_other ? OTHER_US : pace->again_us))
        return PACE_NO_NEWS;
    pace->again_us = is_new || is_other ? AGAIN_US : int64_min(2 * pace->again_us, AGAIN_US_MAX);
    pace->said_us = now_us;
    snprintf(pace->reason, sizeof(pace->reason), "%.63s", err->text);
    return is_new ? PACE_BEGINS_TO_WAIT : PACE_STILL_WAITS;
}

static enum pace_news has_failed(struct pace *pace, const struct err *err, int64_t now_us)
{
    enum pace_state before = pace->state;

    switch (err->kind) {
    case ERR_RETRY:
    case ERR_FULL:
        pace->state = PACE_WAITING;
        set_due(pace, now_us + pace->backoff_us, now_us);
        pace->backoff_us = int64_min(2 * pace->backoff_us, BACKOFF_US_MAX);
        return waits(pace, before != PACE_WAITING, err, now_us);
    case ERR_REFUSED:
        pace->state = PACE_REFUSED;
        set_due(pace, now_us + PACE_CADENCES * pace->interval_us, now_us);
        if (strcmp(pace->refusal, err->text) == 0)
            return PACE_NO_NEWS;
        snprintf(pace->refusal, sizeof(pace->refusal), "%s", err->text);
        return PACE_IS_REFUSED;
    default:
        pace->state = PACE_FAILED;
        set_due(pace, INT64_MAX, now_us);
        return PACE_HAS_FAILED;
    }
}

enum pace_news pace_stepped(struct pace *pace, int rc, const struct err *err, const char *rival,
                            int64_t began_us, int64_t now_us)
{
    if (!pace->is_looking)
        pace->look_us = began_us;
    pace->is_looking = false;
    switch (rc) {
    case 0:
        return had_batch(pace, now_us);
    case PACE_ALL_TAKEN:
        return took_all(pace, now_us);
    case STAGE_IDLE:
        return was_idle(pace, now_us);
    case STAGE_LOST:
        return has_lost(pace, rival, now_us);
    default:
        return has_failed(pace, err, now_us);
    }
}

void pace_woken(struct pace *pace, int64_t now_us)
{
    int64_t at = pace->has_batch ? pace->batch_us + pace->interval_us : now_us;

    /* A batch that lies in the future was before the clock ran back. */
    if (pace->has_batch && pace->batch_us > now_us)
        at = now_us;
    if (pace->state == PACE_WELL && at < pace->due_us)
        set_due(pace, at, now_us);
}

int64_t pace_wait_us(const struct pace *pace, int64_t now_us)
{
    if (pace->due_us == INT64_MAX)
        return INT64_MAX;
    if (now_us < pace->set_us)
        return 0;
    return int64_max(0, pace->due_us - now_us);
}
