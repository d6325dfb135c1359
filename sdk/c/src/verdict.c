/* What a plugin says, and what is done to it before the host reads it. */
#include "internal.h"

sg_error sg_fail(const char *message)
{
    return (sg_error){SG_OTHER, sg_cstr(message)};
}

sg_error sg_unsupported(const char *message)
{
    return (sg_error){SG_UNSUPPORTED, sg_cstr(message)};
}

sg_error sg_unavailable(const char *message)
{
    return (sg_error){SG_UNAVAILABLE, sg_cstr(message)};
}

size_t sg_index(size_t index, size_t len, const char *file, int line)
{
    if (index >= len)
        sg_panic("an index out of bounds", file, line);
    return index;
}

sg_span sg_range(size_t start, size_t end)
{
    if (start > end || end > UINT32_MAX)
        SG_PANIC("a span ends before it starts");
    return (sg_span){(uint32_t)start, (uint32_t)end};
}

sg_str sg_or(sg_optional_str given, sg_str fallback)
{
    return given.given ? given.value : fallback;
}

const sg_segment *sg_last_segment(sg_segments segments, sg_role role, sg_channel channel)
{
    const sg_segment *last = NULL;
    SG_EACH(const sg_segment, segment, segments) {
        if (segment->role == role && segment->channel == channel)
            last = segment;
    }
    return last;
}

const sg_segment *sg_segment_by_id(sg_segments segments, uint32_t id)
{
    SG_EACH(const sg_segment, segment, segments) {
        if (segment->id == id)
            return segment;
    }
    return NULL;
}

bool sg_has_tag(const sg_target *target, sg_str tag)
{
    SG_EACH(const sg_str, one, target->tags) {
        if (sg_equal(*one, tag))
            return true;
    }
    return false;
}

sg_optional_str sg_attribute(const sg_exchange *exchange, sg_str name)
{
    SG_EACH(const sg_pair, attribute, exchange->attributes) {
        if (sg_equal(attribute->name, name))
            return (sg_optional_str){true, attribute->value};
    }
    return (sg_optional_str){0};
}

void sg_deny(sg_verdict *verdict, sg_str code, sg_str reason)
{
    verdict->denied = true;
    verdict->denial = (sg_denial){code, reason, {0}};
}

void sg_deny_with_detail(sg_verdict *verdict, sg_str code, sg_str reason, sg_str detail)
{
    sg_deny(verdict, code, reason);
    verdict->denial.detail = (sg_optional_str){true, detail};
}

void sg_mask(sg_verdict *verdict, sg_span span, sg_str replacement)
{
    SG_PUSH(&verdict->edits) = (sg_edit){0, span, replacement, false};
}

void sg_mask_and_restore(sg_verdict *verdict, sg_span span, sg_str replacement)
{
    SG_PUSH(&verdict->edits) = (sg_edit){0, span, replacement, true};
}

void sg_mask_in(sg_verdict *verdict, const sg_segment *segment, sg_span span, sg_str replacement)
{
    SG_PUSH(&verdict->edits) = (sg_edit){segment->id, span, replacement, false};
}

void sg_mask_and_restore_in(sg_verdict *verdict, const sg_segment *segment, sg_span span, sg_str replacement)
{
    SG_PUSH(&verdict->edits) = (sg_edit){segment->id, span, replacement, true};
}

void sg_note(sg_verdict *verdict, sg_str rule, float score)
{
    SG_PUSH(&verdict->findings) = (sg_finding){rule, {0}, score};
}

void sg_note_at(sg_verdict *verdict, sg_str rule, sg_span span, float score)
{
    SG_PUSH(&verdict->findings) = (sg_finding){rule, {true, span}, score};
}

void sg_hold(sg_verdict *verdict, size_t bytes)
{
    if (bytes > verdict->hold)
        verdict->hold = bytes;
}

void sg_retry(sg_verdict *verdict, sg_str correction)
{
    verdict->retried = true;
    verdict->correction = correction;
}

void sg_route_to(sg_routing *routing, size_t index)
{
    routing->decision = SG_ROUTE_TARGETS;
    SG_ASSERT(index <= UINT32_MAX);
    SG_PUSH(&routing->targets) = (uint32_t)index;
}

void sg_route_on_rejection(sg_routing *routing, size_t index)
{
    SG_ASSERT(index <= UINT32_MAX);
    SG_PUSH(&routing->on_rejection) = (uint32_t)index;
}

void sg_route_answer(sg_routing *routing, sg_str text)
{
    routing->decision = SG_ROUTE_ANSWER;
    routing->text = text;
}

void sg_route_escalate(sg_routing *routing, sg_str queue, sg_str text)
{
    routing->decision = SG_ROUTE_ESCALATE;
    routing->queue = queue;
    routing->text = text;
}

void sg_route_deny(sg_routing *routing, sg_str code, sg_str reason)
{
    routing->decision = SG_ROUTE_DENY;
    routing->denial = (sg_denial){code, reason, {0}};
}

void sg_route_intent(sg_routing *routing, sg_str intent)
{
    routing->intent = (sg_optional_str){true, intent};
}

void sg_route_note(sg_routing *routing, sg_str rule, float score)
{
    SG_PUSH(&routing->findings) = (sg_finding){rule, {0}, score};
}

void sg_look_up(sg_intention *intention, sg_str key, uint64_t age_ms_max)
{
    intention->look_up = true;
    intention->key = key;
    intention->age_ms_max = age_ms_max;
}

void sg_look_up_meaning(sg_intention *intention, sg_str text, float threshold)
{
    intention->by_meaning = true;
    intention->meaning = text;
    intention->threshold = threshold;
}

float sg_similarity(sg_vector one, sg_vector other)
{
    float sum = 0;
    for (size_t at = 0; at < one.len && at < other.len; at++)
        sum += one.data[at] * other.data[at];
    return sum;
}

/* From 0 to 1; what is not a number is 0. */
static float score_of(float score)
{
    return score > 0 ? (score < 1 ? score : 1) : 0;
}

/* On borders of characters of this text, and within it. */
static sg_span fitted(sg_span span, sg_str text)
{
    if (span.start > span.end)
        SG_PANIC("a span ends before it starts");
    return (sg_span){(uint32_t)sg_floor(text, span.start), (uint32_t)sg_ceil(text, span.end)};
}

/* The host refuses a verdict with more. Edits of which there are too many must not be dropped; findings may. */
#define FINDINGS_MAX 1000

static void fit_findings(sg_finding_list *findings, const sg_str *text)
{
    if (findings->len > FINDINGS_MAX)
        findings->len = FINDINGS_MAX;
    for (size_t at = 0; at < findings->len; at++) {
        sg_finding *finding = &findings->data[at];
        finding->score = score_of(finding->score);
        if (finding->span.given && text != NULL)
            finding->span.value = fitted(finding->span.value, *text);
    }
}

sg_error sg_run_inspect(const sg_text_guardrail *guardrail, const sg_window *window, sg_verdict *verdict)
{
    SG_ASSERT(guardrail->inspect != NULL);
    SG_TRY(guardrail->inspect(window, verdict));
    if (verdict->retried)
        return sg_fail("a text guardrail cannot ask for another answer");
    for (size_t at = 0; at < verdict->edits.len; at++) {
        sg_edit *edit = &verdict->edits.data[at];
        edit->span = fitted(edit->span, window->text);
    }
    fit_findings(&verdict->findings, &window->text);
    /* What is released cannot be held back. */
    size_t undecided = window->text.len - (window->context < window->text.len ? window->context : window->text.len);
    size_t hold = verdict->hold < undecided ? verdict->hold : undecided;
    verdict->hold = window->final ? 0 : window->text.len - sg_floor(window->text, window->text.len - hold);
    return SG_DONE;
}

/* In which of the segments an edit is. Those of an agent's request are many, and in order more often than not. */
static const sg_segment *segment_of(sg_segments segments, uint32_t id, size_t *near)
{
    for (size_t tried = 0; tried < segments.len; tried++) {
        size_t at = (*near + tried) % segments.len;
        if (segments.data[at].id == id) {
            *near = at;
            return &segments.data[at];
        }
    }
    return NULL;
}

static sg_error fit_verdict(sg_verdict *verdict, sg_segments segments)
{
    size_t near = 0;
    for (size_t at = 0; at < verdict->edits.len; at++) {
        sg_edit *edit = &verdict->edits.data[at];
        const sg_segment *segment = segment_of(segments, edit->segment, &near);
        if (segment == NULL)
            return sg_fail("an edit is in a segment that is not there");
        edit->span = fitted(edit->span, segment->text);
    }
    fit_findings(&verdict->findings, NULL);
    return SG_DONE;
}

sg_error sg_run_check_request(const sg_request_guardrail *guardrail, const sg_request *request, sg_verdict *verdict)
{
    SG_ASSERT(guardrail->check != NULL);
    SG_TRY(guardrail->check(request, verdict));
    if (verdict->retried)
        return sg_fail("a request guardrail cannot ask for another answer");
    return fit_verdict(verdict, request->segments);
}

sg_error sg_run_check_answer(const sg_answer_guardrail *guardrail, const sg_request *request, const sg_answer *answer,
                             sg_verdict *verdict)
{
    SG_ASSERT(guardrail->check != NULL);
    SG_TRY(guardrail->check(request, answer, verdict));
    return fit_verdict(verdict, answer->segments);
}

static sg_error check_indices(const sg_index_list *indices, size_t targets)
{
    bool *named = sg_new(bool, targets);
    for (size_t at = 0; at < indices->len; at++) {
        uint32_t index = indices->data[at];
        if (index >= targets)
            return sg_fail("the router names a target that is not there");
        if (named[index])
            return sg_fail("the router names a target twice");
        named[index] = true;
    }
    return SG_DONE;
}

sg_error sg_run_route(const sg_router *router, const sg_request *request, sg_targets targets, sg_routing *routing)
{
    SG_ASSERT(router->route != NULL);
    SG_TRY(router->route(request, targets, routing));
    fit_findings(&routing->findings, NULL);
    if (routing->decision == SG_ROUTE_TARGETS)
        SG_TRY(check_indices(&routing->targets, targets.len));
    return check_indices(&routing->on_rejection, targets.len);
}

sg_error sg_run_plan(const sg_cache *cache, const sg_request *request, sg_findings findings, sg_intention *intention)
{
    SG_ASSERT(cache->plan != NULL);
    return cache->plan(request, findings, intention);
}

sg_error sg_run_accept(const sg_cache *cache, const sg_request *request, const sg_candidate *candidate, bool *accepted)
{
    return cache->accept == NULL ? SG_DONE : cache->accept(request, candidate, accepted);
}

sg_error sg_run_admit(const sg_cache *cache, const sg_request *request, const sg_answer *answer, sg_findings findings,
                      uint64_t *ttl_ms)
{
    return cache->admit == NULL ? SG_DONE : cache->admit(request, answer, findings, ttl_ms);
}
