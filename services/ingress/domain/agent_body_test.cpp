#include "services/ingress/domain/agent_body.h"

#include "services/ingress/limits.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr const char* kMore = R"({"role":"assistant"},{"role":"tool"})";

struct Case {
  std::string body;
  std::string later;
};

TEST(AgentBody, ContinuesWithMessagesAndForcesACallInTheFirstRoundOnly) {
  const std::vector<Case> cases{
      {R"({"model":"m","messages":[{"role":"user"}]})",
       R"({"model":"m","messages":[{"role":"user"},{"role":"assistant"},{"role":"tool"}]})"},
      {R"({"messages":[1 ],"tool_choice":"required","x":1})",
       R"({"messages":[1 ,{"role":"assistant"},{"role":"tool"}],"tool_choice":"auto","x":1})"},
      {R"({"tool_choice":{"type":"function","function":{"name":"f"}},"messages":[1]})",
       R"({"tool_choice":"auto","messages":[1,{"role":"assistant"},{"role":"tool"}]})"},
      {R"({"messages":[1],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[2]}}})",
       R"({"messages":[1,{"role":"assistant"},{"role":"tool"}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[2]}}})"
      },
      {R"({"messages":[1],"tool_choice":"none"})",
       R"({"messages":[1,{"role":"assistant"},{"role":"tool"}],"tool_choice":"none"})"},
      {R"({"messages":[1],"tool_choice":null})",
       R"({"messages":[1,{"role":"assistant"},{"role":"tool"}],"tool_choice":null})"},
  };
  for (const Case& one : cases) {
    const auto body = AgentBody::of(one.body);
    ASSERT_THAT(body, IsOk()) << one.body;

    const auto later = body.value().continued(kMore);

    ASSERT_THAT(later, IsOk());
    EXPECT_EQ(later.value(), one.later);
    EXPECT_EQ(body.value().first(), one.body);
  }
}

TEST(AgentBody, NamesToolsOfAllKinds) {
  auto body = AgentBody::of(
      R"({"messages":[1],"tools":[{"function":{"name":"a"}},{"type":"custom","custom":{"name":"b"}},{"type":"x"}]})"
  );
  ASSERT_THAT(body, IsOk());

  EXPECT_EQ(body.value().tool_names(), (std::set<std::string>{"a", "b"}));

  auto none = AgentBody::of(R"({"messages":[1]})");
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none.value().tool_names().empty());
}

TEST(AgentBody, RefusesToGrowAboveWhatTheBusCarries) {
  const auto body = AgentBody::of(R"({"messages":[1]})");
  ASSERT_THAT(body, IsOk());

  EXPECT_THAT(
      body.value().continued("\"" + std::string(kSplicedBodyBytesMax, 'x') + "\""),
      HasCode(Code::Invalid)
  );
}

}  // namespace
}  // namespace sluice::ingress
