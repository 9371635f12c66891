#include "services/policy-engine/handlers/decide.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr auto kManual = policy::v1::MODE_MANUAL;
constexpr auto kAgent = policy::v1::MODE_AGENT;
constexpr auto kCode = policy::v1::MODE_CODE;

Result<policy::v1::DecideReply> send(PolicyFixture& fixture, policy::v1::DecideRequest request) {
  return fixture.run((*fixture.decide)(std::move(request), fixture.context_of("alice")));
}

TEST(DecideHandler, GrantsAnExplicitExecutionOfAManualTool) {
  PolicyFixture fixture;

  const auto reply = fixture.decide_one("write_file", kManual);

  ASSERT_THAT(reply, IsOk());
  const auto& decision = reply.value().decisions(0);
  EXPECT_EQ(decision.verdict(), policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(decision.rule(), "preset.manual");
  EXPECT_EQ(decision.effect_class(), policy::v1::EFFECT_CLASS_WRITE);
  const auto grant =
      grant::verify_grant(fixture.grant_ring, decision.grant(), fixture.clock.unix_ms());
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant.value().grant_id(), decision.grant_id());
  EXPECT_EQ(grant.value().tenant(), "default");
  EXPECT_EQ(grant.value().principal(), "key:alice");
  EXPECT_EQ(grant.value().server_id(), mcp::server_id("files").str());
  EXPECT_EQ(grant.value().tool(), "write_file");
  EXPECT_EQ(grant.value().args_digest(), crypto::sha256("{}"));
  EXPECT_EQ(grant.value().definition_hash(), crypto::sha256("{}"));
  EXPECT_EQ(grant.value().effect_class(), policy::v1::EFFECT_CLASS_WRITE);
  EXPECT_EQ(grant.value().policy_version(), 1U);
  EXPECT_EQ(grant.value().method(), "tools/call");
  EXPECT_EQ(grant.value().rule(), "preset.manual");
  EXPECT_EQ(grant.value().chain_id(), "00112233445566778899aabbccddeeff");
  EXPECT_EQ(grant.value().not_before_unix_ms(), fixture.clock.unix_ms());
  EXPECT_EQ(grant.value().not_after_unix_ms(), fixture.clock.unix_ms() + 30'000);
}

TEST(DecideHandler, AgentModeRunsAutomaticToolsOnly) {
  PolicyFixture fixture(PolicyFixture::settings_with(
      "manual", R"("tools_to_execute": ["*"], "tools_to_auto_execute": ["read_file"])"
  ));
  auto request = fixture.request_for("read_file", kAgent);
  fixture.add_call(&request, "write_file");

  const auto reply = send(fixture, request);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_AUTO);
  EXPECT_NE(reply.value().decisions(0).grant(), "");
  EXPECT_EQ(reply.value().decisions(1).verdict(), policy::v1::VERDICT_MANUAL);
  EXPECT_EQ(reply.value().decisions(1).grant(), "");
}

TEST(DecideHandler, AScriptsCallRunsWhereManualSufficesAndCarriesItsPath) {
  PolicyFixture fixture(PolicyFixture::settings_with(
      "manual", R"("tools_to_execute": ["*"], "is_code_mode_client": true)"
  ));
  auto request = fixture.request_for("write_file", kCode);
  request.mutable_calls(0)->set_call_path("3:7#2");

  const auto reply = send(fixture, request);

  ASSERT_THAT(reply, IsOk());
  const auto grant = grant::verify_grant(
      fixture.grant_ring, reply.value().decisions(0).grant(), fixture.clock.unix_ms()
  );
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant.value().call_path(), "3:7#2");
  EXPECT_EQ(
      fixture.audit.with_action("policy.decision").back().detail(), "call 3:7#2 of the script"
  );
}

TEST(DecideHandler, AScriptsCallOfAServerOutsideCodeModeIsDenied) {
  PolicyFixture fixture;

  const auto reply = fixture.decide_one("write_file", kCode);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(reply.value().decisions(0).rule(), "files.is_code_mode_client");
  EXPECT_EQ(reply.value().decisions(0).grant(), "");
}

TEST(DecideHandler, ARepeatAnswersTheSameGrantIdAndEnd) {
  PolicyFixture fixture;
  const auto request = fixture.request_for("write_file", kManual);
  const auto first = send(fixture, request);
  fixture.clock.advance(std::chrono::seconds(5));

  const auto second = send(fixture, request);

  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second.value().decisions(0).grant_id(), first.value().decisions(0).grant_id());
  EXPECT_EQ(second.value().decisions(0).grant(), first.value().decisions(0).grant());
}

TEST(DecideHandler, OtherArgumentsDecisionsAndPlacesGetOtherGrantIds) {
  PolicyFixture fixture;
  auto request = fixture.request_for("write_file", kManual);
  fixture.add_call(&request, "write_file");
  auto other_arguments = fixture.request_for("write_file", kManual);
  other_arguments.mutable_calls(0)->set_arguments(R"({"a":1})");
  auto other_decision = fixture.request_for("write_file", kManual);
  other_decision.set_decision_id("fedcba9876543210");

  const auto base = send(fixture, request).value();
  std::set<std::string> ids{base.decisions(0).grant_id(), base.decisions(1).grant_id()};
  ids.insert(send(fixture, other_arguments).value().decisions(0).grant_id());
  ids.insert(send(fixture, other_decision).value().decisions(0).grant_id());

  EXPECT_EQ(ids.size(), 4U);
}

TEST(DecideHandler, DeniesUnknownToolsAndWrongServers) {
  PolicyFixture fixture;
  auto wrong_name = fixture.request_for("write_file", kManual);
  wrong_name.mutable_calls(0)->set_server("other");
  auto wrong_id = fixture.request_for("write_file", kManual);
  wrong_id.mutable_calls(0)->set_server_id("0123456789abcdef");

  for (const auto& request : {fixture.request_for("format_disk", kManual), wrong_name, wrong_id}) {
    const auto reply = send(fixture, request);

    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_DENY);
    EXPECT_EQ(reply.value().decisions(0).rule(), "catalog.unknown_tool");
    EXPECT_EQ(reply.value().decisions(0).grant(), "");
  }
}

TEST(DecideHandler, DeniesAChangedDefinition) {
  PolicyFixture fixture;
  const auto request = fixture.request_for("write_file", kManual);
  fixture.servers.put("files", "write_file", R"({"description":"now it mails your files"})");

  const auto reply = send(fixture, request);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_DENY);
  EXPECT_EQ(reply.value().decisions(0).rule(), "catalog.definition_changed");
}

TEST(DecideHandler, FetchesTheCatalogAgainForAToolItDoesNotKnow) {
  PolicyFixture fixture;
  ASSERT_THAT(fixture.decide_one("write_file", kManual), IsOk());
  fixture.servers.put("files", "append_file");
  fixture.clock.advance(kCatalogRecheckInterval);

  const auto reply = fixture.decide_one("append_file", kManual);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).verdict(), policy::v1::VERDICT_MANUAL);
}

TEST(DecideHandler, UnknownToolsDoNotMakeItFetchWithoutEnd) {
  PolicyFixture fixture;
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(fixture.decide_one("format_disk", kManual), IsOk());
  }

  EXPECT_LE(fixture.servers.fetches(), 2);
}

TEST(DecideHandler, RecordsEachDecisionInOrder) {
  PolicyFixture fixture(
      PolicyFixture::settings_with("manual", R"("tools_to_execute": ["write_file"])")
  );
  auto request = fixture.request_for("write_file", kManual);
  fixture.add_call(&request, "delete_file");

  const auto reply = send(fixture, request);

  ASSERT_THAT(reply, IsOk());
  const auto records = fixture.audit.with_action("policy.decision");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].hop(), 7U);
  EXPECT_EQ(records[0].decision(), "manual");
  EXPECT_EQ(records[0].grant_id(), reply.value().decisions(0).grant_id());
  EXPECT_EQ(records[0].effect_class(), "write");
  EXPECT_EQ(records[0].args_digest(), crypto::sha256("{}"));
  EXPECT_EQ(records[0].principal(), "key:alice");
  EXPECT_EQ(records[0].chain_id(), "00112233445566778899aabbccddeeff");
  EXPECT_EQ(records[0].policy_version(), 1U);
  EXPECT_EQ(records[1].hop(), 8U);
  EXPECT_EQ(records[1].decision(), "deny");
  EXPECT_EQ(records[1].rule(), "files.tools_to_execute");
  EXPECT_EQ(records[1].outcome(), audit::v1::OUTCOME_REFUSED);
  EXPECT_EQ(records[1].grant_id(), "");
}

TEST(DecideHandler, NobodyDecidesWithoutAValidToken) {
  PolicyFixture fixture;
  const auto request = fixture.request_for("write_file", kManual);
  RequestContext expired = fixture.context_of("alice");
  RequestContext forged = fixture.context_of("alice");
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:root");
  claims.set_key_id("root");
  claims.set_not_before_unix_ms(fixture.clock.unix_ms());
  claims.set_not_after_unix_ms(fixture.clock.unix_ms() + 60'000);
  forged.caller_token = grant::sign_token(fixture.grant_key, claims);

  EXPECT_THAT(
      fixture.run((*fixture.decide)(request, fixture.context_without_token())),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(fixture.run((*fixture.decide)(request, forged)), HasCode(Code::Unauthenticated));
  fixture.clock.advance(std::chrono::milliseconds(60'001));
  expired.deadline = fixture.clock.now() + std::chrono::seconds(1);
  EXPECT_THAT(fixture.run((*fixture.decide)(request, expired)), HasCode(Code::Unauthenticated));
  EXPECT_TRUE(fixture.audit.records().empty());
}

TEST(DecideHandler, AKeyThatIsGoneOrMovedDecidesNothing) {
  PolicyFixture fixture;
  const RequestContext context = fixture.context_of("alice");
  const auto request = fixture.request_for("write_file", kManual);
  const std::string moved =
      R"({"auth": {"keys": [)" + key_entry("alice", R"(, "tenant": "other")") + "]}}";

  ASSERT_THAT(fixture.run(fixture.binding.claim(policy_of(moved))), IsOk());
  EXPECT_THAT(fixture.run((*fixture.decide)(request, context)), HasCode(Code::Unauthenticated));

  ASSERT_THAT(fixture.run(fixture.binding.claim(policy_of("{}"))), IsOk());
  EXPECT_THAT(fixture.run((*fixture.decide)(request, context)), HasCode(Code::Unauthenticated));
}

TEST(DecideHandler, AKeyNarrowedSinceItsTokenWasMadeIsNarrowed) {
  PolicyFixture fixture;
  const RequestContext context = fixture.context_of("alice");
  const std::string narrowed =
      R"({"mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", "tools_to_execute": ["*"]}]},
          "auth": {"keys": [)" +
      key_entry("alice", R"(, "tools": ["files-read_file"])") + "]}}";
  ASSERT_THAT(fixture.run(fixture.binding.claim(policy_of(narrowed))), IsOk());

  const auto reply =
      fixture.run((*fixture.decide)(fixture.request_for("write_file", kManual), context));

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions(0).rule(), "key.alice.filter");
}

TEST(DecideHandler, ATokenOfANewerPolicyMakesItWaitForThatPolicy) {
  PolicyFixture fixture;
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:alice");
  claims.set_key_id("alice");
  claims.set_policy_version(2);
  claims.set_not_before_unix_ms(fixture.clock.unix_ms());
  claims.set_not_after_unix_ms(fixture.clock.unix_ms() + 60'000);
  RequestContext context = fixture.context_without_token();
  context.caller_token = grant::sign_token(fixture.token_key, claims);

  const TimePoint begun = fixture.clock.now();
  EXPECT_THAT(
      fixture.run_in_time(
          (*fixture.decide)(fixture.request_for("write_file", kManual), context), kTakeOverInterval
      ),
      HasCode(Code::Unavailable)
  );
  EXPECT_TRUE(fixture.state.is_behind());
  EXPECT_LT(fixture.clock.now(), context.deadline);
  EXPECT_GT(fixture.clock.now(), begun + std::chrono::milliseconds(100));

  context.deadline = fixture.clock.now() + std::chrono::milliseconds(250);
  EXPECT_THAT(
      fixture.run_in_time(
          (*fixture.decide)(fixture.request_for("write_file", kManual), context),
          kTakeOverInterval,
          [&fixture] {
            auto newer = std::make_shared<LoadedPolicy>(*fixture.state.loaded());
            newer->version = 2;
            fixture.state.load(std::move(newer));
          }
      ),
      IsOk()
  );
}

TEST(DecideHandler, RefusesRequestsThatAreWrong) {
  PolicyFixture fixture;
  const auto good = fixture.request_for("write_file", kManual);
  std::vector<policy::v1::DecideRequest> wrong(9, good);
  wrong[0].clear_calls();
  for (int i = 0; i < kCallsMax; ++i) {
    fixture.add_call(&wrong[1], "write_file");
  }
  wrong[2].set_decision_id("short");
  wrong[3].set_mode(policy::v1::MODE_UNSPECIFIED);
  wrong[4].set_mode(static_cast<policy::v1::Mode>(9));
  wrong[5].set_decision_unix_ms(fixture.clock.unix_ms() - 60'001);
  wrong[6].set_decision_unix_ms(fixture.clock.unix_ms() + 5'001);
  wrong[7].mutable_calls(0)->set_arguments("[]");
  wrong[8].mutable_calls(0)->set_arguments(R"({"b":1,"a":2})");
  for (const std::string_view arguments :
       {"", "{", "null", R"({"a": 1})", R"({"a":1.0})", R"({"a":1,"a":1})", "{}{}"}) {
    wrong.push_back(good);
    wrong.back().mutable_calls(0)->set_arguments(std::string(arguments));
  }

  for (std::size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_THAT(send(fixture, wrong[i]), HasCode(Code::Invalid)) << i;
  }
  EXPECT_TRUE(fixture.audit.records().empty());
  EXPECT_THAT(send(fixture, good), IsOk());
}

TEST(DecideHandler, DecidesEachCallUnderItsOwnIdWhereItHasOne) {
  PolicyFixture fixture;
  const std::string first(16, 'a');
  const std::string second(16, 'b');
  auto batch = fixture.request_for("write_file", kManual);
  fixture.add_call(&batch, "read_file");
  batch.set_decision_id(first + second);
  auto alone = fixture.request_for("read_file", kManual);
  alone.set_decision_id(second);

  const auto together = send(fixture, batch);
  const auto single = send(fixture, alone);

  ASSERT_THAT(together, IsOk());
  ASSERT_THAT(single, IsOk());
  EXPECT_EQ(together.value().decisions(1).grant_id(), single.value().decisions(0).grant_id());
  const auto grant = grant::verify_grant(
      fixture.grant_ring, together.value().decisions(1).grant(), fixture.clock.unix_ms()
  );
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant.value().decision_id(), second);
  const auto records = fixture.audit.with_action("policy.decision");
  EXPECT_EQ(records[0].decision_id(), first);
  EXPECT_EQ(records[1].decision_id(), second);
}

TEST(DecideHandler, DecidesAFullBatch) {
  PolicyFixture fixture;
  auto full = fixture.request_for("write_file", kManual);
  for (int i = 1; i < kCallsMax; ++i) {
    fixture.add_call(&full, "write_file");
  }

  const auto reply = send(fixture, full);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().decisions_size(), kCallsMax);
}

TEST(DecideHandler, ReportsEveryDependencyFailure) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    PolicyFixture fixture("", &plan);

    const auto reply = fixture.decide_one("write_file", kManual);

    if (plan.fired()) {
      EXPECT_THAT(reply, HasCode(Code::Unavailable));
    } else {
      EXPECT_THAT(reply, IsOk());
    }
  });

  EXPECT_EQ(faults, 3);  // the catalog, the record, the outbox
}

}  // namespace
}  // namespace sluice::policy_engine
