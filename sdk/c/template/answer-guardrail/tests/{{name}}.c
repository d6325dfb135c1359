#include "sluicegate_test.h"

static sg_verdict said(const char *text)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Will it come?");
    sg_answer answer = sg_test_answer(text);
    return sg_test_check_answer(&request, &answer);
}

SG_TEST(a_promise_is_asked_for_again)
{
    sg_verdict verdict = said("I guarantee that it comes.");
    SG_EXPECT(verdict.retried);
    SG_EXPECT_TEXT(verdict.correction, "Do not promise anything.");
    SG_EXPECT_NUMBER(verdict.findings.len, 1);
    SG_EXPECT_TEXT(sg_at(verdict.findings, 0)->rule, "promise");
}

SG_TEST(other_answers_are_allowed)
{
    sg_verdict verdict = said("It should come.");
    SG_EXPECT(!verdict.retried && verdict.findings.len == 0);
}
