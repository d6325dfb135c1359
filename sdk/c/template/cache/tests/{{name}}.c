#include "sluicegate_test.h"

static const sg_findings none;

SG_TEST(a_question_is_looked_for)
{
    sg_test_configure("{\"ttl_s\": 5}");
    sg_request request = sg_test_request(" What does it COST?\n");
    sg_test_add_segment(&request, SG_ROLE_SYSTEM, SG_CHANNEL_CONTENT, "Be brief.");
    sg_intention intention = sg_test_plan(&request, none);
    SG_EXPECT(intention.look_up && !intention.by_meaning);
    SG_EXPECT_TEXT(intention.key, "what does it cost?");
    SG_EXPECT_NUMBER(intention.age_ms_max, 5000);
}

SG_TEST(all_else_is_not)
{
    sg_test_configure("{}");
    sg_request two = sg_test_request("What does it cost?"), begun = two, tools = two;
    sg_test_add_segment(&two, SG_ROLE_USER, SG_CHANNEL_CONTENT, "And now?");
    SG_EXPECT(!sg_test_plan(&two, none).look_up);
    sg_test_add_segment(&begun, SG_ROLE_ASSISTANT, SG_CHANNEL_CONTENT, "49 euros.");
    SG_EXPECT(!sg_test_plan(&begun, none).look_up);
    sg_test_add_tool(&tools, "price");
    SG_EXPECT(!sg_test_plan(&tools, none).look_up);
}

SG_TEST(whole_answers_are_kept)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("What does it cost?");
    sg_answer answer = sg_test_answer("49 euros.");
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, none), 3600000);
    answer.finish = SG_FINISH_LENGTH;
    SG_EXPECT_NUMBER(sg_test_admit(&request, &answer, none), 0);
}
