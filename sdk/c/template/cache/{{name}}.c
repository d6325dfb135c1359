/* {{summary}} */
#include "sluicegate.h"

static int64_t ttl_s;

static const sg_setting settings[] = {
    {"ttl_s", SG_INT(&ttl_s, 1, SG_UNBOUNDED), "Seconds for which an answer is fresh.", "3600"},
};

/* The only text of the user, unless a conversation has begun: that is hardly ever had again. */
static const sg_segment *question_of(const sg_request *request)
{
    const sg_segment *only = NULL;
    SG_EACH(const sg_segment, segment, request->segments) {
        if (segment->role == SG_ROLE_ASSISTANT || segment->role == SG_ROLE_TOOL)
            return NULL;
        if (segment->role != SG_ROLE_USER || segment->channel != SG_CHANNEL_CONTENT)
            continue;
        if (only != NULL)
            return NULL;
        only = segment;
    }
    return only;
}

static sg_error plan(const sg_request *request, sg_findings findings, sg_intention *intention)
{
    const sg_segment *question = question_of(request);
    if (question != NULL && request->tools.len == 0 && findings.len == 0)
        sg_look_up(intention, sg_lower(sg_trim(question->text)), (uint64_t)ttl_s * 1000);
    return SG_DONE;
}

static sg_error admit(const sg_request *request, const sg_answer *answer, sg_findings findings, uint64_t *ttl_ms)
{
    (void)request;
    if (findings.len == 0 && answer->finish == SG_FINISH_STOP)
        *ttl_ms = (uint64_t)ttl_s * 1000;
    return SG_DONE;
}

SG_PLUGIN(.name = "{{name}}", .version = "0.1.0", .summary = "{{summary}}", .settings = SG_SETTINGS(settings))
SG_CACHE(.plan = plan, .admit = admit)
