#include "sluicegate_test.h"

static const sg_findings none;

static sg_str key_of(const char *text)
{
    sg_request request = sg_test_request(text);
    return sg_test_plan(&request, none).key;
}

SG_TEST(a_question_is_looked_for)
{
    sg_test_configure("{\"ttl_s\": 60, \"threshold\": 0.5}");
    sg_request request = sg_test_request("  What is\t\n the  Price? ");
    sg_intention intention = sg_test_plan(&request, none);
    SG_EXPECT(intention.look_up && intention.by_meaning);
    SG_EXPECT_TEXT(intention.key, "what is the price");
    SG_EXPECT_TEXT(intention.meaning, "what is the price");
    SG_EXPECT(intention.threshold == 0.5f);
    SG_EXPECT_NUMBER(intention.age_ms_max, 60000);
}

SG_TEST(keys_are_normalized)
{
    sg_test_configure("{}");
    SG_EXPECT_TEXT(key_of("Why?! ..?"), "why");
    SG_EXPECT_TEXT(key_of("a.b ? c"), "a.b ? c");
    SG_EXPECT_TEXT(key_of("\xC3\x84RGER \xF0\x9F\xA6\x89!"), "\xC3\x84rger \xF0\x9F\xA6\x89");
}

SG_TEST(the_defaults)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Why?");
    sg_intention intention = sg_test_plan(&request, none);
    SG_EXPECT_NUMBER(intention.age_ms_max, 3600000);
    SG_EXPECT(intention.threshold == 0.92f);
}

SG_TEST(what_is_no_single_question_is_not_looked_for)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Why?");
    const sg_finding finding = {SG("email"), {0}, 1};
    SG_EXPECT(!sg_test_plan(&request, (sg_findings){&finding, 1}).look_up);
    sg_test_add_segment(&request, SG_ROLE_SYSTEM, SG_CHANNEL_CONTENT, "Be brief.");
    SG_EXPECT(sg_test_plan(&request, none).look_up);
    sg_request with_tool = request;
    sg_test_add_tool(&with_tool, "track");
    SG_EXPECT(!sg_test_plan(&with_tool, none).look_up);
    sg_test_add_segment(&request, SG_ROLE_USER, SG_CHANNEL_CONTENT, "And how?");
    SG_EXPECT(!sg_test_plan(&request, none).look_up);
    request = sg_test_request(" ?!. ");
    SG_EXPECT(!sg_test_plan(&request, none).look_up);
    request = sg_test_request("");
    SG_EXPECT(!sg_test_plan(&request, none).look_up);
}

static bool accepts(const char *question, const char *other)
{
    sg_request request = sg_test_request(question);
    sg_candidate candidate = {.question = sg_cstr(other), .answer = sg_test_answer("Yes.")};
    return sg_test_accept(&request, &candidate);
}

SG_TEST(numbers_must_be_the_same)
{
    sg_test_configure("{}");
    SG_EXPECT(accepts("A pass for 2 adults?", "what does a pass for 2 adults cost"));
    SG_EXPECT(accepts("A pass?", "the pass"));
    SG_EXPECT(!accepts("A pass for 3 adults?", "a pass for 2 adults"));
    SG_EXPECT(!accepts("A pass for 2 adults?", "a pass for 2 adults and 1 child"));
    SG_EXPECT(!accepts("2 and 1", "1 and 2"));
    SG_EXPECT(!accepts("02", "2"));
    SG_EXPECT(!accepts("A pass", "a pass for 2"));
}

SG_TEST(whole_answers_are_kept)
{
    sg_test_configure("{\"ttl_s\": 5}");
    sg_request request = sg_test_request("Why?");
    sg_answer answer = sg_test_answer("So.");
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, none), 5000);
    const sg_finding finding = {SG("email"), {0}, 1};
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, (sg_findings){&finding, 1}), 0);
    answer.finish = SG_FINISH_LENGTH;
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, none), 0);
    answer = sg_test_answer(" \n");
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, none), 0);
    answer.segments.len = 0;
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, none), 0);
}

SG_TEST(settings_have_bounds)
{
    SG_EXPECT_ERROR(sg_test_configure("{\"ttl_s\": 0}"), "`ttl_s` is out of bounds");
    SG_EXPECT_ERROR(sg_test_configure("{\"ttl_s\": 1.5}"), "`ttl_s` must be a whole number");
    SG_EXPECT_ERROR(sg_test_configure("{\"threshold\": 1.1}"), "`threshold` is out of bounds");
}
