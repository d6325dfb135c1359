/* {{summary}} */
#include "sluicegate.h"

static sg_str tag;

static const sg_setting settings[] = {
    {"tag", SG_STR(&tag, 0), "The tag of the targets that are good at code.", "\"code\""},
};

static sg_error route(const sg_request *request, sg_targets targets, sg_routing *routing)
{
    const sg_segment *said = sg_last_segment(request->segments, SG_ROLE_USER, SG_CHANNEL_CONTENT);
    if (said == NULL || !sg_contains(said->text, SG("```")))
        return SG_DONE;
    sg_route_intent(routing, SG("code"));
    for (size_t at = 0; at < targets.len; at++) {
        const sg_target *target = sg_at(targets, at);
        if (target->healthy && sg_has_tag(target, tag))
            sg_route_to(routing, at);
    }
    return SG_DONE;
}

SG_PLUGIN(.name = "{{name}}", .version = "0.1.0", .summary = "{{summary}}", .settings = SG_SETTINGS(settings))
SG_ROUTER(.route = route)
