#include "services/mcp-connector/oauth/scopes.h"

#include "services/mcp-connector/oauth/limits.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

ScopeSources sources() {
  return {
      .configured = {},
      .challenged = {},
      .asked_before = {},
      .resource_supported = {"a", "b"},
      .issuer_supported = {},
      .may_stay_offline = true
  };
}

TEST(ParseScopes, LeavesOutWhatIsNone) {
  EXPECT_EQ(parse_scopes("  a b\"c a files:read  \\ "), (Scopes{"a", "files:read"}));
  EXPECT_EQ(parse_scopes(std::string(kScopeBytesMax + 1, 'x')), Scopes{});
  std::string many;
  for (std::size_t i = 0; i < 2 * kScopesMax; ++i) {
    many += "s" + std::to_string(i) + " ";
  }
  EXPECT_EQ(parse_scopes(many).size(), kScopesMax);
  EXPECT_EQ(joined({"a", "b"}), "a b");
}

TEST(ScopesToAsk, ThoseOfTheRefusalElseAllSupportedElseNone) {
  auto from = sources();
  EXPECT_EQ(scopes_to_ask(from), (Scopes{"a", "b"}));
  from.challenged = {"c"};
  EXPECT_EQ(scopes_to_ask(from), Scopes{"c"});
  from.configured = {"d"};
  EXPECT_EQ(scopes_to_ask(from), (Scopes{"d", "c"}));
  EXPECT_EQ(scopes_to_ask({}), Scopes{});
}

TEST(ScopesToAsk, KeepThoseAskedForBefore) {
  auto from = sources();
  from.asked_before = {"a"};
  from.challenged = {"write"};
  EXPECT_EQ(scopes_to_ask(from), (Scopes{"a", "write"}));
}

TEST(ScopesToAsk, OfflineAccessOnlyWhereTheIssuerKnowsIt) {
  auto from = sources();
  from.issuer_supported = {"a", "offline_access"};
  EXPECT_EQ(scopes_to_ask(from), (Scopes{"a", "b", "offline_access"}));
  from.may_stay_offline = false;
  EXPECT_EQ(scopes_to_ask(from), (Scopes{"a", "b"}));
  from.issuer_supported = {"a"};
  from.challenged = {"a", "offline_access"};
  EXPECT_EQ(scopes_to_ask(from), Scopes{"a"});
  from.configured = {"offline_access"};
  EXPECT_TRUE(contains(scopes_to_ask(from), "offline_access")) << "the operator knows better";
  EXPECT_EQ(
      scopes_to_ask(
          {.configured = {},
           .challenged = {},
           .asked_before = {},
           .resource_supported = {},
           .issuer_supported = {"offline_access"},
           .may_stay_offline = true}
      ),
      Scopes{}
  ) << "alone it would narrow what is given without any";
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
