#include "sluicegate_test.h"

SG_TEST(the_model_is_asked_once_more)
{
    sg_test_configure("{\"correction\": \"To the point.\"}");
    sg_request request = sg_test_request("Why?");
    sg_answer answer = sg_test_answer("As an AI I do not know.");
    sg_verdict verdict = sg_test_check_answer(&request, &answer);
    SG_EXPECT(verdict.retried);
    SG_EXPECT_TEXT(verdict.correction, "To the point.");
    SG_EXPECT_NUMBER(verdict.findings.len, 1);
}

SG_TEST(other_answers_are_allowed)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Why?");
    sg_answer answer = sg_test_answer("Nobody knows.");
    sg_verdict verdict = sg_test_check_answer(&request, &answer);
    SG_EXPECT(!verdict.retried && verdict.findings.len == 0);
}
