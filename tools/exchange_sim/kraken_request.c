// SPDX-License-Identifier: Apache-2.0
/* kraken_request.c: {"event":"subscribe","pair":[…],"subscription":{"name":"trade"},"reqid":1} of
 * v1 and
 * {"method":"subscribe","params":{"channel":"trade","symbol":[…],"snapshot":true},"req_id":1} of
 * v2. */
#include "kraken.h"

static void take_names(const struct json *json, const struct json_value *value,
                       struct kraken_request *request)
{
    request->has_names = value->type == JSON_ARRAY;
    request->names_wrong = value->type != JSON_ARRAY;
    request->names = *json;
}

static void take_channel(const struct json_value *value, struct kraken_request *request)
{
    request->has_channel = value->type == JSON_STRING;
    request->channel = *value;
}

static int take_params(struct json *json, bool v2, struct kraken_request *request, struct err *err)
{
    struct json_value key, value;
    int rc;

    while ((rc = json_member(json, &key, &value, err)) == 0) {
        if (json_is(&key, v2 ? SPAN("channel") : SPAN("name")))
            take_channel(&value, request);
        else if (v2 && json_is(&key, SPAN("symbol")))
            take_names(json, &value, request);
        else if (v2 && json_is(&key, SPAN("snapshot")))
            request->snapshot = value.type == JSON_TRUE;
        if (json_skip(json, &value, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

bool kraken_request_parse(struct span text, bool v2, struct kraken_request *request)
{
    struct json json;
    struct json_value key, value;
    struct err err;
    int rc;

    json_init(&json, text);
    if (json_check(text, &err) < 0 || json_value(&json, &value, &err) < 0 ||
        value.type != JSON_OBJECT)
        return false;
    while ((rc = json_member(&json, &key, &value, &err)) == 0) {
        if (json_is(&key, v2 ? SPAN("method") : SPAN("event")) && value.type == JSON_STRING) {
            request->has_method = true;
            request->method = value;
        } else if (json_is(&key, v2 ? SPAN("req_id") : SPAN("reqid")) &&
                   value.type == JSON_NUMBER) {
            request->has_id = true;
            request->id = value;
        } else if (!v2 && json_is(&key, SPAN("pair"))) {
            take_names(&json, &value, request);
        } else if (json_is(&key, v2 ? SPAN("params") : SPAN("subscription"))) {
            if (value.type == JSON_OBJECT) {
                rc = take_params(&json, v2, request, &err);
                continue;
            }
            request->params_wrong = true;
        }
        if (json_skip(&json, &value, &err) < 0)
            return false;
    }
    return rc == JSON_END;
}

int kraken_request_name(struct kraken_request *request, struct buf *name)
{
    struct json_value value;
    struct err err;

    buf_clear(name);
    if (!request->has_names || json_element(&request->names, &value, &err) != 0)
        return -1;
    if (value.type != JSON_STRING)
        return json_skip(&request->names, &value, &err) < 0 ? -1 : 1;
    return json_unescape(&value, name, &err) < 0 ? 1 : 0;
}
