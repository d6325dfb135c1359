#include "sluicegate_test.h"

static const sg_str tags[] = {{"small", 5}};
/* Without the tag, resting, and one that is asked. */
static const sg_target targets[] = {
    {.healthy = true},
    {.healthy = false, .tags = {tags, 1}},
    {.healthy = true, .tags = {tags, 1}},
};

SG_TEST(short_requests_go_to_targets_with_the_tag)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Where is my parcel?");
    sg_routing routing = sg_test_route(&request, SG_ARRAY(sg_targets, targets));
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_TARGETS);
    SG_EXPECT_NUMBER(routing.targets.len, 1);
    SG_EXPECT_NUMBER(*sg_at(routing.targets, 0), 2);
    SG_EXPECT_TEXT(routing.intent.value, "short");
}

SG_TEST(the_others_go_where_they_would)
{
    sg_test_configure("{\"tokens_max\": 10}");
    sg_request request = sg_test_request("Where is my parcel?");
    request.tokens_estimate = 11;
    SG_EXPECT_NUMBER(sg_test_route(&request, SG_ARRAY(sg_targets, targets)).decision, SG_ROUTE_UNCHANGED);
    request.tokens_estimate = 1;
    sg_test_add_tool(&request, "track");
    SG_EXPECT_NUMBER(sg_test_route(&request, SG_ARRAY(sg_targets, targets)).decision, SG_ROUTE_UNCHANGED);
}
