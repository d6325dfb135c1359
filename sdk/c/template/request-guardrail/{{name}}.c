/* {{summary}} */
#include "sluicegate.h"

static int64_t tokens_max;

static const sg_setting settings[] = {
    {"tokens_max", SG_INT(&tokens_max, 1, SG_UNBOUNDED), "Requests with more tokens are refused.", "8000"},
};

static sg_error check(const sg_request *request, sg_verdict *verdict)
{
    if (request->tokens_estimate > tokens_max)
        sg_deny(verdict, SG("too-long"), SG("This request is too long. Please send less text."));
    return SG_DONE;
}

SG_PLUGIN(.name = "{{name}}", .version = "0.1.0", .summary = "{{summary}}", .settings = SG_SETTINGS(settings))
SG_REQUEST_GUARDRAIL(.check = check)
