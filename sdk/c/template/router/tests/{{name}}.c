#include "sluicegate_test.h"

static const sg_str tags[] = {{"code", 4}};
/* Without the tag, resting, and one that is asked. */
static const sg_target targets[] = {
    {.healthy = true},
    {.healthy = false, .tags = {tags, 1}},
    {.healthy = true, .tags = {tags, 1}},
};

SG_TEST(code_goes_to_targets_with_the_tag)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Why does ```x``` not compile?");
    sg_routing routing = sg_test_route(&request, SG_ARRAY(sg_targets, targets));
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_TARGETS);
    SG_EXPECT_NUMBER(routing.targets.len, 1);
    SG_EXPECT_NUMBER(*sg_at(routing.targets, 0), 2);
    SG_EXPECT_TEXT(routing.intent.value, "code");
}

SG_TEST(without_such_targets_it_goes_where_it_would)
{
    sg_test_configure("{\"tag\": \"other\"}");
    sg_request request = sg_test_request("Why does ```x``` not compile?");
    sg_routing routing = sg_test_route(&request, SG_ARRAY(sg_targets, targets));
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_UNCHANGED);
    SG_EXPECT_TEXT(routing.intent.value, "code");
}

SG_TEST(so_does_all_else)
{
    sg_test_configure("{}");
    sg_request request = sg_test_request("Where is my parcel?");
    sg_routing routing = sg_test_route(&request, SG_ARRAY(sg_targets, targets));
    SG_EXPECT_NUMBER(routing.decision, SG_ROUTE_UNCHANGED);
    SG_EXPECT(!routing.intent.given);
}
