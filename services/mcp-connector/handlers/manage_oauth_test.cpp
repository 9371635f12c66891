#include "services/mcp-connector/handlers/manage_oauth.h"

#include "services/mcp-connector/handlers/manage.h"
#include "services/mcp-connector/testing/fixture.h"
#include "services/mcp-connector/testing/oauth_rig.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

// The rig's server "files" has the id of the fixture's, which is leased and connected.
class ManageOAuthTest : public ::testing::Test {
 protected:
  ManageOAuthTest() {
    fixture_.servers.front().auth_type = "oauth";
    fixture_.servers.front().address = Secret<std::string>(OAuthRig::kServer);
    fixture_.start();
  }

  ~ManageOAuthTest() override { EXPECT_THAT(fixture_.loop.finish(merged_.close()), IsOk()); }

  RequestContext admin() {
    auto context = fixture_.context();
    context.tenant = TenantId("t1");
    context.principal = PrincipalId("key:admin");
    return context;
  }

  Result<connector::v1::ManageReply> begin(
      const std::string& id, const std::string& token_owner = ""
  ) {
    connector::v1::ManageRequest::BeginAuthorization request;
    request.set_server_id(id);
    request.set_redirect_uri(OAuthRig::kRedirect);
    return fixture_.loop.finish(operations_.begin(std::move(request), token_owner, admin()));
  }

  Result<connector::v1::ManageReply> finish(const std::string& state, const std::string& issuer) {
    connector::v1::ManageRequest::FinishAuthorization request;
    request.set_state(state);
    request.set_code("code-1");
    request.set_iss(issuer);
    return fixture_.loop.finish(operations_.finish(std::move(request), fixture_.context()));
  }

  std::string state() { return rig_.store.pending.begin()->first; }

  ConnectorFixture fixture_;
  OAuthRig rig_;
  FakeHolders holders_;
  KnownCatalogs known_{&fixture_.states};
  MergedCatalog merged_{
      {.executor = fixture_.loop.executor(),
       .clock = &fixture_.loop.clock,
       .log = &fixture_.log,
       .pool = fixture_.pool.get(),
       .holders = &holders_,
       .known = &known_}
  };
  OAuthOperations operations_{
      {.flow = &rig_.flow, .catalog = &merged_, .audit = &fixture_.recording}
  };
};

TEST_F(ManageOAuthTest, AnAdminBeginsAndABrowserFinishes) {
  const auto begun = begin(rig_.config.id.str());
  ASSERT_THAT(begun, IsOk());
  EXPECT_THAT(begun.value().authorization_url(), HasSubstr("https://as.example/authorize?"));
  rig_.gives("access-1");

  EXPECT_THAT(finish(state(), OAuthRig::kIssuer), IsOk());

  EXPECT_EQ(rig_.store.tokens.at(rig_.owner()).access.reveal(), "access-1");
  EXPECT_TRUE(fixture_.loop.advance_until(
      [this] { return fixture_.server.opened() == 2; }, std::chrono::seconds(1)
  )) << "the server connects anew";
  const auto records = fixture_.recording.with_action("server.authorize");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].reason(), "authorized");
  EXPECT_EQ(records[0].server(), "files");
  EXPECT_EQ(records[0].principal(), "key:admin");
}

TEST_F(ManageOAuthTest, TokensOfAPrincipalAreItsOwnAndNothingConnectsAnew) {
  ASSERT_THAT(begin(rig_.config.id.str(), "t1/key:ada"), IsOk());
  rig_.gives("access-1");

  ASSERT_THAT(finish(state(), OAuthRig::kIssuer), IsOk());

  ASSERT_EQ(rig_.store.tokens.size(), 1U);
  EXPECT_EQ(rig_.store.tokens.begin()->first.principal, "t1/key:ada");
  fixture_.loop.advance(std::chrono::seconds(1));
  EXPECT_EQ(fixture_.server.opened(), 1);
  EXPECT_EQ(fixture_.recording.with_action("server.authorize").size(), 1U);
}

TEST_F(ManageOAuthTest, APrincipalAuthorizesOnlyForItself) {
  ManageHandler handler(
      {.clock = &fixture_.loop.clock,
       .catalog = &merged_,
       .pool = fixture_.pool.get(),
       .servers = nullptr,
       .token_keys = &fixture_.token_keys,
       .audit = &fixture_.recording,
       .oauth = &operations_}
  );
  const auto begin_as = [&](const RequestContext& context) {
    connector::v1::ManageRequest request;
    request.mutable_begin_authorization()->set_server_id(rig_.config.id.str());
    request.mutable_begin_authorization()->set_redirect_uri(OAuthRig::kRedirect);
    return fixture_.loop.finish(handler(std::move(request), context));
  };
  EXPECT_THAT(begin_as(fixture_.context()), HasCode(Code::Denied)) << "the gateway's tokens";

  fixture_.servers.front().auth_type = "per_user_oauth";

  ASSERT_THAT(begin_as(fixture_.context()), IsOk());
  const auto claims = fixture_.claims();
  const oauth::Pending& pending = rig_.store.pending.begin()->second;
  EXPECT_EQ(pending.principal, claims.tenant() + "/" + claims.principal());
  EXPECT_EQ(pending.began_by, claims.principal());
}

TEST_F(ManageOAuthTest, BeginningTakesAServer) {
  EXPECT_THAT(begin("0000000000000000"), HasCode(Code::NotFound));
  EXPECT_TRUE(rig_.store.pending.empty());
}

TEST_F(ManageOAuthTest, AFailureIsRecordedAndChangesNothing) {
  ASSERT_THAT(begin(rig_.config.id.str()), IsOk());

  EXPECT_THAT(finish(state(), "https://evil.example"), HasCode(Code::Denied));

  EXPECT_TRUE(rig_.store.tokens.empty());
  EXPECT_EQ(fixture_.server.opened(), 1);
  const auto records = fixture_.recording.with_action("server.authorize");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].error_code(), "Denied");
}

TEST_F(ManageOAuthTest, NothingIsLeftOfAServerThatIsForgotten) {
  rig_.keep("access-1", "refresh-1");
  rig_.store.demands[rig_.owner()] = {};

  EXPECT_THAT(fixture_.loop.finish(operations_.forget(rig_.config.id.str())), IsOk());

  EXPECT_TRUE(rig_.store.tokens.empty());
  EXPECT_TRUE(rig_.store.demands.empty());
}

TEST_F(ManageOAuthTest, AnUnknownStateDoesNothing) {
  EXPECT_THAT(finish("guessed", OAuthRig::kIssuer), HasCode(Code::Denied));
  EXPECT_TRUE(fixture_.recording.with_action("server.authorize").empty());
}

}  // namespace
}  // namespace sluice::mcp_connector
