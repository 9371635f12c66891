// Adding, changing and removing servers by API: two replicas over one store.
#include "services/mcp-connector/handlers/manage.h"
#include "services/mcp-connector/testing/fixture.h"
#include "services/mcp-connector/testing/oauth_rig.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr const char* kHttp =
    R"({"name":"search","connection_type":"http","connection_string":"https://u:pw@mcp.example.com/mcp?key=1",)"
    R"("headers":{"Authorization":"Bearer s3cret"},"tools_to_execute":["*"]})";

class ManageServersTest : public ::testing::Test {
 protected:
  ManageServersTest() {
    fixture_.start();
    EXPECT_THAT(fixture_.loop.finish(added_.reload()), IsOk());
  }

  ~ManageServersTest() override { EXPECT_THAT(fixture_.loop.finish(merged_.close()), IsOk()); }

  RequestContext admin() {
    auto claims = fixture_.claims();
    claims.add_roles("admin");
    auto context = fixture_.context();
    context.caller_token = grant::sign_token(fixture_.token_key, claims);
    return context;
  }

  Result<connector::v1::ManageReply> send(connector::v1::ManageRequest request) {
    return fixture_.loop.finish(handler_(std::move(request), admin()));
  }

  Result<connector::v1::ManageReply> add(const std::string& config) {
    connector::v1::ManageRequest request;
    request.mutable_add()->set_config(config);
    return send(std::move(request));
  }

  Result<connector::v1::ManageReply> update(const std::string& id, const std::string& config) {
    connector::v1::ManageRequest request;
    request.mutable_update()->set_server_id(id);
    request.mutable_update()->set_config(config);
    return send(std::move(request));
  }

  Result<connector::v1::ManageReply> remove(const std::string& id) {
    connector::v1::ManageRequest request;
    request.mutable_remove()->set_server_id(id);
    return send(std::move(request));
  }

  // What is kept of a server.
  json::Value kept(const std::string& name) {
    return json::parse(store_.rows.at(name).config.value_or("null")).value();
  }

  ConnectorFixture fixture_;
  ApiSettings settings_;
  FakeHolders holders_;
  FakeServerStore store_;
  KnownCatalogs known_{&fixture_.states};
  MergedCatalog merged_{MergedCatalog::Deps{
      .executor = fixture_.loop.executor(),
      .clock = &fixture_.loop.clock,
      .log = &fixture_.log,
      .pool = fixture_.pool.get(),
      .holders = &holders_,
      .known = &known_,
  }};
  AddedServers added_{AddedServers::Deps{
      .clock = &fixture_.loop.clock,
      .log = &fixture_.log,
      .store = &store_,
      .pool = fixture_.pool.get(),
      .announcer = &fixture_.announcer,
      .known = &known_,
      .settings = &settings_,
  }};
  ServerOperations operations_{ServerOperations::Deps{
      .pool = fixture_.pool.get(),
      .catalog = &merged_,
      .added = &added_,
      .store = &store_,
      .announcer = &fixture_.announcer,
      .settings = &settings_,
      .audit = &fixture_.recording,
  }};
  OAuthRig oauth_;
  OAuthOperations oauth_operations_{
      {.flow = &oauth_.flow, .catalog = &merged_, .audit = &fixture_.recording}
  };
  ManageHandler handler_{ManageHandler::Deps{
      .clock = &fixture_.loop.clock,
      .catalog = &merged_,
      .pool = fixture_.pool.get(),
      .servers = &operations_,
      .token_keys = &fixture_.token_keys,
      .audit = &fixture_.recording,
      .oauth = &oauth_operations_,
  }};
};

TEST_F(ManageServersTest, AnAddedServerIsKeptRecordedConnectedAndAnnounced) {
  const auto reply = add(kHttp);

  ASSERT_THAT(reply, IsOk());
  const ServerId id = mcp::server_id("search");
  EXPECT_EQ(reply.value().servers(0).catalog().server_id(), id.str());
  EXPECT_THAT(reply.value().servers(0).config(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(reply.value().servers(0).config(), Not(HasSubstr("pw@")));
  EXPECT_EQ(kept("search").find("headers")->text_or("Authorization", ""), "Bearer s3cret");
  EXPECT_EQ(fixture_.announcer.servers_changes, 1);
  EXPECT_EQ(fixture_.announcer.catalogs.back().server_id(), id.str());
  ASSERT_EQ(fixture_.recording.with_action("server.added").size(), 1U);
  EXPECT_THAT(fixture_.recording.with_action("server.added")[0].body(), Not(HasSubstr("s3cret")));
  EXPECT_TRUE(fixture_.loop.advance_until([this, &id] {
    const auto server = fixture_.pool->find(id.str());
    return server && server->connected();
  }));
}

TEST_F(ManageServersTest, ItsPolicyComesWithTheCatalog) {
  ASSERT_THAT(add(kHttp), IsOk());

  const auto catalogs = fixture_.loop.finish(merged_.gather(fixture_.context()));

  ASSERT_THAT(catalogs, IsOk());
  ASSERT_EQ(catalogs.value().size(), 2U);
  EXPECT_EQ(catalogs.value()[0].policy_config(), "");
  const auto policy = json::parse(catalogs.value()[1].policy_config());
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy.value().text_or("name", ""), "search");
  EXPECT_EQ(policy.value().text_or("route", "").size(), 64U);
  EXPECT_EQ(json::write(*policy.value().find("tools_to_execute")), R"(["*"])");
}

TEST_F(ManageServersTest, EveryFaultOfABodyIsNamed) {
  const auto reply = add(
      R"({"name":"1x","connection_type":"http","connection_string":"ftp://x","colour":1,)"
      R"("headers":{"A":"env.HOME"},"effect_classes":{"t":"harmless"},"connection_string_file":"/x"})"
  );

  ASSERT_THAT(reply, HasCode(Code::Invalid));
  for (const char* part :
       {"name: ",
        "connection_string: ",
        "colour: ",
        "headers.A: refers to the variable HOME",
        "effect_classes: ",
        "connection_string_file: "}) {
    EXPECT_THAT(reply.error().message(), HasSubstr(part));
  }
  EXPECT_THAT(reply.error().message(), Not(HasSubstr("client_configs[0]")));
  EXPECT_TRUE(store_.rows.empty());
  EXPECT_TRUE(fixture_.recording.with_action("server.added").empty());
  EXPECT_THAT(add("[]"), HasCode(Code::Invalid));
  EXPECT_THAT(add("{"), HasCode(Code::Invalid));
}

TEST_F(ManageServersTest, AStdioServerIsRefusedUnlessTheOperatorAllowsIt) {
  const char* const stdio =
      R"({"name":"local","connection_type":"stdio","stdio_config":{"command":"npx","args":["-y","pkg"],)"
      R"("envs":["TOKEN"]},"tools_to_execute":["read_file"]})";

  const auto refused = add(stdio);
  ASSERT_THAT(refused, HasCode(Code::Denied));
  EXPECT_THAT(refused.error().message(), HasSubstr("mcp.allow_stdio_servers_by_api"));

  settings_.allow_stdio = true;
  ASSERT_THAT(add(stdio), HasCode(Code::Invalid));  // TOKEN is the gateway's
  settings_.env_names = {"TOKEN"};
  ASSERT_THAT(add(stdio), IsOk());
  EXPECT_THAT(fixture_.recording.with_action("server.added")[0].body(), HasSubstr("npx"));

  settings_.allow_stdio = false;  // at the next start
  ASSERT_THAT(fixture_.loop.finish(added_.reload()), IsOk());
  EXPECT_EQ(fixture_.pool->find(mcp::server_id("local").str()), nullptr);
  EXPECT_THAT(remove("local"), IsOk());
}

TEST_F(ManageServersTest, PrivateNetworksAreRefusedUnlessTheOperatorAllowsThem) {
  const std::string start =
      R"({"name":"inside","connection_type":"http","connection_string":"https://x.example")";
  const std::string inside = start + R"(,"allowed_private_networks":["10.0.0.0/8"]})";

  const auto refused = add(inside);
  ASSERT_THAT(refused, HasCode(Code::Denied));
  EXPECT_THAT(refused.error().message(), HasSubstr("mcp.allow_private_networks_by_api"));
  ASSERT_THAT(add(start + R"(,"allowed_private_networks":[]})"), IsOk());
  EXPECT_THAT(
      update("inside", R"({"allowed_private_networks":["10.0.0.0/8"]})"), HasCode(Code::Denied)
  );

  settings_.allow_private_networks = true;
  EXPECT_THAT(update("inside", R"({"allowed_private_networks":["10.0.0.0/8"]})"), IsOk());
}

TEST_F(ManageServersTest, ANameIsTakenOnce) {
  ASSERT_THAT(add(kHttp), IsOk());

  EXPECT_THAT(add(kHttp), HasCode(Code::Conflict));
  EXPECT_THAT(
      add(R"({"name":"files","connection_type":"http","connection_string":"https://x.example"})"),
      HasCode(Code::Conflict)
  );
}

TEST_F(ManageServersTest, ANameThatAnotherReplicaFreedIsTakenAgain) {
  ASSERT_THAT(add(kHttp), IsOk());
  store_.rows.erase("search");

  EXPECT_THAT(add(kHttp), IsOk());
}

TEST_F(ManageServersTest, AServerOfTheFileIsNotChanged) {
  EXPECT_THAT(update("files", R"({"disabled":true})"), HasCode(Code::Conflict));
  EXPECT_THAT(remove(fixture_.server_id().str()), HasCode(Code::Conflict));
  EXPECT_THAT(remove("nothing"), HasCode(Code::NotFound));
}

TEST_F(ManageServersTest, AMaskedSecretKeepsTheOneThatIsKept) {
  ASSERT_THAT(add(kHttp), IsOk());
  const std::string shown = fixture_.pool->config_of("search")->shown;

  ASSERT_THAT(update("search", shown), IsOk());
  EXPECT_EQ(kept("search").find("headers")->text_or("Authorization", ""), "Bearer s3cret");
  EXPECT_EQ(
      kept("search").text_or("connection_string", ""), "https://u:pw@mcp.example.com/mcp?key=1"
  );

  ASSERT_THAT(update("search", R"({"headers":{"Authorization":"***","X-New":"1"}})"), IsOk());
  EXPECT_EQ(kept("search").find("headers")->text_or("Authorization", ""), "Bearer s3cret");
  EXPECT_EQ(kept("search").find("headers")->text_or("X-New", ""), "1");
  EXPECT_THAT(update("search", R"({"headers":{"Other":"***"}})"), HasCode(Code::Invalid));
}

TEST_F(ManageServersTest, KeptCredentialsDoNotGoToAnotherHost) {
  ASSERT_THAT(add(kHttp), IsOk());

  const auto moved = update("search", R"({"connection_string":"https://evil.example/mcp"})");
  ASSERT_THAT(moved, HasCode(Code::Invalid));
  EXPECT_THAT(moved.error().message(), HasSubstr("another host"));
  EXPECT_THAT(
      update(
          "search",
          R"({"connection_string":"https://new.example/mcp","headers":{"Authorization":"Bearer n3w"}})"
      ),
      IsOk()
  );
}

TEST_F(ManageServersTest, NarrowedToolsKeepTheConnection) {
  ASSERT_THAT(add(kHttp), IsOk());
  const ServerId id = mcp::server_id("search");
  const auto before = fixture_.pool->find(id.str());

  ASSERT_THAT(update(id.str(), R"({"tools_to_execute":["read_file"]})"), IsOk());
  EXPECT_EQ(fixture_.pool->find(id.str()), before);
  EXPECT_FALSE(before->config().allows("write_file"));

  ASSERT_THAT(update(id.str(), R"({"protocol_version":"2025-06-18"})"), IsOk());
  EXPECT_NE(fixture_.pool->find(id.str()), before);

  ASSERT_THAT(update(id.str(), R"({"disabled":true})"), IsOk());
  EXPECT_EQ(fixture_.pool->find(id.str()), nullptr);
  EXPECT_NE(fixture_.pool->config_of(id.str()), nullptr);
  ASSERT_THAT(update(id.str(), R"({"disabled":false})"), IsOk());
  EXPECT_NE(fixture_.pool->find(id.str()), nullptr);
  EXPECT_THAT(update(id.str(), R"({"name":"other"})"), HasCode(Code::Invalid));
}

TEST_F(ManageServersTest, ARemovedServerGivesItsLeaseBack) {
  ASSERT_THAT(add(kHttp), IsOk());
  const ServerId id = mcp::server_id("search");
  ASSERT_TRUE(fixture_.loop.advance_until([this, &id] {
    return fixture_.pool->find(id.str())->connected();
  }));

  ASSERT_THAT(remove(id.str()), IsOk());

  EXPECT_EQ(fixture_.pool->find(id.str()), nullptr);
  EXPECT_EQ(fixture_.recording.with_action("server.removed").size(), 1U);
  EXPECT_TRUE(fixture_.loop.advance_until([this, &id] {
    return fixture_.subjects.serving(id) == 0 && !fixture_.board.entries.contains(id.str());
  }));
}

TEST_F(ManageServersTest, WithoutTheStoreThoseKnownStay) {
  ASSERT_THAT(add(kHttp), IsOk());
  store_.set_down(true);

  EXPECT_THAT(fixture_.loop.finish(added_.reload()), HasCode(Code::Unavailable));
  EXPECT_NE(fixture_.pool->find(mcp::server_id("search").str()), nullptr);
  EXPECT_EQ(added_.missing(), "");
  EXPECT_THAT(update("search", R"({"disabled":true})"), HasCode(Code::Unavailable));
  EXPECT_THAT(
      add(R"({"name":"x","connection_type":"http","connection_string":"https://x.example"})"),
      HasCode(Code::Unavailable)
  );
  const auto records = fixture_.recording.with_action("server.added");
  EXPECT_EQ(records.back().outcome(), audit::v1::OUTCOME_UNKNOWN);
}

TEST_F(ManageServersTest, ARowOfAnotherKeyIsLeftOutAndCanBeRemoved) {
  store_.rows["lost"] = {
      .id = mcp::server_id("lost"), .name = "lost", .config = std::nullopt, .revision = 1
  };

  ASSERT_THAT(fixture_.loop.finish(added_.reload()), IsOk());
  EXPECT_EQ(fixture_.pool->config_of("lost"), nullptr);
  EXPECT_THAT(remove("lost"), IsOk());
  EXPECT_TRUE(store_.rows.empty());
}

}  // namespace
}  // namespace sluice::mcp_connector
