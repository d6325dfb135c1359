#include "sluicegate_test.h"

SG_TEST(a_long_request_is_refused)
{
    sg_test_configure("{\"tokens_max\": 10}");
    sg_request request = sg_test_request("A very long question.");
    request.tokens_estimate = 11;
    sg_verdict verdict = sg_test_check_request(&request);
    SG_EXPECT(verdict.denied);
    SG_EXPECT_TEXT(verdict.denial.code, "too-long");
    SG_EXPECT_TEXT(verdict.denial.reason, "This request is too long. Please send less text.");
    SG_EXPECT_NUMBER(verdict.findings.len, 0);
}

SG_TEST(others_are_allowed)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("A question.");
    request.tokens_estimate = 8000;
    sg_verdict verdict = sg_test_check_request(&request);
    SG_EXPECT(!verdict.denied && verdict.findings.len == 0);
}
