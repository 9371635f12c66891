#include "services/mcp-connector/domain/read_params.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;

TEST(NamedIn, ReadsTheMemberOfTheMethod) {
  EXPECT_EQ(named_in("resources/read", R"({"name":"n","uri":"a://b"})").value(), "a://b");
  EXPECT_EQ(named_in("resources/subscribe", R"({"uri":"a://b"})").value(), "a://b");
  EXPECT_EQ(named_in("prompts/get", R"({"arguments":{},"name":"n"})").value(), "n");
  EXPECT_EQ(named_in("completion/complete", R"({"ref":{}})").value(), "");
}

TEST(NamedIn, RefusesParamsThatCannotBeSent) {
  for (const char* params :
       {"", "[]", "{}", R"({"uri":5})", R"({"uri":""})", R"({"_meta":{},"uri":"a://b"})"}) {
    EXPECT_THAT(named_in("resources/read", params), HasCode(Code::Invalid)) << params;
  }
  EXPECT_THAT(named_in("completion/complete", "7"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::mcp_connector
