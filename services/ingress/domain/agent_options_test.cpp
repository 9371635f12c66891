#include "services/ingress/domain/agent_options.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::ingress {
namespace {

using testing::HasCode;

http::Headers headers_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) {
    headers.add(name, value);
  }
  return headers;
}

TEST(AgentOptions, OnlyLowerWhatTheOperatorAllows) {
  struct Case {
    std::vector<std::pair<std::string, std::string>> headers;
    std::string own;
    std::size_t depth;
  };

  const std::vector<Case> cases{
      {{}, "", 10},
      {{}, "null", 10},
      {{}, "{}", 10},
      {{{"x-sluice-max-depth", "3"}}, "", 3},
      {{{"x-sluice-max-depth", "50"}}, "", 10},
      {{}, R"({"max_depth":2})", 2},
      {{{"x-sluice-max-depth", "3"}}, R"({"max_depth":5})", 3},
      {{}, R"({"mode":"agent"})", 10},
      {{}, R"({"mode":"manual"})", 0},
      {{}, R"({"mode":"manual","max_depth":4})", 0},
      {{{"x-sluice-mode", "manual"}}, R"({"mode":"agent"})", 0},
      {{{"x-sluice-mode", "agent"}}, R"({"mode":"manual"})", 0},
  };
  for (const Case& one : cases) {
    const auto depth = agent_depth_of(headers_of(one.headers), one.own, 10);

    ASSERT_TRUE(depth.ok()) << one.own;
    EXPECT_EQ(depth.value(), one.depth) << one.own;
  }
}

TEST(AgentOptions, RefuseWhatTheyDoNotKnow) {
  for (const char* own :
       {"1",
        "[]",
        R"({"mode":"auto"})",
        R"({"mode":1})",
        R"({"max_depth":0})",
        R"({"max_depth":51})",
        R"({"max_depth":"3"})",
        R"({"depth":3})"}) {
    EXPECT_THAT(agent_depth_of({}, own, 10), HasCode(Code::Invalid)) << own;
  }
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"x-sluice-mode", "auto"},
           {"x-sluice-mode", ""},
           {"x-sluice-max-depth", "0"},
           {"x-sluice-max-depth", "3x"},
           {"x-sluice-max-depth", ""},
           {"x-sluice-max-depth", "51"}
       }) {
    EXPECT_THAT(agent_depth_of(headers_of({{name, value}}), "", 10), HasCode(Code::Invalid))
        << name << value;
  }
}

}  // namespace
}  // namespace sluice::ingress
