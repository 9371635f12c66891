#include "common/mcp/protocol.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(Protocol, ARevisionBelongsToOneEra) {
  EXPECT_TRUE(is_modern_version("2026-07-28"));
  EXPECT_FALSE(is_legacy_version("2026-07-28"));
  EXPECT_TRUE(is_legacy_version("2025-11-25"));
  EXPECT_TRUE(is_legacy_version("2024-11-05"));
  EXPECT_FALSE(is_modern_version("2025-11-25"));
  EXPECT_FALSE(is_legacy_version(""));
}

TEST(Protocol, McpNameRepeatsTheNameOrTheUri) {
  EXPECT_EQ(named_member("tools/call"), "name");
  EXPECT_EQ(named_member("prompts/get"), "name");
  EXPECT_EQ(named_member("resources/read"), "uri");
  EXPECT_EQ(named_member("tools/list"), "");
  EXPECT_TRUE(is_read_method("completion/complete"));
  EXPECT_FALSE(is_read_method("tools/call"));
  EXPECT_FALSE(is_read_method("resources/list"));
}

TEST(Protocol, AHeaderCarriesPlainTextAsItIsAndTheRestEncoded) {
  EXPECT_EQ(header_value_of("us-west 1"), "us-west 1");
  EXPECT_EQ(header_value_of("Zürich"), "=?base64?WsO8cmljaA==?=");
  for (const char* text :
       {"plain",
        "",
        " blank before",
        "blank after ",
        "two\nlines",
        "Zürich",
        "=?base64?WsO8cmljaA==?=",
        "=?base64?\?=",
        "\x7F",
        "=?base64?="}) {
    const std::string value = header_value_of(text);
    EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos);
    const auto back = text_of_header("  " + value + "\t");
    ASSERT_THAT(back, IsOk()) << value;
    EXPECT_EQ(back.value(), text);
  }
  EXPECT_THAT(text_of_header("=?base64?!!?="), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::mcp
