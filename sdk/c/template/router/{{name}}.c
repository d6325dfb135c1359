/* {{summary}} */
#include "sluicegate.h"

static sg_str tag;
static int64_t tokens_max;

static const sg_setting settings[] = {
    {"tag", SG_STR(&tag, 1), "The tag of the targets for short requests.", "\"small\""},
    {"tokens_max", SG_INT(&tokens_max, 1, SG_UNBOUNDED), "A request with more tokens than that is not short.", "200"},
};

static sg_error route(const sg_request *request, sg_targets targets, sg_routing *routing)
{
    if (request->tools.len > 0 || request->tokens_estimate > tokens_max)
        return SG_DONE;
    sg_route_intent(routing, SG("short"));
    for (size_t at = 0; at < targets.len; at++) {
        const sg_target *target = sg_at(targets, at);
        if (target->healthy && sg_has_tag(target, tag))
            sg_route_to(routing, at);
    }
    return SG_DONE;
}

SG_PLUGIN(.name = "{{name}}", .version = "0.1.0", .summary = "{{summary}}", .settings = SG_SETTINGS(settings))
SG_ROUTER(.route = route)
