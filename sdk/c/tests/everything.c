/* A plugin of all kinds that uses all host functions, and shows what it was given in what it says. For tests. */
#include <stdlib.h>
#include <string.h>

#include "sluicegate.h"

static sg_str word;
static sg_strs list;
static bool flag;
static int64_t number;
static double share;
static sg_patterns patterns;

static const sg_setting settings[] = {
    {"word", SG_STR(&word, 2), "A \"word\".", "\"w\\u00f6rd\""},
    {"list", SG_STRS(&list, 1, 1), "A list.", "[\"a\"]"},
    {"flag", SG_BOOL(&flag), NULL, "false"},
    {"number", SG_INT(&number, -5, 1000), "A number.", "3"},
    {"share", SG_NUMBER(&share, 0.25, SG_UNBOUNDED), "A share.", "0.5"},
};

static sg_error configure(const sg_json *config)
{
    (void)config;
    if (flag)
        return sg_fail("the flag is set");
    sg_str expressions[] = {SG("[0-9]+"), SG("(?i)secret")};
    return sg_patterns_compile(SG_ARRAY(sg_strs, expressions), &patterns);
}

static sg_str digits_of(int64_t value)
{
    sg_buffer digits = {0};
    sg_add_number(&digits, value);
    return sg_text(&digits);
}

/* A text without a NUL, as a command. */
static bool is(sg_str text, const char *command)
{
    return sg_equal(text, sg_cstr(command));
}

static sg_error hosted(sg_str text, sg_verdict *verdict)
{
    if (is(text, "kv")) {
        sg_optional_str value;
        int64_t sum;
        SG_TRY(sg_kv_set(SG("key"), SG("value"), 1000));
        SG_TRY(sg_kv_get(SG("key"), &value));
        sg_note(verdict, sg_or(value, SG("nothing")), 1);
        SG_TRY(sg_kv_delete(SG("key")));
        SG_TRY(sg_kv_get(SG("key"), &value));
        sg_note(verdict, sg_or(value, SG("nothing")), 1);
        SG_TRY(sg_kv_increment(SG("count"), 5, SG_FOREVER, &sum));
        SG_TRY(sg_kv_increment(SG("count"), -7, SG_FOREVER, &sum));
        sg_note(verdict, digits_of(sum), 1);
    } else if (is(text, "kv-too-large")) {
        char key[600];
        memset(key, 'k', sizeof key);
        sg_error error = sg_kv_set((sg_str){key, sizeof key}, SG(""), SG_FOREVER);
        sg_note(verdict, error.kind == SG_TOO_LARGE ? SG("too-large") : SG("other"), 1);
    } else if (is(text, "clock")) {
        sg_note(verdict, digits_of((int64_t)sg_now_ms()), 1);
    } else if (is(text, "http")) {
        sg_pair headers[] = {{SG("x-a"), SG("b")}};
        sg_http_request request = {SG("crm"), SG("POST"), SG("/p"), SG_ARRAY(sg_pairs, headers), SG("body")};
        sg_http_response response;
        SG_TRY(sg_http_send(&request, &response));
        sg_note(verdict, digits_of(response.status), 1);
        sg_note(verdict, sg_at(response.headers, 0)->value, 1);
        sg_note(verdict, response.body, 1);
    } else if (is(text, "embedding")) {
        sg_str texts[] = {SG("one two"), SG("two one"), SG("three")};
        sg_vectors vectors;
        SG_TRY(sg_embed(SG_ARRAY(sg_strs, texts), &vectors));
        sg_note(verdict, SG("same"), sg_similarity(*sg_at(vectors, 0), *sg_at(vectors, 1)));
        sg_note(verdict, SG("other"), sg_similarity(*sg_at(vectors, 0), *sg_at(vectors, 2)));
    } else if (is(text, "model")) {
        sg_prompt prompt = {SG("judge"), {true, SG("system")}, SG("user"), 7, {0}};
        sg_str answer;
        SG_TRY(sg_model_complete(&prompt, &answer));
        sg_note(verdict, answer, 1);
    } else if (is(text, "libc")) {
        char *block = malloc(3);
        memcpy(block, "ab", 3);
        block = realloc(block, 4);
        memmove(block + 1, block, 3);
        sg_note(verdict, sg_copy(sg_cstr(block)), (float)(strcmp(block, "aab") == 0));
        /* Products of 64 bits, of which the compiler sees whether they overflow. */
        volatile int64_t one = -3037000499, other = 3037000500;
        int64_t product;
        sg_note(verdict, __builtin_mul_overflow(one, other, &product) ? SG("over") : digits_of(product), 1);
        one = INT64_MIN, other = -1;
        sg_note(verdict, __builtin_mul_overflow(one, other, &product) ? SG("over") : digits_of(product), 1);
        one = INT64_C(0x123456789), other = INT64_C(-0x7FFFFFFF);
        sg_note(verdict, __builtin_mul_overflow(one, other, &product) ? SG("over") : digits_of(product), 1);
        free(block);
    }
    return SG_DONE;
}

static int64_t deeper(int64_t levels)
{
    volatile char room[64] = {0};
    room[levels % 64] = 1;
    return levels == 0 ? room[0] : deeper(levels - 1) + room[1];
}

/* Mistakes that must end in a trap. */
static void mistaken(sg_str text)
{
    volatile int64_t large = INT64_MAX;
    volatile size_t length = text.len;
    int *volatile nowhere = NULL;
    int few[4] = {0};
    volatile size_t past = 4;
    if (is(text, "trap-index"))
        (void)sg_at(list, list.len);
    else if (is(text, "trap-cut"))
        sg_cut(text, 0, length + 1);
    else if (is(text, "trap-overflow"))
        large = large * 2;
    else if (is(text, "trap-null"))
        *nowhere = 1;
    else if (is(text, "trap-array"))
        few[past] = few[0] + 1;
    else if (is(text, "trap-alloc"))
        sg_alloc(SIZE_MAX / 2, 3);
    else if (is(text, "trap-memory"))
        for (;;)
            memset(sg_alloc(1 << 20, 1), 1, 1 << 20);
    else if (is(text, "trap-stack"))
        deeper(large);
    else if (is(text, "trap-assert"))
        SG_ASSERT(length == 0);
}

static sg_error inspect(const sg_window *window, sg_verdict *verdict)
{
    sg_str text = window->text;
    mistaken(text);
    if (is(text, "unsupported"))
        return sg_unsupported("not that");
    if (is(text, "window")) {
        sg_note(verdict, digits_of(window->phase * 100 + window->role * 10 + window->channel), 2);
        sg_note(verdict, digits_of(window->context), -1);
        sg_note(verdict, window->final ? SG("final") : SG("open"), 0.25f);
    }
    sg_matches matches = sg_patterns_find(patterns, text);
    SG_EACH(const sg_match, match, matches) {
        if (match->expression == 0)
            sg_mask_and_restore(verdict, match->span, SG("[{n}]"));
        else
            sg_deny_with_detail(verdict, SG("secret"), SG("No secrets."), SG("There was one."));
        sg_note_at(verdict, SG("match"), match->span, 1);
    }
    /* Inside of characters, on purpose. */
    size_t owl = sg_find(text, SG("\xF0\x9F\xA6\x89"), 0);
    if (owl != SG_NONE)
        sg_mask(verdict, sg_range(owl + 1, owl + 2), SG("owl"));
    if (!window->final && text.len > 0)
        sg_hold(verdict, 1);
    return hosted(text, verdict);
}

/* All that a request says, in one line. */
static sg_str shown(const sg_request *request)
{
    sg_buffer line = {0};
    const sg_exchange *exchange = &request->exchange;
    sg_str parts[] = {exchange->id, exchange->tenant, sg_or(exchange->user, SG("-")), sg_or(exchange->session, SG("-")),
                      digits_of(exchange->step), exchange->model, exchange->streaming ? SG("streaming") : SG("whole"),
                      sg_or(request->answer_schema, SG("-")), digits_of(request->tokens_estimate)};
    for (size_t at = 0; at < sizeof parts / sizeof parts[0]; at++) {
        sg_add(&line, parts[at]);
        sg_add_byte(&line, ' ');
    }
    SG_EACH(const sg_pair, attribute, exchange->attributes) {
        sg_add(&line, attribute->name);
        sg_add_byte(&line, '=');
        sg_add(&line, attribute->value);
        sg_add_byte(&line, ' ');
    }
    SG_EACH(const sg_segment, segment, request->segments) {
        sg_add_number(&line, segment->id);
        sg_add_byte(&line, ':');
        sg_add_number(&line, segment->role * 100 + segment->channel * 10 + (int64_t)segment->choice);
        sg_add_byte(&line, ':');
        sg_add(&line, sg_or(segment->name, SG("-")));
        sg_add_byte(&line, ':');
        sg_add(&line, segment->text);
        sg_add_byte(&line, ' ');
    }
    SG_EACH(const sg_tool, tool, request->tools) {
        sg_add(&line, tool->name);
        sg_add_byte(&line, '/');
        sg_add(&line, tool->description);
        sg_add_byte(&line, '/');
        sg_add(&line, tool->parameters);
    }
    return sg_text(&line);
}

static sg_error check_request(const sg_request *request, sg_verdict *verdict)
{
    sg_note(verdict, shown(request), 1);
    const sg_segment *last = sg_last_segment(request->segments, SG_ROLE_USER, SG_CHANNEL_CONTENT);
    if (last == NULL)
        return sg_unavailable("nobody has said anything");
    if (is(last->text, "deny"))
        sg_deny(verdict, SG("denied"), SG("No."));
    else if (is(last->text, "elsewhere"))
        sg_mask_in(verdict, &(sg_segment){.id = 77}, sg_range(0, 0), SG(""));
    else if (last->text.len >= 2)
        sg_mask_in(verdict, last, sg_range(1, 2), SG("*"));
    return SG_DONE;
}

static sg_error check_answer(const sg_request *request, const sg_answer *answer, sg_verdict *verdict)
{
    sg_note(verdict, shown(request), 1);
    sg_note(verdict, answer->target, 1);
    sg_note(verdict, digits_of(answer->finish), 1);
    const sg_usage *usage = &answer->usage.value;
    sg_note(verdict, answer->usage.given ? digits_of(usage->input_tokens * 1000 + usage->cached_input_tokens * 100 +
                                                     usage->output_tokens * 10 + usage->reasoning_tokens)
                                         : SG("-"), 1);
    const sg_segment *said = sg_at(answer->segments, 0);
    if (is(said->text, "retry"))
        sg_retry(verdict, SG("Say more."));
    else if (is(said->text, "deny"))
        sg_deny(verdict, SG("denied"), SG("No."));
    else
        sg_mask_and_restore_in(verdict, said, sg_range(0, said->text.len), SG("<{n}>"));
    return SG_DONE;
}

static sg_error route(const sg_request *request, sg_targets targets, sg_routing *routing)
{
    const sg_segment *last = sg_last_segment(request->segments, SG_ROLE_USER, SG_CHANNEL_CONTENT);
    sg_str text = last == NULL ? SG("") : last->text;
    SG_EACH(const sg_target, target, targets) {
        sg_buffer line = {0};
        sg_str parts[] = {target->name, target->provider, target->model, target->healthy ? SG("up") : SG("down"),
                          digits_of(target->in_flight), digits_of(target->first_token_ms.given ? (int64_t)target->first_token_ms.value : -1),
                          digits_of((int64_t)(target->input_dollars_per_million.value * 100)),
                          digits_of((int64_t)(target->output_dollars_per_million.value * 100)),
                          digits_of(target->context_tokens.value)};
        for (size_t at = 0; at < sizeof parts / sizeof parts[0]; at++) {
            sg_add(&line, parts[at]);
            sg_add_byte(&line, ' ');
        }
        SG_EACH(const sg_str, tag, target->tags)
            sg_add(&line, *tag);
        sg_route_note(routing, sg_text(&line), 1);
    }
    if (is(text, "answer"))
        sg_route_answer(routing, SG("Mine."));
    else if (is(text, "escalate"))
        sg_route_escalate(routing, SG("queue"), SG("Wait."));
    else if (is(text, "deny"))
        sg_route_deny(routing, SG("denied"), SG("No."));
    else if (is(text, "twice"))
        sg_route_to(routing, 0), sg_route_to(routing, 0);
    else if (is(text, "past"))
        sg_route_to(routing, targets.len);
    else
        for (size_t at = targets.len; at > 0; at--)
            sg_route_to(routing, at - 1), sg_route_on_rejection(routing, targets.len - at);
    sg_route_intent(routing, text);
    return SG_DONE;
}

static sg_error plan(const sg_request *request, sg_findings findings, sg_intention *intention)
{
    if (findings.len > 0)
        sg_look_up(intention, sg_at(findings, 0)->rule, UINT64_C(1) << 40);
    if (findings.len > 1)
        sg_look_up_meaning(intention, shown(request), sg_at(findings, 1)->score);
    return SG_DONE;
}

static sg_error accept(const sg_request *request, const sg_candidate *candidate, bool *accepted)
{
    (void)request;
    *accepted = candidate->similarity == 0.75f && candidate->age_ms == UINT64_C(1) << 33 &&
                sg_equal(candidate->question, candidate->answer.segments.data[0].text);
    return SG_DONE;
}

static sg_error admit(const sg_request *request, const sg_answer *answer, sg_findings findings, uint64_t *ttl_ms)
{
    (void)request;
    if (answer->finish != SG_FINISH_STOP)
        return sg_fail("it did not stop");
    *ttl_ms = findings.len == 0 ? 0 : UINT64_C(1) << 35;
    return SG_DONE;
}

SG_PLUGIN(.name = "everything", .version = "1.2.3", .summary = "All there is.", .settings = SG_SETTINGS(settings),
          .configure = configure)
SG_TEXT_GUARDRAIL(.inspect = inspect)
SG_REQUEST_GUARDRAIL(.check = check_request)
SG_ANSWER_GUARDRAIL(.check = check_answer)
SG_ROUTER(.route = route)
SG_CACHE(.plan = plan, .accept = accept, .admit = admit)
