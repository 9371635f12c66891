#include "services/ingress/domain/mcp_client.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

json::Value parsed(const std::string& text) {
  return json::parse(text).value_or(json::Value());
}

TEST(McpClient, ALegacyOneSaysItOnce) {
  const auto capabilities =
      capabilities_in(parsed(R"({"capabilities":{"sampling":{"tools":{}},"x":1}})"));
  ASSERT_THAT(capabilities, IsOk());
  EXPECT_EQ(capabilities.value(), R"({"sampling":{"tools":{}},"x":1})");
  EXPECT_EQ(capabilities_in(parsed("{}")).value(), "{}");
  EXPECT_EQ(capabilities_in(parsed(R"({"capabilities":[]})")).value(), "{}");
  const std::string much(kMcpCapabilitiesBytesMax, 'x');
  EXPECT_THAT(
      capabilities_in(parsed(R"({"capabilities":{"x":")" + much + R"("}})")), HasCode(Code::Invalid)
  );

  McpSessionState state;
  state.capabilities = R"({"roots":{}})";
  EXPECT_EQ(client_in("s", state).log_level, "info");
  state.log_level = "error";
  const McpClient client = client_in("s", state);
  EXPECT_EQ(client.log_level, "error");
  EXPECT_EQ(client.capabilities, R"({"roots":{}})");
  EXPECT_EQ(client.session, "s");
}

TEST(McpClient, AModernOneSaysItEachTime) {
  const auto client = modern_client_in(parsed(
      R"({"_meta":{"io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/logLevel":"debug"}})"
  ));
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(client.value().capabilities, R"({"roots":{}})");
  EXPECT_EQ(client.value().log_level, "debug");
  EXPECT_EQ(modern_client_in(parsed(R"({"_meta":{}})")).value().log_level, "");
  for (const char* level : {R"("loud")", "1"}) {
    EXPECT_THAT(
        modern_client_in(
            parsed(R"({"_meta":{"io.modelcontextprotocol/logLevel":)" + std::string(level) + "}}")
        ),
        HasCode(Code::Invalid)
    );
  }
}

TEST(McpClient, LevelsAreThoseOfSyslog) {
  EXPECT_EQ(log_level_in(parsed(R"({"level":"emergency"})")).value(), "emergency");
  EXPECT_THAT(log_level_in(parsed(R"({"level":"Info"})")), HasCode(Code::Invalid));
  EXPECT_THAT(log_level_in(parsed("{}")), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::ingress
