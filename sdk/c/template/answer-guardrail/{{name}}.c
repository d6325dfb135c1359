/* {{summary}} */
#include "sluicegate.h"

static sg_str phrase;

static const sg_setting settings[] = {
    {"phrase", SG_STR(&phrase, 1), "What an answer must not say, exactly as it is written.", "\"I guarantee\""},
};

static sg_error check(const sg_request *request, const sg_answer *answer, sg_verdict *verdict)
{
    (void)request;
    SG_EACH(const sg_segment, segment, answer->segments) {
        if (segment->channel == SG_CHANNEL_CONTENT && sg_contains(segment->text, phrase)) {
            sg_note(verdict, SG("promise"), 1);
            sg_retry(verdict, SG("Do not promise anything."));
            break;
        }
    }
    return SG_DONE;
}

SG_PLUGIN(.name = "{{name}}", .version = "0.1.0", .summary = "{{summary}}", .settings = SG_SETTINGS(settings))
SG_ANSWER_GUARDRAIL(.check = check)
