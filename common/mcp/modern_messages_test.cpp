#include "common/mcp/modern_messages.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(ModernMeta, NamesVersionClientAndNoCapabilities) {
  EXPECT_EQ(
      with_meta("{}", modern_meta("2026-07-28", {.name = "sluice", .version = "1"})),
      R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
      R"("io.modelcontextprotocol/clientInfo":{"name":"sluice","version":"1"},)"
      R"("io.modelcontextprotocol/clientCapabilities":{}}})"
  );
}

TEST(ModernMeta, CarriesWhatACallerDeclaredAndWantsToHear) {
  EXPECT_EQ(
      modern_meta(
          "2026-07-28", {.name = "sluice", .version = "1"}, R"({"sampling":{}})", "warning"
      ),
      R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
      R"("io.modelcontextprotocol/clientInfo":{"name":"sluice","version":"1"},)"
      R"("io.modelcontextprotocol/logLevel":"warning",)"
      R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}})"
  );
}

TEST(ModernHeaders, RepeatVersionMethodAndAnEncodedName) {
  EXPECT_EQ(
      modern_headers("2026-07-28", "tools/list", ""),
      (HeaderList{{"mcp-protocol-version", "2026-07-28"}, {"mcp-method", "tools/list"}})
  );
  EXPECT_EQ(
      modern_headers("2026-07-28", "tools/call", "größe").back(),
      std::pair(std::string("mcp-name"), std::string("=?base64?Z3LDtsOfZQ==?="))
  );
}

TEST(ParseDiscoverResult, ReadsVersionsAndCapabilities) {
  const auto with = parse_discover_result(
      R"({"resultType":"complete","supportedVersions":["2026-07-28",7],"capabilities":{"tools":{},"prompts":{}}})"
  );
  const auto without = parse_discover_result(R"({"supportedVersions":[]})");

  ASSERT_THAT(with, IsOk());
  EXPECT_EQ(with.value().supported_versions, std::vector<std::string>{"2026-07-28"});
  EXPECT_EQ(
      with.value().capabilities, (ServerCapabilities{.has_tools = true, .has_prompts = true})
  );
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(without.value().capabilities, ServerCapabilities());
  for (const char* other : {"{}", R"({"supportedVersions":"2026-07-28"})", "[]", "nonsense"}) {
    EXPECT_THAT(parse_discover_result(other), HasCode(Code::Invalid)) << other;
  }
}

TEST(SupportedVersionsOf, ReadsOnlyAnUnsupportedProtocolVersion) {
  const std::string data = R"({"supported":["2026-07-28"],"requested":"x"})";

  EXPECT_EQ(
      supported_versions_of({.code = kUnsupportedProtocolVersion, .message = "no", .data = data}),
      std::vector<std::string>{"2026-07-28"}
  );
  EXPECT_TRUE(supported_versions_of({.code = -32000, .message = "no", .data = data}).empty());
  for (const char* other : {"", "[]", "{}", R"({"supported":{}})"}) {
    EXPECT_TRUE(
        supported_versions_of({.code = kUnsupportedProtocolVersion, .message = "no", .data = other})
            .empty()
    ) << other;
  }
}

TEST(IsModernError, KnowsTheThreeCodesOnly) {
  for (const int code : {-32020, -32021, -32022}) {
    EXPECT_TRUE(is_modern_error(code)) << code;
  }
  for (const int code : {-32000, -32019, -32023, -32601, -32603}) {
    EXPECT_FALSE(is_modern_error(code)) << code;
  }
}

TEST(SharedModernVersion, IgnoresTheLegacyOnes) {
  EXPECT_EQ(shared_modern_version({"2025-11-25", "2026-07-28"}), "2026-07-28");
  EXPECT_EQ(shared_modern_version({"2025-11-25", "2027-01-01"}), std::nullopt);
  EXPECT_EQ(shared_modern_version({}), std::nullopt);
}

TEST(ResultTypeOf, AnAbsentOneIsComplete) {
  std::string absent = R"({"content":[]})";
  std::string asks = R"({"resultType":"input_required","inputRequests":{}})";
  std::string wrong = R"({"resultType":1})";
  std::string no_object = "[]";

  EXPECT_EQ(result_type_of(absent).value(), "complete");
  EXPECT_EQ(result_type_of(asks).value(), "input_required");
  EXPECT_THAT(result_type_of(wrong), HasCode(Code::Invalid));
  EXPECT_THAT(result_type_of(no_object), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::mcp
