#include "sluicegate_test.h"

SG_TEST(the_word_is_masked)
{
    sg_test_configure("{}");
    sg_window window = sg_test_request_window("When will Nightjar be ready?");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT_TEXT(sg_test_applied(window.text, &verdict), "When will [masked] be ready?");
    SG_EXPECT_NUMBER(verdict.findings.len, 1);
    SG_EXPECT_TEXT(sg_at(verdict.findings, 0)->rule, "word");
    SG_EXPECT_NUMBER(sg_at(verdict.findings, 0)->span.value.start, 10);
}

SG_TEST(other_text_is_allowed)
{
    sg_test_configure("{\"word\": \"Kestrel\"}");
    sg_window window = sg_test_request_window("When will Nightjar be ready?");
    sg_verdict verdict = sg_test_inspect(&window);
    SG_EXPECT(verdict.edits.len == 0 && verdict.findings.len == 0);
}

SG_TEST(streams_say_what_the_whole_says)
{
    sg_test_configure("{}");
    sg_window window = sg_test_answer_window("NightNightjar is a \xF0\x9F\xA6\x89, Nightjar is not. Night");
    sg_test_same_in_streams(&window, 16);
}
