#include "services/mcp-connector/domain/read_params.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;

TEST(IsReadMethod, KnowsTheThree) {
  for (const char* method : {"resources/read", "prompts/get", "completion/complete"}) {
    EXPECT_TRUE(is_read_method(method)) << method;
  }
  for (const char* method : {"tools/call", "resources/list", "resources/subscribe", ""}) {
    EXPECT_FALSE(is_read_method(method)) << method;
  }
}

TEST(NamedIn, ReadsTheMemberOfTheMethod) {
  EXPECT_EQ(named_in("resources/read", R"({"name":"n","uri":"a://b"})").value(), "a://b");
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
