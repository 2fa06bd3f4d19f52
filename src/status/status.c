// SPDX-License-Identifier: Apache-2.0
/* status.c: which part of the status port a request is for. */
#include "status/status.h"

#include "status/jobs_text.h"
#include "status/registry_api.h"

static const char *const registry_paths[] = { "/subjects", "/schemas", "/config",
                                              "/compatibility" };

static bool is_of_registry(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(registry_paths); i++) {
        size_t size = strlen(registry_paths[i]);

        if (strncmp(path, registry_paths[i], size) == 0 &&
            (path[size] == '\0' || path[size] == '/'))
            return true;
    }
    return false;
}

static void answer_jobs(const struct status *status, bool is_health, struct status_answer *answer)
{
    struct runner_view *view = mem_zero(status->jobs, sizeof(*view));

    for (size_t i = 0; i < status->jobs; i++)
        runner_look(status->runner, i, &view[i]);
    if (is_health) {
        answer->type = "application/json";
        answer->status = jobs_text_health(view, status->jobs, &answer->body) ? 200 : 503;
    } else {
        answer->type = "text/plain; version=0.0.4";
        answer->status = 200;
        jobs_text_metrics(view, status->jobs, &answer->body);
    }
    free(view);
}

static void say(struct status_answer *answer, int status, const char *text)
{
    answer->status = status;
    answer->type = "text/plain";
    buf_put_text(&answer->body, text);
}

void status_answer(const struct status *status, const struct status_request *request,
                   struct status_answer *answer)
{
    bool is_health = strcmp(request->path, "/health") == 0;
    bool is_metrics = strcmp(request->path, "/metrics") == 0;

    if (is_of_registry(request->path) && status->registry == NULL)
        say(answer, 404, "The schema registry is not this process: see registry.url.\n");
    else if (is_of_registry(request->path))
        registry_api_answer(status->registry, request, answer);
    else if (!is_health && !is_metrics)
        say(answer, 404, "There are /health, /metrics, /subjects, /schemas and /config.\n");
    else if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        say(answer, 405, "GET, and nothing else.\n");
    else
        answer_jobs(status, is_health, answer);
}
