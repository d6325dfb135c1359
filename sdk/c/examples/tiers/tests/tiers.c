#include "sluicegate_test.h"

static const sg_str small_tag[] = {{"small", 5}};
static const sg_str large_tag[] = {{"large", 5}};

/* Small, large, large but resting, untagged. */
static sg_targets some_targets(void)
{
    sg_target *targets = sg_new(sg_target, 4);
    for (size_t at = 0; at < 4; at++)
        targets[at].healthy = at != 2;
    targets[0].tags = (sg_strs)SG_ARRAY(sg_strs, small_tag);
    targets[1].tags = (sg_strs)SG_ARRAY(sg_strs, large_tag);
    targets[2].tags = (sg_strs)SG_ARRAY(sg_strs, large_tag);
    return (sg_targets){targets, 4};
}

static void expect_indices(sg_index_list got, sg_index_list wanted)
{
    SG_EXPECT_NUMBER(got.len, wanted.len);
    for (size_t at = 0; at < got.len; at++)
        SG_EXPECT_NUMBER(got.data[at], wanted.data[at]);
}
#define INDICES(...) ((sg_index_list){(uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), 0})
#define NONE ((sg_index_list){0})

SG_TEST(an_easy_question_goes_to_small_models)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Where is my parcel?");
    request.tokens_estimate = 200;
    sg_routing routing = sg_test_route(&request, some_targets());
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_TARGETS);
    SG_EXPECT_TEXT(routing.intent.value, "easy");
    expect_indices(routing.targets, INDICES(0));
    expect_indices(routing.on_rejection, INDICES(1));
    SG_EXPECT_NUMBER(routing.findings.len, 0);
}

SG_TEST(a_long_question_goes_to_large_models)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Where is my parcel?");
    request.tokens_estimate = 201;
    sg_routing routing = sg_test_route(&request, some_targets());
    SG_EXPECT_TEXT(routing.intent.value, "hard");
    expect_indices(routing.targets, INDICES(1));
    expect_indices(routing.on_rejection, NONE);
}

SG_TEST(tools_make_it_hard)
{
    sg_test_configure("{\"tokens\": 1000}");
    sg_request request = sg_test_request("Where is my parcel?");
    sg_test_add_tool(&request, "track");
    SG_EXPECT_TEXT(sg_test_route(&request, some_targets()).intent.value, "hard");
}

SG_TEST(without_the_tag_all_healthy_targets_are_asked)
{
    sg_test_configure("{\"small\": \"tiny\"}");
    sg_request request = sg_test_request("Where is my parcel?");
    expect_indices(sg_test_route(&request, some_targets()).targets, INDICES(0, 1, 3));
}

SG_TEST(without_healthy_targets_all_stays_as_it_is)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Where is my parcel?");
    sg_target resting = {0};
    sg_routing routing = sg_test_route(&request, (sg_targets){&resting, 1});
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_UNCHANGED);
    SG_EXPECT_TEXT(routing.intent.value, "easy");
}

SG_TEST(a_greeting_is_answered)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("A question before.");
    sg_test_add_segment(&request, SG_ROLE_USER, SG_CHANNEL_CONTENT, " \tHeLLo\n");
    sg_test_add_segment(&request, SG_ROLE_ASSISTANT, SG_CHANNEL_CONTENT, "Yes?");
    sg_routing routing = sg_test_route(&request, some_targets());
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_ANSWER);
    SG_EXPECT_TEXT(routing.text, "Hello. What can I do for you?");
    SG_EXPECT_TEXT(routing.intent.value, "greeting");
    expect_indices(routing.on_rejection, NONE);
    request = sg_test_request("Hello there");
    SG_EXPECT_NUMBER(sg_test_route(&request, some_targets()).decision, SG_ROUTE_TARGETS);
}

SG_TEST(greetings_are_configured)
{
    sg_test_configure("{\"greetings\": [\" Gr\xC3\xBC\xC3\x9F Gott\"]}");
    sg_request request = sg_test_request("gr\xC3\xBC\xC3\x9F gott");
    SG_EXPECT_NUMBER(sg_test_route(&request, some_targets()).decision, SG_ROUTE_ANSWER);
    request = sg_test_request("hi");
    SG_EXPECT_NUMBER(sg_test_route(&request, some_targets()).decision, SG_ROUTE_TARGETS);
}
