#include "services/mcp-connector/domain/caller.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

TEST(CallerOf, APrincipalHasTokensOfItsOwnAndAnAdminThoseOfTheGateway) {
  policy::v1::CallerClaims claims;
  claims.set_tenant("t");
  claims.set_principal("key:a");
  claims.add_roles("caller");

  const Caller caller = caller_of(claims, "s");
  EXPECT_EQ(caller.id, "t/key:a");
  EXPECT_EQ(caller.session, "s");
  EXPECT_EQ(caller.token_owner, "t/key:a");
  EXPECT_FALSE(is_admin(claims));

  claims.add_roles("admin");
  EXPECT_TRUE(is_admin(claims));
  EXPECT_EQ(caller_of(claims, "").id, "t/key:a");
  EXPECT_EQ(caller_of(claims, "").token_owner, "");
}

}  // namespace
}  // namespace sluice::mcp_connector
