/* Answers single questions from memory, also when they are put in other words. */
#include "sluicegate.h"

static int64_t ttl_s;
static double threshold;

static const sg_setting settings[] = {
    {"ttl_s", SG_INT(&ttl_s, 1, SG_UNBOUNDED), "For how long an answer is kept, in seconds.", "3600"},
    {"threshold", SG_NUMBER(&threshold, 0, 1), "Least cosine similarity of questions that mean the same.", "0.92"},
};

static uint64_t ttl_ms(void)
{
    uint64_t ms;
    return __builtin_mul_overflow((uint64_t)ttl_s, (uint64_t)1000, &ms) ? UINT64_MAX : ms;
}

/* In lower case, with single spaces, without what ends a sentence. */
static sg_str normalized(sg_str text)
{
    sg_buffer words = {0};
    text = sg_lower(sg_trim(text));
    for (size_t at = 0; at < text.len; at++) {
        bool space = sg_is_space(text.data[at]);
        if (!space)
            sg_add_byte(&words, text.data[at]);
        else if (!sg_is_space(text.data[at - 1]))
            sg_add_byte(&words, ' ');
    }
    sg_str result = sg_text(&words);
    while (result.len > 0 && sg_find(SG("?!. "), sg_from(result, result.len - 1), 0) != SG_NONE)
        result.len--;
    return result;
}

/* The one thing that the user has said, or nothing. */
static sg_str question_of(const sg_request *request)
{
    const sg_segment *only = NULL;
    SG_EACH(const sg_segment, segment, request->segments) {
        if (segment->role != SG_ROLE_USER || segment->channel != SG_CHANNEL_CONTENT)
            continue;
        if (only != NULL)
            return SG("");
        only = segment;
    }
    return only == NULL ? SG("") : normalized(only->text);
}

static sg_error plan(const sg_request *request, sg_findings findings, sg_intention *intention)
{
    sg_str question = question_of(request);
    if (findings.len == 0 && request->tools.len == 0 && question.len > 0) {
        sg_look_up(intention, question, ttl_ms());
        sg_look_up_meaning(intention, question, (float)threshold);
    }
    return SG_DONE;
}

/* The next number at or behind `*at`; empty at the end. */
static sg_str next_number(sg_str text, size_t *at)
{
    while (*at < text.len && !sg_is_digit(text.data[*at]))
        ++*at;
    size_t start = *at;
    while (*at < text.len && sg_is_digit(text.data[*at]))
        ++*at;
    return sg_cut(text, start, *at);
}

/* Questions may mean nearly the same and differ in what counts. */
static sg_error accept(const sg_request *request, const sg_candidate *candidate, bool *accepted)
{
    sg_str question = question_of(request), number;
    size_t here = 0, there = 0;
    do {
        number = next_number(question, &here);
        *accepted = sg_equal(number, next_number(candidate->question, &there));
    } while (*accepted && number.len > 0);
    return SG_DONE;
}

static sg_error admit(const sg_request *request, const sg_answer *answer, sg_findings findings, uint64_t *kept_ms)
{
    (void)request;
    bool says = false;
    SG_EACH(const sg_segment, segment, answer->segments)
        says = says || (segment->channel == SG_CHANNEL_CONTENT && sg_trim(segment->text).len > 0);
    if (says && findings.len == 0 && answer->finish == SG_FINISH_STOP)
        *kept_ms = ttl_ms();
    return SG_DONE;
}

SG_PLUGIN(.name = "faq", .version = "0.1.0", .summary = "Answers single questions from memory.",
          .settings = SG_SETTINGS(settings))
SG_CACHE(.plan = plan, .accept = accept, .admit = admit)
