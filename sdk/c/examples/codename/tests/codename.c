#include "sluicegate_test.h"

SG_TEST(a_name_is_masked)
{
    sg_test_configure("{\"names\": [\"Nightjar\"]}");
    sg_window window = sg_test_request_window("When is Nightjar ready? Nightjars are birds.");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT_TEXT(sg_test_applied(window.text, &verdict), "When is [codename] ready? [codename]s are birds.");
    SG_EXPECT_NUMBER(verdict.findings.len, 2);
    SG_EXPECT_TEXT(verdict.findings.data[0].rule, "codename");
    SG_EXPECT_NUMBER(verdict.findings.data[0].span.value.start, 8);
    SG_EXPECT_NUMBER(verdict.findings.data[0].span.value.end, 16);
    SG_EXPECT(verdict.findings.data[0].score == 1);
    SG_EXPECT(!verdict.edits.data[0].restore);
}

SG_TEST(a_name_is_refused)
{
    sg_test_configure("{\"names\": [\"Nightjar\"], \"refuse\": true}");
    sg_window window = sg_test_answer_window("It is Nightjar.");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT(verdict.denied);
    SG_EXPECT_TEXT(verdict.denial.code, "codename.blocked");
    SG_EXPECT_TEXT(verdict.denial.reason, "A code name must not be named here.");
    SG_EXPECT(!verdict.denial.detail.given);
    SG_EXPECT_NUMBER(verdict.findings.len, 1);
}

SG_TEST(harmless_text_is_allowed)
{
    sg_test_configure("{\"names\": [\"Nightjar\"]}");
    sg_window window = sg_test_request_window("nightjar, Night jar, Nightja");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT(!verdict.denied && verdict.edits.len == 0 && verdict.findings.len == 0 && verdict.hold == 0);
}

SG_TEST(of_several_names_the_longest_counts)
{
    sg_test_configure("{\"names\": [\"Night\", \"Nightjar\", \"jar\"]}");
    sg_window window = sg_test_request_window("Nightjar Night jar");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT_TEXT(sg_test_applied(window.text, &verdict), "[codename] [codename] [codename]");
}

SG_TEST(what_may_become_a_name_is_held_back)
{
    sg_test_configure("{\"names\": [\"Nightjar\", \"Night\"]}");
    sg_window window = sg_test_answer_window("Ask Night");
    window.final = false;
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 5);
    window.text = SG("Ask Nig");
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 3);
    window.text = SG("Ask Nick");
    SG_EXPECT_NUMBER(sg_test_inspect(&window).hold, 0);
}

SG_TEST(a_name_in_the_context_is_ignored)
{
    sg_test_configure("{\"names\": [\"Nightjar\"]}");
    sg_window window = sg_test_answer_window("Nightjar and Nightjar");
    window.context = 8;
    SG_EXPECT_NUMBER(sg_test_inspect(&window).findings.len, 1);
    window.context = 7;
    SG_EXPECT_NUMBER(sg_test_inspect(&window).findings.len, 2);
}

SG_TEST(streams_say_what_the_whole_says)
{
    sg_test_configure("{\"names\": [\"Nightjar\", \"Nacht\xC3\xA4\", \"\xF0\x9F\xA6\x89x\", \"e\xCC\x81t\xC3\xA9\"]}");
    sg_window window = sg_test_answer_window("Nightjar, Nacht\xC3\xA4 \xF0\x9F\xA6\x89 \xF0\x9F\xA6\x89x e\xCC\x81 e\xCC\x81t\xC3\xA9 Nigh");
    for (size_t context = 0; context < 20; context += 5)
        sg_test_same_in_streams(&window, context);
}

SG_TEST(a_configuration_needs_names)
{
    SG_EXPECT_ERROR(sg_test_configure("{}"), "`names` is missing");
    SG_EXPECT_ERROR(sg_test_configure("{\"names\": []}"), "`names` must not be empty");
    SG_EXPECT_ERROR(sg_test_configure("{\"names\": [\"\"]}"), "`names` has an empty text");
}
