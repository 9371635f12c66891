// Decides about requests other than tools/call.
#include "services/policy-engine/handlers/decide.h"
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr auto kManual = policy::v1::MODE_MANUAL;
constexpr auto kReads = {"resources/read", "prompts/get", "completion/complete"};

Result<policy::v1::DecideReply> send(PolicyFixture& fixture, policy::v1::DecideRequest request) {
  return fixture.run((*fixture.decide)(std::move(request), fixture.context_of("alice")));
}

void expect_denied(const Result<policy::v1::DecideReply>& reply, const std::string& rule) {
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(reply.value().decisions(0).effect_class(), policy::v1::EFFECT_CLASS_READ);
  EXPECT_EQ(reply.value().decisions(0).rule(), rule);
  EXPECT_NE(reply.value().decisions(0).reason(), "");
  EXPECT_EQ(reply.value().decisions(0).grant(), "");
}

TEST(DecideReads, GrantsAnExplicitRequestForItsMethodAndParams) {
  for (const std::string method : kReads) {
    SCOPED_TRACE(method);
    PolicyFixture fixture;
    auto request = fixture.read_request(method, kManual);
    request.mutable_calls(0)->set_arguments(R"({"uri":"file:///a"})");

    const auto reply = send(fixture, request);

    ASSERT_THAT(reply, IsOk());
    const auto& decision = reply.value().decisions(0);
    EXPECT_EQ(decision.verdict(), policy::v1::VERDICT_MANUAL);
    EXPECT_EQ(decision.effect_class(), policy::v1::EFFECT_CLASS_READ);
    EXPECT_EQ(decision.rule(), "files.reads");
    const auto grant =
        grant::verify_grant(fixture.grant_ring, decision.grant(), fixture.clock.unix_ms());
    ASSERT_THAT(grant, IsOk());
    EXPECT_EQ(grant.value().method(), method);
    EXPECT_EQ(grant.value().tool(), "");
    EXPECT_EQ(grant.value().definition_hash(), "");
    EXPECT_EQ(grant.value().server_id(), mcp::server_id("files").str());
    EXPECT_EQ(grant.value().effect_class(), policy::v1::EFFECT_CLASS_READ);
    EXPECT_EQ(grant.value().args_digest(), crypto::sha256(R"({"uri":"file:///a"})"));
    EXPECT_EQ(grant.value().not_after_unix_ms(), fixture.clock.unix_ms() + 30'000);
    EXPECT_EQ(grant.value().grant_id(), decision.grant_id());
    fixture.clock.advance(std::chrono::seconds(5));
    EXPECT_EQ(send(fixture, request).value().decisions(0).grant(), decision.grant());
  }
}

TEST(DecideReads, AreRecordedWithTheirMethod) {
  PolicyFixture fixture;

  const auto reply = send(fixture, fixture.read_request("prompts/get", kManual));

  ASSERT_THAT(reply, IsOk());
  const auto record = fixture.audit.with_action("policy.decision").at(0);
  EXPECT_EQ(record.server(), "files");
  EXPECT_EQ(record.tool(), "");
  EXPECT_EQ(record.detail(), "prompts/get");
  EXPECT_EQ(record.rule(), "files.reads");
  EXPECT_EQ(record.decision(), "manual");
  EXPECT_EQ(record.effect_class(), "read");
  EXPECT_EQ(record.grant_id(), reply.value().decisions(0).grant_id());
}

TEST(DecideReads, AgentsAndScriptsMakeNone) {
  PolicyFixture fixture(PolicyFixture::settings_with(
      "open", R"("tools_to_execute": ["*"], "is_code_mode_client": true)"
  ));

  for (const auto mode : {policy::v1::MODE_AGENT, policy::v1::MODE_CODE}) {
    expect_denied(send(fixture, fixture.read_request("resources/read", mode)), "files.reads");
  }
  EXPECT_EQ(
      fixture.audit.with_action("policy.decision").at(0).outcome(), audit::v1::OUTCOME_REFUSED
  );
}

TEST(DecideReads, ServersTheCallerMayNotUseRefuse) {
  PolicyFixture fixture(PolicyFixture::settings_with("open", R"("tenants": ["other"])"));

  expect_denied(send(fixture, fixture.read_request("resources/read", kManual)), "files.tenants");
}

TEST(DecideReads, ServersTheCatalogDoesNotKnowRefuse) {
  PolicyFixture fixture;
  auto wrong_name = fixture.read_request("resources/read", kManual);
  wrong_name.mutable_calls(0)->set_server("other");
  auto wrong_id = fixture.read_request("resources/read", kManual);
  wrong_id.mutable_calls(0)->set_server_id("0123456789abcdef");

  for (const auto& request : {wrong_name, wrong_id}) {
    expect_denied(send(fixture, request), "catalog.unknown_server");
  }
}

TEST(DecideReads, FetchTheCatalogAgainForAServerItDoesNotKnow) {
  PolicyFixture fixture;
  fixture.servers.remove_all();
  const auto request = fixture.read_request("resources/read", kManual);
  expect_denied(send(fixture, request), "catalog.unknown_server");
  fixture.servers.put_server("files");
  fixture.clock.advance(kCatalogRecheckInterval);

  const auto reply = send(fixture, request);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_MANUAL);
}

TEST(DecideReads, DoNotFetchTheCatalogAgainForAServerItKnows) {
  PolicyFixture fixture;
  const auto request = fixture.read_request("resources/read", kManual);
  ASSERT_THAT(send(fixture, request), IsOk());
  fixture.clock.advance(kCatalogRecheckInterval);

  ASSERT_THAT(send(fixture, request), IsOk());

  EXPECT_EQ(fixture.servers.fetches(), 1);
}

// Whether it can be reached is for the connector to say; a grant does no harm meanwhile.
TEST(DecideReads, DoNotWaitForAServersTools) {
  PolicyFixture fixture;
  fixture.servers.remove_all();
  fixture.servers.put_server("files", connector::v1::SERVER_STATE_CONNECTING);
  auto beside_an_unknown = fixture.read_request("resources/read", kManual);
  *beside_an_unknown.add_calls() = beside_an_unknown.calls(0);
  beside_an_unknown.mutable_calls(1)->set_server_id("0123456789abcdef");

  const auto reply = send(fixture, beside_an_unknown);

  ASSERT_THAT(reply, IsOk());
  EXPECT_NE(reply.value().decisions(0).grant(), "");
  EXPECT_EQ(reply.value().decisions(1).rule(), "catalog.unknown_server");
}

TEST(DecideReads, OtherMethodsAreRefusedWithThoseThatAreServed) {
  PolicyFixture fixture;

  for (const char* const method : {"tools/list", "resources/unsubscribe", "Resources/Read", " "}) {
    const auto reply = send(fixture, fixture.read_request(method, kManual));

    ASSERT_THAT(reply, HasCode(Code::Invalid)) << method;
    EXPECT_THAT(
        reply.error().message(),
        HasSubstr("tools/call, resources/read, prompts/get or completion/complete")
    );
  }
  EXPECT_TRUE(fixture.audit.records().empty());
}

TEST(DecideReads, NameNoToolAndHaveCanonicalParams) {
  PolicyFixture fixture;
  const auto good = fixture.read_request("resources/read", kManual);
  std::vector<policy::v1::DecideRequest> wrong(3, good);
  wrong[0].mutable_calls(0)->set_tool("read_file");
  wrong[1].mutable_calls(0)->set_definition_hash(crypto::sha256("{}"));
  wrong[2].mutable_calls(0)->set_arguments(R"({"uri": "a"})");

  for (std::size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_THAT(send(fixture, wrong[i]), HasCode(Code::Invalid)) << i;
  }
  EXPECT_THAT(send(fixture, good), IsOk());
}

TEST(DecideReads, AToolsCallMayBeNamedAndStandBesideAnother) {
  PolicyFixture fixture;
  auto request = fixture.request_for("write_file", kManual);
  request.mutable_calls(0)->set_method("tools/call");
  *request.add_calls() = fixture.read_request("prompts/get", kManual).calls(0);

  const auto reply = send(fixture, request);

  ASSERT_THAT(reply, IsOk());
  std::vector<std::string> methods;
  for (const auto& decision : reply.value().decisions()) {
    const auto grant =
        grant::verify_grant(fixture.grant_ring, decision.grant(), fixture.clock.unix_ms());
    ASSERT_THAT(grant, IsOk());
    methods.push_back(grant.value().method());
  }
  EXPECT_THAT(methods, ::testing::ElementsAre("tools/call", "prompts/get"));
}

}  // namespace
}  // namespace sluice::policy_engine
