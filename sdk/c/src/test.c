/* The test program: what plays the host's part, and what counts. */
#ifndef __wasm__

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"

const sg_plugin *sg_registered_plugin;
const sg_text_guardrail *sg_registered_text_guardrail;
const sg_request_guardrail *sg_registered_request_guardrail;
const sg_answer_guardrail *sg_registered_answer_guardrail;
const sg_router *sg_registered_router;
const sg_cache *sg_registered_cache;

#define TESTS_MAX 4096

static struct {
    const char *name;
    void (*run)(void);
} tests[TESTS_MAX];
static size_t tests_len;

static jmp_buf failed, panicked;
static bool awaits_panic, awaits_error, configured;
static sg_error seen;
static const char *panic;

void sg_test_register(const char *name, void (*test)(void))
{
    if (tests_len == TESTS_MAX) {
        fprintf(stderr, "more than %d tests\n", TESTS_MAX);
        exit(1);
    }
    tests[tests_len].name = name;
    tests[tests_len++].run = test;
}

_Noreturn void sg_test_fail(const char *words, const char *file, int line)
{
    fprintf(stderr, "  %s:%d: %s\n", file, line, words);
    longjmp(failed, 1);
}

_Noreturn void sg_test_panicked(const char *message, const char *file, int line)
{
    if (awaits_panic) {
        awaits_panic = false;
        panic = message;
        longjmp(panicked, 1);
    }
    fprintf(stderr, "  %s:%d: panicked: %s\n", file, line, message);
    longjmp(failed, 1);
}

jmp_buf *sg_test_await_panic(void)
{
    awaits_panic = true;
    return &panicked;
}

void sg_test_expect_panic(const char *words, const char *expression, const char *file, int line)
{
    if (!sg_contains(sg_cstr(panic), sg_cstr(words))) {
        fprintf(stderr, "  %s:%d: %s\n    wanted a panic with: %s\n    panicked:            %s\n", file, line, expression, words,
                panic);
        longjmp(failed, 1);
    }
}

void sg_test_expect_text(sg_str got, const char *wanted, const char *expression, const char *file, int line)
{
    if (!sg_equal(got, sg_cstr(wanted))) {
        fprintf(stderr, "  %s:%d: %s\n    wanted: %s\n    got:    %.*s\n", file, line, expression, wanted, (int)got.len,
                got.len == 0 ? "" : got.data);
        longjmp(failed, 1);
    }
}

void sg_test_expect_number(int64_t got, int64_t wanted, const char *expression, const char *file, int line)
{
    if (got != wanted) {
        fprintf(stderr, "  %s:%d: %s\n    wanted: %" PRId64 "\n    got:    %" PRId64 "\n", file, line, expression, wanted, got);
        longjmp(failed, 1);
    }
}

void sg_test_await_error(void)
{
    awaits_error = true;
    seen = SG_DONE;
}

void sg_test_expect_error(const char *words, const char *expression, const char *file, int line)
{
    awaits_error = false;
    if (seen.kind == SG_OK || !sg_contains(seen.message, sg_cstr(words))) {
        fprintf(stderr, "  %s:%d: %s\n    wanted an error with: %s\n    got:                  %.*s\n", file, line, expression,
                words, (int)seen.message.len, seen.kind == SG_OK ? "" : seen.message.data);
        longjmp(failed, 1);
    }
}

/* An error of the plugin: one that the test waits for, or a failure. */
static void settle(sg_error error, const char *doing)
{
    seen = error;
    if (error.kind == SG_OK || awaits_error)
        return;
    fprintf(stderr, "  %s failed: %.*s\n", doing, (int)error.message.len, error.message.data);
    longjmp(failed, 1);
}

static void need(const void *registered, const char *macro)
{
    if (registered == NULL) {
        fprintf(stderr, "  the plugin has no %s\n", macro);
        longjmp(failed, 1);
    }
}

static void need_configured(void)
{
    if (!configured) {
        fprintf(stderr, "  the plugin is not configured: begin with sg_test_configure\n");
        longjmp(failed, 1);
    }
}

void sg_test_configure(const char *config)
{
    need(sg_registered_plugin, "SG_PLUGIN");
    sg_native_forget_patterns();
    sg_native_configuring = true;
    sg_error error = sg_configure_plugin(sg_registered_plugin, sg_copy(sg_cstr(config)));
    sg_native_configuring = false;
    configured = error.kind == SG_OK;
    settle(error, "configure");
}

sg_str sg_test_schema(void)
{
    need(sg_registered_plugin, "SG_PLUGIN");
    return sg_or(sg_schema_of(sg_registered_plugin), SG(""));
}

sg_window sg_test_request_window(const char *text)
{
    return (sg_window){SG_PHASE_REQUEST, SG_ROLE_USER, SG_CHANNEL_CONTENT, sg_copy(sg_cstr(text)), 0, true};
}

sg_window sg_test_answer_window(const char *text)
{
    return (sg_window){SG_PHASE_ANSWER, SG_ROLE_ASSISTANT, SG_CHANNEL_CONTENT, sg_copy(sg_cstr(text)), 0, true};
}

sg_verdict sg_test_inspect(const sg_window *window)
{
    need(sg_registered_text_guardrail, "SG_TEXT_GUARDRAIL");
    need_configured();
    sg_verdict verdict = {0};
    settle(sg_run_inspect(sg_registered_text_guardrail, window, &verdict), "inspect");
    size_t hold;
    if (sg_native_passes(window, &hold)) {
        bool same = !verdict.denied && verdict.edits.len == 0 && verdict.findings.len == 0 && verdict.hold <= hold;
        if (!same)
            sg_test_fail("the prefilter lets a window pass that `inspect` does not, or holds back less", __FILE__, __LINE__);
        verdict.hold = hold;
    }
    return verdict;
}

static int by_place(const void *one, const void *other)
{
    const sg_edit *left = one, *right = other;
    return left->span.start < right->span.start ? -1 : left->span.start > right->span.start;
}

/* The edits of a segment, by their place. */
static sg_edit_list sorted(const sg_edit_list *edits, uint32_t segment)
{
    sg_edit_list list = {0};
    for (size_t at = 0; at < edits->len; at++) {
        if (edits->data[at].segment == segment)
            SG_PUSH(&list) = edits->data[at];
    }
    if (list.len > 1)
        qsort(list.data, list.len, sizeof *list.data, by_place);
    return list;
}

static sg_str applied(sg_str text, const sg_verdict *verdict, uint32_t segment)
{
    if (verdict->denied)
        sg_test_fail("the verdict denies", __FILE__, __LINE__);
    sg_edit_list edits = sorted(&verdict->edits, segment);
    sg_buffer out = {0};
    size_t at = 0;
    SG_EACH(const sg_edit, edit, edits) {
        if (edit->span.start < at)
            sg_test_fail("edits overlap", __FILE__, __LINE__);
        sg_add(&out, sg_cut(text, at, edit->span.start));
        sg_add(&out, edit->replacement);
        at = edit->span.end;
    }
    sg_add(&out, sg_from(text, at));
    return sg_text(&out);
}

sg_str sg_test_applied(sg_str text, const sg_verdict *verdict)
{
    return applied(text, verdict, 0);
}

sg_str sg_test_applied_in(const sg_segment *segment, const sg_verdict *verdict)
{
    return applied(segment->text, verdict, segment->id);
}

/* Write out what is decided, and give its end in the whole text. */
static size_t release(const sg_verdict *verdict, const sg_window *window, size_t start, size_t from, sg_str text, sg_buffer *out)
{
    size_t hold = window->final ? 0 : verdict->hold;
    size_t to = text.len - hold > from ? text.len - hold : from;
    sg_edit_list edits = sorted(&verdict->edits, 0);
    size_t at = from;
    SG_EACH(const sg_edit, edit, edits) {
        size_t begin = start + edit->span.start, end = start + edit->span.end;
        if (end <= from || begin >= to)
            continue;
        begin = begin > from ? begin : from;
        /* What reaches into what is held back waits. */
        if (end > to) {
            to = begin;
            break;
        }
        if (begin < at)
            sg_test_fail("edits overlap", __FILE__, __LINE__);
        sg_add(out, sg_cut(text, at, begin));
        sg_add(out, edit->replacement);
        at = end;
    }
    sg_add(out, sg_cut(text, at, to > at ? to : at));
    return to;
}

sg_streamed sg_test_stream(const sg_window *like, sg_strs chunks, size_t context_bytes)
{
    sg_streamed streamed = {0};
    sg_buffer text = {0}, out = {0};
    size_t decided = 0;
    for (size_t at = 0; at < chunks.len; at++) {
        sg_add(&text, chunks.data[at]);
        sg_str whole = sg_text(&text);
        size_t start = sg_ceil(whole, decided > context_bytes ? decided - context_bytes : 0);
        sg_window window = *like;
        /* Of its own, so that the address sanitizer sees who reads past it. */
        window.text = sg_copy(sg_from(whole, start));
        window.context = (uint32_t)(decided - start);
        window.final = at + 1 == chunks.len;
        sg_verdict verdict = sg_test_inspect(&window);
        SG_EACH(const sg_finding, finding, verdict.findings) {
            sg_finding moved = *finding;
            moved.span.value.start += (uint32_t)start;
            moved.span.value.end += (uint32_t)start;
            SG_PUSH(&streamed.findings) = moved;
        }
        if (verdict.denied) {
            streamed.denied = (sg_optional_str){true, verdict.denial.code};
            break;
        }
        decided = release(&verdict, &window, start, decided, whole, &out);
        size_t held = whole.len - decided;
        streamed.held_bytes_max = held > streamed.held_bytes_max ? held : streamed.held_bytes_max;
    }
    streamed.released = sg_text(&out);
    return streamed;
}

static void expect_same(const sg_window *window, const sg_verdict *whole, sg_strs chunks, size_t context_bytes)
{
    sg_streamed streamed = sg_test_stream(window, chunks, context_bytes);
    bool same = whole->denied ? streamed.denied.given && sg_equal(streamed.denied.value, whole->denial.code)
                              : !streamed.denied.given && sg_equal(streamed.released, applied(window->text, whole, 0));
    if (same)
        return;
    fprintf(stderr, "  in chunks it is something else:");
    SG_EACH(const sg_str, chunk, chunks)
        fprintf(stderr, " \"%.*s\"", (int)chunk->len, chunk->data);
    fprintf(stderr, "\n");
    longjmp(failed, 1);
}

void sg_test_same_in_streams(const sg_window *window, size_t context_bytes)
{
    sg_window last = *window;
    last.final = true;
    sg_verdict whole = sg_test_inspect(&last);
    sg_str text = window->text;
    sg_str *chunks = sg_new(sg_str, text.len + 1);
    size_t len = 0;
    for (size_t at = 0; at < text.len; at += sg_char_len(text, at)) {
        sg_str halves[] = {sg_cut(text, 0, at), sg_from(text, at)};
        expect_same(window, &whole, SG_ARRAY(sg_strs, halves), context_bytes);
        chunks[len++] = sg_cut(text, at, at + sg_char_len(text, at));
    }
    expect_same(window, &whole, (sg_strs){chunks, len + (len == 0)}, context_bytes);
}

void sg_test_add_segment(sg_request *request, sg_role role, sg_channel channel, const char *text)
{
    sg_segment *segments = sg_new(sg_segment, request->segments.len + 1);
    for (size_t at = 0; at < request->segments.len; at++)
        segments[at] = request->segments.data[at];
    uint32_t id = (uint32_t)request->segments.len;
    segments[id] = (sg_segment){.id = id, .role = role, .channel = channel, .text = sg_copy(sg_cstr(text))};
    request->segments = (sg_segments){segments, request->segments.len + 1};
}

void sg_test_add_tool(sg_request *request, const char *name)
{
    sg_tool *tools = sg_new(sg_tool, request->tools.len + 1);
    for (size_t at = 0; at < request->tools.len; at++)
        tools[at] = request->tools.data[at];
    tools[request->tools.len] = (sg_tool){sg_cstr(name), SG(""), SG("{}")};
    request->tools = (sg_tools){tools, request->tools.len + 1};
}

sg_request sg_test_request(const char *text)
{
    sg_request request = {0};
    request.exchange.id = SG("01a2276e8610765b9b49a9855ef5f20c");
    request.exchange.tenant = SG("default");
    request.exchange.model = SG("sandbox");
    if (*text != 0)
        sg_test_add_segment(&request, SG_ROLE_USER, SG_CHANNEL_CONTENT, text);
    return request;
}

sg_answer sg_test_answer(const char *text)
{
    sg_segment *segment = sg_new(sg_segment, 1);
    *segment = (sg_segment){.role = SG_ROLE_ASSISTANT, .channel = SG_CHANNEL_CONTENT, .text = sg_copy(sg_cstr(text))};
    return (sg_answer){.target = SG("sandbox"), .segments = {segment, 1}, .finish = SG_FINISH_STOP};
}

sg_verdict sg_test_check_request(const sg_request *request)
{
    need(sg_registered_request_guardrail, "SG_REQUEST_GUARDRAIL");
    need_configured();
    sg_verdict verdict = {0};
    settle(sg_run_check_request(sg_registered_request_guardrail, request, &verdict), "check");
    return verdict;
}

sg_verdict sg_test_check_answer(const sg_request *request, const sg_answer *answer)
{
    need(sg_registered_answer_guardrail, "SG_ANSWER_GUARDRAIL");
    need_configured();
    sg_verdict verdict = {0};
    settle(sg_run_check_answer(sg_registered_answer_guardrail, request, answer, &verdict), "check");
    return verdict;
}

sg_routing sg_test_route(const sg_request *request, sg_targets targets)
{
    need(sg_registered_router, "SG_ROUTER");
    need_configured();
    sg_routing routing = {0};
    settle(sg_run_route(sg_registered_router, request, targets, &routing), "route");
    return routing;
}

sg_intention sg_test_plan(const sg_request *request, sg_findings findings)
{
    need(sg_registered_cache, "SG_CACHE");
    need_configured();
    sg_intention intention = {0};
    settle(sg_run_plan(sg_registered_cache, request, findings, &intention), "plan");
    return intention;
}

bool sg_test_accept(const sg_request *request, const sg_candidate *candidate)
{
    need(sg_registered_cache, "SG_CACHE");
    need_configured();
    bool accepted = false;
    settle(sg_run_accept(sg_registered_cache, request, candidate, &accepted), "accept");
    return accepted;
}

uint64_t sg_test_admit(const sg_request *request, const sg_answer *answer, sg_findings findings)
{
    need(sg_registered_cache, "SG_CACHE");
    need_configured();
    uint64_t ttl_ms = 0;
    settle(sg_run_admit(sg_registered_cache, request, answer, findings, &ttl_ms), "admit");
    return ttl_ms;
}

static bool wanted(const char *name, int count, char **names)
{
    for (int at = 1; at < count; at++) {
        if (strcmp(names[at], name) == 0)
            return true;
    }
    return count < 2;
}

static bool passes(size_t at)
{
    sg_native_reset();
    awaits_panic = awaits_error = configured = false;
    if (setjmp(failed) == 0) {
        tests[at].run();
        return true;
    }
    sg_str log = sg_test_log();
    fprintf(stderr, "%.*s", (int)log.len, log.len == 0 ? "" : log.data);
    return false;
}

int main(int count, char **names)
{
    size_t passed = 0, lost = 0;
    /* So that `.` in an expression is a character. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "");
    for (size_t at = 0; at < tests_len; at++) {
        if (!wanted(tests[at].name, count, names))
            continue;
        bool fine = passes(at);
        passed += fine;
        lost += !fine;
        printf("%s  %s\n", fine ? "ok    " : "FAILED", tests[at].name);
        fflush(stdout);
    }
    printf("%zu passed, %zu failed\n", passed, lost);
    return lost != 0 || passed == 0;
}

#endif
