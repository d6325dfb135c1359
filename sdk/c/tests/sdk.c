/* What the SDK does, natively. The exports are called as the host calls them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicegate_test.h"
#include "../src/abi.h"
#include "../src/exports.h"

#define OWL "\xF0\x9F\xA6\x89"
/* An e with an accent that is a character of its own. */
#define ACCENTED "e\xCC\x81"

SG_TEST(texts_are_compared_and_cut)
{
    SG_EXPECT(sg_equal(SG("ab"), sg_cstr("ab")) && !sg_equal(SG("ab"), SG("a")) && sg_equal(SG(""), (sg_str){NULL, 0}));
    SG_EXPECT(sg_starts_with(SG("abc"), SG("ab")) && !sg_starts_with(SG("a"), SG("ab")) && sg_starts_with(SG("a"), SG("")));
    SG_EXPECT_NUMBER(sg_find(SG("aabab"), SG("ab"), 0), 1);
    SG_EXPECT_NUMBER(sg_find(SG("aabab"), SG("ab"), 2), 3);
    SG_EXPECT_NUMBER(sg_find(SG("aabab"), SG(""), 5), 5);
    SG_EXPECT(sg_find(SG("aabab"), SG("abc"), 0) == SG_NONE && sg_find(SG("a"), SG("a"), 2) == SG_NONE);
    SG_EXPECT(sg_contains(SG("aab"), SG("ab")));
    SG_EXPECT_TEXT(sg_cut(SG("abcd"), 1, 3), "bc");
    SG_EXPECT_TEXT(sg_from(SG("abcd"), 4), "");
    SG_EXPECT_TEXT(sg_trim(SG(" \t\n\v\f\rab \n")), "ab");
    SG_EXPECT_TEXT(sg_trim(SG(" \n")), "");
    SG_EXPECT_TEXT(sg_lower(SG("AbZ\xC3\x84[")), "abz\xC3\x84[");
    SG_EXPECT_PANIC(sg_cut(SG("abcd"), 3, 2), "a cut out of bounds");
    SG_EXPECT_PANIC(sg_cut(SG("abcd"), 0, 5), "a cut out of bounds");
    SG_EXPECT_PANIC(sg_char_len(SG(""), 0), "a character out of bounds");
    sg_strs none = {0};
    SG_EXPECT_PANIC((void)sg_at(none, 0), "an index out of bounds");
    SG_EACH(const sg_str, text, none)
        SG_EXPECT(text == NULL);
}

SG_TEST(characters_are_counted_in_bytes)
{
    sg_str text = SG("a\xC3\xA9" OWL ACCENTED);
    size_t lengths[] = {1, 2, 4, 1, 2}, at = 0;
    for (size_t one = 0; one < 5; one++) {
        SG_EXPECT_NUMBER(sg_char_len(text, at), lengths[one]);
        SG_EXPECT(sg_is_boundary(text, at));
        at += lengths[one];
    }
    SG_EXPECT_NUMBER(at, text.len);
    SG_EXPECT(sg_is_boundary(text, at) && !sg_is_boundary(text, 2) && !sg_is_boundary(text, at + 1));
    SG_EXPECT_NUMBER(sg_floor(text, 6), 3);
    SG_EXPECT_NUMBER(sg_ceil(text, 4), 7);
    SG_EXPECT_NUMBER(sg_ceil(text, 400), text.len);
    SG_EXPECT_NUMBER(sg_floor(text, 400), text.len);
}

SG_TEST(buffers_grow)
{
    sg_buffer buffer = {0};
    SG_EXPECT_TEXT(sg_text(&buffer), "");
    sg_add_number(&buffer, INT64_MIN);
    sg_add_byte(&buffer, ' ');
    sg_add_number(&buffer, 0);
    SG_EXPECT_TEXT(sg_text(&buffer), "-9223372036854775808 0");
    /* What is added may be of the buffer itself. */
    for (int times = 0; times < 8; times++)
        sg_add(&buffer, sg_text(&buffer));
    SG_EXPECT_NUMBER(buffer.len, 22 * 256);
    SG_EXPECT(memcmp(buffer.data + 22 * 255, "-9223372036854775808 0", 22) == 0);
    sg_buffer json = {0};
    sg_add_json(&json, SG("a\"\\\n\x01\xC3\xA9"));
    SG_EXPECT_TEXT(sg_text(&json), "\"a\\\"\\\\\\u000a\\u0001\xC3\xA9\"");
}

SG_TEST(sizes_do_not_overflow)
{
    SG_EXPECT_PANIC(sg_alloc(SIZE_MAX / 2, 3), "a size overflows");
    sg_buffer buffer = {"x", SIZE_MAX, SIZE_MAX};
    SG_EXPECT_PANIC(sg_add_byte(&buffer, 'x'), "a size overflows");
    SG_EXPECT(*sg_new(uint64_t, 1) == 0);
    SG_EXPECT(sg_new(char, 0) != NULL);
}

SG_TEST(lists_that_an_author_filled_are_copied)
{
    sg_finding two[2] = {{SG("a"), {0}, 1}, {SG("b"), {0}, 1}};
    sg_verdict verdict = {0};
    verdict.findings.data = two;
    verdict.findings.len = 2;
    for (int times = 0; times < 10; times++)
        sg_note(&verdict, SG("c"), 1);
    SG_EXPECT_NUMBER(verdict.findings.len, 12);
    SG_EXPECT_TEXT(sg_at(verdict.findings, 1)->rule, "b");
    SG_EXPECT_TEXT(sg_at(verdict.findings, 11)->rule, "c");
}

SG_TEST(the_beginning_of_a_word_is_held_back)
{
    sg_str words[] = {SG("Nightjar"), SG("Nightingale"), SG(OWL "s"), SG("")};
    sg_strs all = SG_ARRAY(sg_strs, words);
    SG_EXPECT_NUMBER(sg_unfinished(SG("the Night"), all), 5);
    SG_EXPECT_NUMBER(sg_unfinished(SG("the Nightj"), all), 6);
    SG_EXPECT_NUMBER(sg_unfinished(SG("the Nightjar"), all), 0);
    SG_EXPECT_NUMBER(sg_unfinished(SG("the NightN"), all), 1);
    SG_EXPECT_NUMBER(sg_unfinished(SG("an " OWL), all), 4);
    SG_EXPECT_NUMBER(sg_unfinished(SG(""), all), 0);
    SG_EXPECT_NUMBER(sg_unfinished(SG("N"), (sg_strs){0}), 0);
}

static bool is_owl_or_digit(sg_str character)
{
    return sg_equal(character, SG(OWL)) || sg_is_digit(character.data[0]);
}

SG_TEST(trailing_characters_are_whole)
{
    SG_EXPECT_NUMBER(sg_trailing(SG("a1" OWL OWL "2"), 100, is_owl_or_digit), 10);
    SG_EXPECT_NUMBER(sg_trailing(SG("a1" OWL OWL "2"), 8, is_owl_or_digit), 5);
    SG_EXPECT_NUMBER(sg_trailing(SG("1a"), 8, is_owl_or_digit), 0);
    SG_EXPECT_NUMBER(sg_trailing(SG("12"), 8, is_owl_or_digit), 2);
}

/* ------------------------------------------------------------------------------------------------------------------ JSON -- */

static sg_json read_json(const char *text)
{
    sg_json value;
    sg_error error = sg_json_read(sg_copy(sg_cstr(text)), &value);
    if (error.kind != SG_OK)
        printf("        %s: %.*s\n", text, (int)error.message.len, error.message.data);
    SG_EXPECT(error.kind == SG_OK);
    return value;
}

SG_TEST(json_is_read)
{
    sg_json value = read_json(" {\"a\" : [1, -2.5e1, true, false, null], \"b\":{}, \"\":\"\"} \n");
    const sg_json *list = sg_json_get(&value, "a");
    SG_EXPECT(list->kind == SG_JSON_ARRAY && list->len == 5);
    SG_EXPECT(list->data[0].whole && list->data[0].integer == 1 && list->data[0].number == 1);
    SG_EXPECT(list->data[1].number == -25 && list->data[1].whole && list->data[1].integer == -25);
    SG_EXPECT(list->data[2].boolean && !list->data[3].boolean && list->data[4].kind == SG_JSON_NULL);
    SG_EXPECT(sg_json_get(&value, "b")->kind == SG_JSON_OBJECT);
    SG_EXPECT(sg_json_get(&value, "")->kind == SG_JSON_STRING);
    SG_EXPECT(sg_json_get(&value, "c") == NULL && sg_json_get(list, "a") == NULL && sg_json_get(NULL, "a") == NULL);
}

SG_TEST(json_strings_are_decoded)
{
    SG_EXPECT_TEXT(read_json("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"").string, "a\"\\/\b\f\n\r\t");
    SG_EXPECT_TEXT(read_json("\"\\u0041\\u00e9\\u20AC\\ud83e\\uDD89" OWL "\"").string, "A\xC3\xA9\xE2\x82\xAC" OWL OWL);
}

SG_TEST(json_numbers_are_what_the_c_library_says)
{
    const char *const numbers[] = {"0", "-0", "1", "0.1", "0.92", "3.14159265358979", "1e22", "1e-7", "12345678901234567890",
                                   "9007199254740993", "2.5E+3", "1e300", "1.5e-300", "123456.789e3"};
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        double wanted = strtod(numbers[at], NULL), got = read_json(numbers[at]).number;
        double difference = got - wanted < 0 ? wanted - got : got - wanted;
        SG_EXPECT(difference <= (wanted < 0 ? -wanted : wanted) * 1e-14);
    }
    SG_EXPECT(read_json("0.92").number == 0.92 && read_json("0.1").number == 0.1);
    SG_EXPECT(read_json("9223372036854775807").integer == INT64_MAX && read_json("9223372036854775807").whole);
    SG_EXPECT(!read_json("9223372036854775808").whole && !read_json("0.5").whole && !read_json("1e300").whole);
    SG_EXPECT(read_json("1e99999999999").number > 1e300 && read_json("1e-99999999999").number == 0);
}

SG_TEST(what_is_no_json_is_refused)
{
    const char *const wrong[] = {
        "",       " ",      "{",         "}",         "[1",     "[1,]",   "[,]",    "{\"a\"}",  "{\"a\":}",          "{\"a\":1,}",
        "{a:1}",  "'a'",    "\"a",       "\"\n\"",    "01",     "1.",     ".5",     "-",        "+1",                "1e",
        "1e+",    "tru",    "nul",       "\"\\x\"",   "\"\\u12", "\"\\u12g4\"", "\"\\ud83e\"", "\"\\udd89\"", "\"\\ud83e\\u0041\"", "1 2",
        "[1}",    "{\"a\":1,\"a\":2}",   "NaN",       "\"\\",   "-a",     "[1 2]",  "{\"a\" 1}",
    };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++) {
        sg_json value;
        /* A copy of just its length, so that the address sanitizer sees who reads past it. */
        sg_error error = sg_json_read(sg_copy(sg_cstr(wrong[at])), &value);
        if (error.kind == SG_OK)
            printf("        taken: %s\n", wrong[at]);
        SG_EXPECT(error.kind == SG_OTHER && sg_starts_with(error.message, SG("JSON: ")));
    }
}

static sg_error nested(size_t levels)
{
    sg_buffer text = {0};
    for (size_t at = 0; at < levels; at++)
        sg_add_byte(&text, '[');
    for (size_t at = 0; at < levels; at++)
        sg_add_byte(&text, ']');
    sg_json value;
    return sg_json_read(sg_text(&text), &value);
}

SG_TEST(json_is_bounded_in_depth)
{
    SG_EXPECT_NUMBER(nested(SG_JSON_DEPTH_MAX).kind, SG_OK);
    SG_EXPECT_TEXT(nested(SG_JSON_DEPTH_MAX + 1).message, "JSON: more than 64 levels");
    SG_EXPECT_TEXT(nested(100000).message, "JSON: more than 64 levels");
}

SG_TEST(json_of_any_bytes_is_survived)
{
    const char *seed = "{\"a\": [1.5e3, \"\\u00e9\\n\", {\"b\": null}], \"c\": true}";
    uint32_t random = 7;
    for (int times = 0; times < 20000; times++) {
        sg_str text = sg_copy(sg_cstr(seed));
        char *bytes = (char *)text.data;
        for (int change = 0; change < 3; change++) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % text.len] = (char)(random >> 24);
        }
        text.len = text.len - (random >> 16) % 8;
        sg_json value;
        sg_json_read(sg_copy(text), &value);
    }
}

/* ---------------------------------------------------------------------------------------------------------- configuration -- */

SG_TEST(a_schema_is_made_of_the_settings)
{
    SG_EXPECT_TEXT(sg_test_schema(),
        "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
        "\"word\": {\"type\": \"string\", \"description\": \"A \\\"word\\\".\", \"minLength\": 2, \"default\": \"w\\u00f6rd\"}, "
        "\"list\": {\"type\": \"array\", \"description\": \"A list.\", \"items\": {\"type\": \"string\", \"minLength\": 1}, "
        "\"minItems\": 1, \"default\": [\"a\"]}, "
        "\"flag\": {\"type\": \"boolean\", \"default\": false}, "
        "\"number\": {\"type\": \"integer\", \"description\": \"A number.\", \"minimum\": -5, \"maximum\": 1000, \"default\": 3}, "
        "\"share\": {\"type\": \"number\", \"description\": \"A share.\", \"minimum\": 0.250, \"default\": 0.5}}}");
    sg_json schema;
    SG_EXPECT_NUMBER(sg_json_read(sg_test_schema(), &schema).kind, SG_OK);
}

static sg_str one_text;
static double small_share;
static const sg_setting required[] = {{"one", SG_STR(&one_text, 0), NULL}, {"small", SG_NUMBER(&small_share, -0.5, 1), NULL}};

SG_TEST(settings_without_a_default_are_required)
{
    sg_plugin plugin = {.settings = SG_SETTINGS(required)};
    SG_EXPECT_TEXT(sg_or(sg_schema_of(&plugin), SG("")),
                   "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"one\": {\"type\": \"string\"}, "
                   "\"small\": {\"type\": \"number\", \"minimum\": -0.500, \"maximum\": 1}}, \"required\": [\"one\", \"small\"]}");
    SG_EXPECT_TEXT(sg_configure_plugin(&plugin, SG("{\"one\": \"\"}")).message, "`small` is missing");
    SG_EXPECT_NUMBER(sg_configure_plugin(&plugin, SG("{\"one\": \"x\", \"small\": -0.5}")).kind, SG_OK);
    SG_EXPECT_TEXT(one_text, "x");
    SG_EXPECT(small_share == -0.5);
    plugin.schema = "{}";
    SG_EXPECT_TEXT(sg_or(sg_schema_of(&plugin), SG("")), "{}");
}

SG_TEST(a_default_that_is_not_json_is_told_when_it_is_needed)
{
    static const sg_setting bare[] = {{"one", SG_STR(&one_text, 0), NULL, "bare"}};
    sg_plugin plugin = {.settings = SG_SETTINGS(bare)};
    SG_EXPECT_TEXT(sg_or(sg_schema_of(&plugin), SG("")),
                   "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"one\": {\"type\": \"string\"}}}");
    SG_EXPECT_TEXT(sg_configure_plugin(&plugin, SG("{}")).message,
                   "`one` has a default that is not JSON, in which a text stands in quotes");
    SG_EXPECT_NUMBER(sg_configure_plugin(&plugin, SG("{\"one\": \"x\"}")).kind, SG_OK);
}

SG_TEST(settings_are_checked)
{
    sg_test_configure("");
    sg_test_configure("{\"word\": \"\xC3\xA9\xC3\xA9\", \"list\": [\"x\", \"y\"], \"number\": 1000, \"share\": 0.25}");
    SG_EXPECT_ERROR(sg_test_configure("[]"), "the configuration must be a table");
    SG_EXPECT_ERROR(sg_test_configure("{"), "JSON: ");
    SG_EXPECT_ERROR(sg_test_configure("{\"word\": 1}"), "`word` must be a text");
    SG_EXPECT_ERROR(sg_test_configure("{\"word\": \"" OWL "\"}"), "`word` is too short");
    SG_EXPECT_ERROR(sg_test_configure("{\"list\": \"a\"}"), "`list` must be a list of texts");
    SG_EXPECT_ERROR(sg_test_configure("{\"list\": [1]}"), "`list` must be a list of texts");
    SG_EXPECT_ERROR(sg_test_configure("{\"list\": []}"), "`list` must not be empty");
    SG_EXPECT_ERROR(sg_test_configure("{\"flag\": 1}"), "`flag` must be true or false");
    SG_EXPECT_ERROR(sg_test_configure("{\"number\": 1001}"), "`number` is out of bounds");
    SG_EXPECT_ERROR(sg_test_configure("{\"number\": -6}"), "`number` is out of bounds");
    SG_EXPECT_ERROR(sg_test_configure("{\"share\": \"1\"}"), "`share` must be a number");
    SG_EXPECT_ERROR(sg_test_configure("{\"share\": 0.2}"), "`share` is out of bounds");
    SG_EXPECT_ERROR(sg_test_configure("{\"flag\": true}"), "the flag is set");
}

/* --------------------------------------------------------------------------------------------------------------- verdicts -- */

SG_TEST(spans_and_holds_lie_between_characters)
{
    sg_test_configure("{}");
    sg_window window = sg_test_request_window(ACCENTED OWL "x");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT_TEXT(sg_test_applied(window.text, &verdict), ACCENTED "owlx");
    window.final = false;
    window.text = SG("x" OWL);
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 4);
    window.text = SG("xe\xCC\x81");
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 2);
    window.final = true;
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 0);
}

static sg_verdict crafted;
static sg_error craft(const sg_window *window, sg_verdict *verdict)
{
    (void)window;
    *verdict = crafted;
    return SG_DONE;
}

SG_TEST(what_is_out_of_bounds_is_cut)
{
    const sg_text_guardrail guardrail = {craft};
    sg_window window = {.text = SG("ab")};
    sg_verdict verdict = {0};
    crafted = (sg_verdict){.hold = SIZE_MAX};
    sg_mask(&crafted, (sg_span){1, UINT32_MAX}, SG(""));
    sg_note_at(&crafted, SG("a"), (sg_span){7, 9}, 0.0f / 0.0f);
    SG_EXPECT_NUMBER(sg_run_inspect(&guardrail, &window, &verdict).kind, SG_OK);
    SG_EXPECT_NUMBER(verdict.hold, 2);
    SG_EXPECT_NUMBER(verdict.edits.data[0].span.end, 2);
    SG_EXPECT_NUMBER(verdict.findings.data[0].span.value.start, 2);
    SG_EXPECT(verdict.findings.data[0].score == 0);
    window.context = 1;
    verdict = (sg_verdict){0};
    SG_EXPECT_NUMBER(sg_run_inspect(&guardrail, &window, &verdict).kind, SG_OK);
    SG_EXPECT_NUMBER(verdict.hold, 1);
    for (int times = 0; times < 1001; times++)
        sg_note(&crafted, SG("a"), 1);
    SG_EXPECT_NUMBER(sg_run_inspect(&guardrail, &window, &verdict).kind, SG_OK);
    SG_EXPECT_NUMBER(verdict.findings.len, 1000);
    crafted = (sg_verdict){0};
    sg_mask(&crafted, (sg_span){2, 1}, SG(""));
    SG_EXPECT_PANIC(sg_run_inspect(&guardrail, &window, &verdict), "a span ends before it starts");
    SG_EXPECT_PANIC(sg_range(2, 1), "a span ends before it starts");
    crafted = (sg_verdict){0};
    sg_retry(&crafted, SG("x"));
    SG_EXPECT_NUMBER(sg_run_inspect(&guardrail, &window, &verdict).kind, SG_OTHER);
}

SG_TEST(edits_of_requests_lie_between_characters)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("x" OWL);
    sg_test_add_segment(&request, SG_ROLE_USER, SG_CHANNEL_CONTENT, OWL "x");
    sg_verdict verdict = sg_test_check_request(&request);
    SG_EXPECT_TEXT(sg_test_applied_in(sg_at(request.segments, 0), &verdict), "x" OWL);
    SG_EXPECT_TEXT(sg_test_applied_in(sg_at(request.segments, 1), &verdict), "*x");
    request = sg_test_request("elsewhere");
    SG_EXPECT_ERROR(sg_test_check_request(&request), "a segment that is not there");
    request = sg_test_request("");
    SG_EXPECT_ERROR(sg_test_check_request(&request), "nobody has said anything");
}

SG_TEST(answers_are_judged)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("?");
    sg_answer answer = sg_test_answer("So.");
    sg_verdict verdict = sg_test_check_answer(&request, &answer);
    SG_EXPECT_TEXT(sg_test_applied_in(sg_at(answer.segments, 0), &verdict), "<{n}>");
    SG_EXPECT(verdict.edits.data[0].restore);
    answer = sg_test_answer("retry");
    SG_EXPECT_TEXT(sg_test_check_answer(&request, &answer).correction, "Say more.");
}

SG_TEST(targets_are_checked)
{
    sg_test_configure("{}");
    sg_target targets[2] = {{.name = SG("a")}, {.name = SG("b")}};
    sg_request request = sg_test_request("go");
    sg_routing routing = sg_test_route(&request, SG_ARRAY(sg_targets, targets));
    SG_EXPECT_NUMBER(routing.targets.data[0], 1);
    request = sg_test_request("twice");
    SG_EXPECT_ERROR(sg_test_route(&request, SG_ARRAY(sg_targets, targets)), "twice");
    request = sg_test_request("past");
    SG_EXPECT_ERROR(sg_test_route(&request, SG_ARRAY(sg_targets, targets)), "not there");
}

SG_TEST(streams_release_what_is_decided)
{
    sg_test_configure("{}");
    sg_window window = sg_test_answer_window("");
    sg_str chunks[] = {SG("a" OWL), SG("b1"), SG(" c")};
    sg_streamed streamed = sg_test_stream(&window, SG_ARRAY(sg_strs, chunks), 2);
    SG_EXPECT_TEXT(streamed.released, "aowlb[{n}] c");
    SG_EXPECT_NUMBER(streamed.held_bytes_max, 4);
    sg_str refused[] = {SG("a"), SG(" secret"), SG(" c")};
    streamed = sg_test_stream(&window, SG_ARRAY(sg_strs, refused), 2);
    SG_EXPECT_TEXT(streamed.released, "");
    SG_EXPECT_TEXT(streamed.denied.value, "secret");
    SG_EXPECT_NUMBER(streamed.findings.data[0].span.value.start, 2);
}

/* ------------------------------------------------------------------------------------------------- the exports, natively -- */

SG_TEST(exports_lay_out_verdicts)
{
    const sg_abi_done_or_text *done = sg_abi_configure(sg_registered_plugin, "{\"number\": 2000}", 16);
    SG_EXPECT_NUMBER(done->tag, 1);
    SG_EXPECT_TEXT(done->error, "`number` is out of bounds");
    sg_test_configure("{}");
    sg_window windows[] = {{.text = SG("7"), .final = true}, {.text = SG("secret"), .final = true}, {.text = SG("x")}};
    const sg_abi_inspected *inspected = sg_abi_inspect(sg_registered_text_guardrail, windows, 3);
    SG_EXPECT_NUMBER(inspected->tag, 0);
    SG_EXPECT_NUMBER(inspected->value.verdicts.len, 3);
    SG_EXPECT_NUMBER(inspected->value.verdicts.data[0].action.tag, SG_ABI_EDIT);
    SG_EXPECT_NUMBER(inspected->value.verdicts.data[1].action.tag, SG_ABI_DENY);
    SG_EXPECT_NUMBER(inspected->value.verdicts.data[2].hold, 1);
    windows[2].text = SG("unsupported");
    inspected = sg_abi_inspect(sg_registered_text_guardrail, windows, 3);
    SG_EXPECT_NUMBER(inspected->tag, 1);
    SG_EXPECT_NUMBER(inspected->value.error.tag, 0);
    SG_EXPECT_TEXT(((const sg_abi_description *)sg_abi_describe(sg_registered_plugin))->version, "1.2.3");
}

SG_TEST(exports_lay_out_the_rest)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("deny");
    const sg_abi_checked *checked = sg_abi_check_request(sg_registered_request_guardrail, &request);
    SG_EXPECT_NUMBER(checked->value.verdict.action.tag, SG_ABI_DENY);
    sg_abi_check_answer_arguments answered = {request, sg_test_answer("deny")};
    checked = sg_abi_check_answer(sg_registered_answer_guardrail, &answered);
    SG_EXPECT_NUMBER(checked->value.verdict.action.tag, SG_ABI_ANSWER_DENY);
    sg_abi_route_arguments routed = {sg_test_request("escalate"), {0}};
    const sg_abi_routed *routing = sg_abi_route(sg_registered_router, &routed);
    SG_EXPECT_TEXT(routing->value.routing.decision.value.escalation.text, "Wait.");
    const sg_finding finding = {SG("key"), {0}, 1};
    sg_abi_plan_arguments planned = {request, {&finding, 1}};
    const sg_abi_planned *plan = sg_abi_plan(sg_registered_cache, &planned);
    SG_EXPECT_TEXT(plan->value.intention.look_up.key, "key");
    sg_abi_admit_arguments admitted = {request, sg_test_answer("a"), {&finding, 1}};
    const sg_abi_admitted *admission = sg_abi_admit(sg_registered_cache, &admitted);
    SG_EXPECT_NUMBER(admission->value.admission.ttl_ms, UINT64_C(1) << 35);
    const sg_cache bare = {.plan = sg_registered_cache->plan};
    SG_EXPECT(!((const sg_abi_admitted *)sg_abi_admit(&bare, &admitted))->value.admission.given);
    sg_abi_accept_arguments accepting = {request, {.answer = sg_test_answer("a")}};
    SG_EXPECT(!((const sg_abi_accepted *)sg_abi_accept(&bare, &accepting))->value.accepted);
}

/* --------------------------------------------------------------------------------------------------------------- the host -- */

static sg_verdict ask(const char *text)
{
    sg_window window = sg_test_request_window(text);
    return sg_test_inspect(&window);
}

SG_TEST(the_store_keeps_and_forgets)
{
    sg_test_configure("{}");
    sg_verdict verdict = ask("kv");
    SG_EXPECT_TEXT(verdict.findings.data[0].rule, "value");
    SG_EXPECT_TEXT(verdict.findings.data[1].rule, "nothing");
    SG_EXPECT_TEXT(verdict.findings.data[2].rule, "-2");
    SG_EXPECT_TEXT(ask("kv-too-large").findings.data[0].rule, "too-large");
    sg_optional_str value;
    int64_t sum;
    SG_EXPECT_NUMBER(sg_kv_set(SG("a"), SG("x"), 10).kind, SG_OK);
    SG_EXPECT_NUMBER(sg_kv_increment(SG("a"), 1, SG_FOREVER, &sum).kind, SG_UNAVAILABLE);
    SG_EXPECT_NUMBER(sg_kv_increment(SG("n"), 1, 10, &sum).kind, SG_OK);
    sg_test_set_clock(SG_TEST_NOW_MS + 9);
    SG_EXPECT_NUMBER(sg_kv_increment(SG("n"), 1, 10, &sum).kind, SG_OK);
    SG_EXPECT_NUMBER(sum, 2);
    sg_test_set_clock(SG_TEST_NOW_MS + 10);
    SG_EXPECT(sg_kv_get(SG("a"), &value).kind == SG_OK && !value.given);
    SG_EXPECT(sg_kv_get(SG("n"), &value).kind == SG_OK && !value.given);
    SG_EXPECT_NUMBER(sg_kv_increment(SG("n"), INT64_MAX, 10, &sum).kind, SG_OK);
    SG_EXPECT_NUMBER(sg_kv_increment(SG("n"), 1, 10, &sum).kind, SG_UNAVAILABLE);
}

SG_TEST(each_test_begins_with_an_empty_store)
{
    sg_optional_str value;
    SG_EXPECT(sg_kv_get(SG("count"), &value).kind == SG_OK && !value.given);
    SG_EXPECT_NUMBER(sg_now_ms(), SG_TEST_NOW_MS);
}

static sg_error echo(const sg_http_request *request, sg_http_response *response)
{
    *response = (sg_http_response){201, request->headers, request->body};
    return SG_DONE;
}

static sg_error judge(const sg_prompt *prompt, sg_str *answer)
{
    *answer = prompt->system.value;
    return SG_DONE;
}

SG_TEST(a_test_says_what_is_answered)
{
    sg_test_configure("{}");
    SG_EXPECT_ERROR(ask("http"), "sg_test_http");
    SG_EXPECT_ERROR(ask("model"), "sg_test_model");
    sg_test_http(echo);
    sg_test_model(judge);
    SG_EXPECT_TEXT(ask("http").findings.data[0].rule, "201");
    SG_EXPECT_TEXT(ask("model").findings.data[0].rule, "system");
    sg_test_set_clock(12);
    SG_EXPECT_TEXT(ask("clock").findings.data[0].rule, "12");
}

SG_TEST(texts_with_the_same_words_are_alike)
{
    sg_test_configure("{}");
    sg_verdict verdict = ask("embedding");
    SG_EXPECT(verdict.findings.data[0].score > 0.999f);
    SG_EXPECT(verdict.findings.data[1].score < 0.1f);
}

SG_TEST(the_log_is_kept)
{
    sg_log(SG_LOG_WARN, SG("careful"));
    SG_EXPECT_TEXT(sg_test_log(), "warn careful\n");
}

static sg_strs expressions;
static const char *tail;
static sg_patterns found;
static sg_error with_patterns(const sg_json *config)
{
    (void)config;
    SG_TRY(sg_patterns_compile(expressions, &found));
    return tail == NULL ? SG_DONE : sg_patterns_prefilter(found, tail);
}

static void configure_patterns(sg_strs some, const char *with_tail)
{
    static sg_plugin plugin = {.name = "patterns", .configure = with_patterns};
    expressions = some;
    tail = with_tail;
    const sg_plugin *before = sg_registered_plugin;
    sg_registered_plugin = &plugin;
    sg_test_configure("{}");
    sg_registered_plugin = before;
}

SG_TEST(expressions_are_those_of_posix)
{
    sg_str some[] = {SG("\\bab\\b"), SG("(?i)(?:x|y)\\d{2}"), SG("[\\w.]+@"), SG("a.c"), SG("x*")};
    configure_patterns((sg_strs){some, 4}, NULL);
    sg_matches matches = sg_patterns_find(found, SG("ab X12 j.d@ a" OWL "c abc"));
    SG_EXPECT_NUMBER(matches.len, 5);
    SG_EXPECT_NUMBER(sg_at(matches, 0)->expression, 0);
    SG_EXPECT_NUMBER(sg_at(matches, 1)->expression, 1);
    SG_EXPECT_NUMBER(sg_at(matches, 2)->expression, 2);
    SG_EXPECT_NUMBER(sg_at(matches, 3)->expression, 3);
    SG_EXPECT_NUMBER(sg_at(matches, 3)->span.end, 18);
    configure_patterns((sg_strs){some + 4, 1}, NULL);
    SG_EXPECT_NUMBER(sg_patterns_find(found, SG("xx" OWL)).len, 2);
    const char *const unknown[] = {"a+?", "\\p{L}", "(?s)a", "(?P<a>b)", "[\\D]", "[a\\-z]"};
    for (size_t at = 0; at < sizeof unknown / sizeof unknown[0]; at++) {
        sg_str one = sg_cstr(unknown[at]);
        SG_EXPECT_ERROR(configure_patterns((sg_strs){&one, 1}, NULL), "POSIX has no such thing");
    }
    sg_str broken = SG("(");
    SG_EXPECT_ERROR(configure_patterns((sg_strs){&broken, 1}, NULL), "is wrong");
    SG_EXPECT_NUMBER(sg_patterns_compile(expressions, &found).kind, SG_OTHER);
}

SG_TEST(a_prefilter_lets_pass_what_the_plugin_would)
{
    sg_str digits = SG("[0-9]");
    const sg_text_guardrail *before = sg_registered_text_guardrail;
    const sg_text_guardrail guardrail = {craft};
    sg_registered_text_guardrail = &guardrail;
    crafted = (sg_verdict){.hold = 2};
    configure_patterns((sg_strs){&digits, 1}, "a+b?");
    sg_window window = sg_test_answer_window("xaaab");
    window.final = false;
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 4);
    window.context = 3;
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 2);
    sg_registered_text_guardrail = before;
}
