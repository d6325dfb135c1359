/* Sends easy questions to small models and hard ones to large ones, and answers greetings itself. */
#include "sluicegate.h"

static sg_str small, large;
static int64_t tokens;
static sg_strs greetings;

static const sg_setting settings[] = {
    {"small", SG_STR(&small, 0), "The tag of targets for easy questions.", "\"small\""},
    {"large", SG_STR(&large, 0), "The tag of targets for hard questions.", "\"large\""},
    {"tokens", SG_INT(&tokens, -SG_UNBOUNDED, SG_UNBOUNDED), "A request with more tokens than that is hard.", "200"},
    {"greetings", SG_STRS(&greetings, 0, 0), "What is answered without a model.", "[\"hello\", \"hi\"]"},
};

static bool is_greeting(const sg_request *request)
{
    const sg_segment *said = sg_last_segment(request->segments, SG_ROLE_USER, SG_CHANNEL_CONTENT);
    if (said == NULL)
        return false;
    sg_str text = sg_lower(sg_trim(said->text));
    SG_EACH(const sg_str, greeting, greetings) {
        if (sg_equal(text, sg_lower(sg_trim(*greeting))))
            return true;
    }
    return false;
}

static sg_error route(const sg_request *request, sg_targets targets, sg_routing *routing)
{
    if (is_greeting(request)) {
        sg_route_answer(routing, SG("Hello. What can I do for you?"));
        sg_route_intent(routing, SG("greeting"));
        return SG_DONE;
    }
    bool hard = request->tools.len > 0 || request->tokens_estimate > tokens;
    sg_route_intent(routing, hard ? SG("hard") : SG("easy"));
    bool any = false;
    SG_EACH(const sg_target, target, targets)
        any = any || (target->healthy && sg_has_tag(target, hard ? large : small));
    for (size_t at = 0; at < targets.len; at++) {
        const sg_target *target = sg_at(targets, at);
        if (!target->healthy)
            continue;
        if (!any || sg_has_tag(target, hard ? large : small))
            sg_route_to(routing, at);
        if (!hard && sg_has_tag(target, large))
            sg_route_on_rejection(routing, at);
    }
    return SG_DONE;
}

SG_PLUGIN(.name = "tiers", .version = "0.1.0", .summary = "Easy questions to small models, hard ones to large ones.",
          .settings = SG_SETTINGS(settings))
SG_ROUTER(.route = route)
