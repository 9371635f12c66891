#include "services/mcp-connector/handlers/request.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasCode;
using testing::IsOk;

// A ledger whose commit answers when the test says so.
class GatedLedger final : public audit::Client {
 public:
  Result<std::string> record(audit::v1::Record&& record) override {
    return inner_.record(std::move(record));
  }

  Async<void> written() override { return inner_.written(); }

  Async<audit::v1::CommitReply> commit(
      audit::v1::Record intent, std::string grant_id, RequestContext context
  ) override {
    ++waiting_;
    SLUICE_CO_CHECK_OK(co_await gate_.wait());
    co_return co_await inner_.commit(std::move(intent), std::move(grant_id), std::move(context));
  }

  [[nodiscard]] bool full() const override { return false; }

  [[nodiscard]] std::uint64_t backlog() const override { return 0; }

  Async<void> run() override { return inner_.run(); }

  void open(Result<void> how) { gate_.set(std::move(how)); }

  [[nodiscard]] int waiting() const { return waiting_; }

  [[nodiscard]] const audit::RecordingClient& inner() const { return inner_; }

 private:
  audit::RecordingClient inner_;
  async::OneShot<void> gate_;
  int waiting_ = 0;
};

ScriptedServer::Script silence() {
  return [](const auto&) { return std::nullopt; };
}

audit::v1::Record only(const std::vector<audit::v1::Record>& records) {
  EXPECT_EQ(records.size(), 1U);
  return records.empty() ? audit::v1::Record() : records.front();
}

TEST(RequestHandler, CarriesOutAGrantedWriteAndRecordsIntentAndOutcome) {
  ConnectorFixture fixture;
  fixture.start();

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().outcome(), connector::v1::OUTCOME_DONE);
  EXPECT_EQ(final.value().result(), R"({"content":[{"type":"text","text":"done"}]})");
  const auto intent = only(fixture.recording.commits());
  EXPECT_EQ(intent.action(), "tool.intent");
  EXPECT_EQ(intent.event_id(), final.value().intent_event_id());
  EXPECT_EQ(intent.hop(), 4U);
  EXPECT_EQ(intent.server(), "files");
  EXPECT_EQ(intent.effect_class(), "write");
  EXPECT_EQ(intent.principal(), "key:demo");
  const auto outcome = only(fixture.recording.with_action("tool.outcome"));
  EXPECT_EQ(outcome.outcome(), audit::v1::OUTCOME_DONE);
  EXPECT_EQ(outcome.hop(), 5U);
  EXPECT_EQ(outcome.body(), final.value().result());
  EXPECT_EQ(outcome.result_digest(), crypto::sha256(final.value().result()));
  EXPECT_EQ(outcome.grant_id(), intent.grant_id());
  EXPECT_EQ(outcome.tool_call_id(), "call_1");
}

TEST(RequestHandler, ARunTokenCarriesOutTheCallsOfItsRunOnly) {
  ConnectorFixture fixture;
  fixture.start();
  const auto send = [&fixture](const char* run, const char* granted_run) {
    policy::v1::CallerClaims claims = fixture.claims();
    claims.set_run_id("run_1");
    claims.set_not_after_unix_ms(claims.not_before_unix_ms() + grant::kRunTokenLifeMs);
    RequestContext context = fixture.context();
    context.caller_token = grant::sign_token(fixture.token_key, claims);
    context.run = RunId(run);
    policy::v1::Grant grant =
        fixture.grant_for("write_file", R"({"path":"/a"})", policy::v1::EFFECT_CLASS_WRITE);
    grant.set_run_id(granted_run);
    return fixture.loop.finish((*fixture.handler)(
        fixture.request_with(grant, R"({"path":"/a"})"), &fixture.writer, std::move(context)
    ));
  };

  EXPECT_THAT(send("run_1", "run_1"), IsOk());
  EXPECT_THAT(send("run_2", "run_2"), HasCode(Code::Unauthenticated));
  EXPECT_THAT(send("", "run_1"), HasCode(Code::Unauthenticated));
  EXPECT_THAT(send("run_1", "run_2"), HasCode(Code::Denied));
  EXPECT_EQ(fixture.server.count("tools/call"), 1U);
}

TEST(RequestHandler, SendsExactlyTheBytesTheGrantCovers) {
  ConnectorFixture fixture;
  fixture.start();
  const std::string arguments = R"({"n":1.0,"path":"ä"})";

  const auto final = fixture.send(fixture.request_with(
      fixture.grant_for("write_file", arguments, policy::v1::EFFECT_CLASS_WRITE), arguments
  ));

  ASSERT_THAT(final, IsOk());
  EXPECT_NE(
      fixture.server.last("tools/call")->params.find(R"("arguments":)" + arguments),
      std::string::npos
  );
}

TEST(RequestHandler, SendsNothingBeforeTheIntentIsDurable) {
  GatedLedger ledger;
  ConnectorFixture fixture(nullptr, &ledger);
  fixture.start();

  auto running = fixture.loop.start(
      (*fixture.handler)(fixture.write_request(), &fixture.writer, fixture.context())
  );
  fixture.loop.advance(seconds(2));

  EXPECT_EQ(ledger.waiting(), 1);
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
  ledger.open({});
  ASSERT_TRUE(fixture.loop.advance_until([&running] { return running->done(); }));
  EXPECT_THAT(*running->result, IsOk());
  EXPECT_EQ(fixture.server.count("tools/call"), 1U);
}

TEST(RequestHandler, SendsNothingWhenTheIntentIsNotDurableAndSaysSoInTheTrail) {
  GatedLedger ledger;
  ConnectorFixture fixture(nullptr, &ledger);
  fixture.start();
  ledger.open(Error(Code::Unavailable, "audit-writer is down"));

  const auto final = fixture.send(fixture.write_request());

  EXPECT_THAT(final, HasCode(Code::Unavailable));
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
  const auto outcome = only(ledger.inner().with_action("tool.outcome"));
  EXPECT_EQ(outcome.outcome(), audit::v1::OUTCOME_FAILED);
}

TEST(RequestHandler, ALeaseLostBetweenIntentAndSendIsFailedNotSent) {
  GatedLedger ledger;
  ConnectorFixture fixture(nullptr, &ledger);
  fixture.start();
  auto running = fixture.loop.start(
      (*fixture.handler)(fixture.write_request(), &fixture.writer, fixture.context())
  );

  fixture.leases.set_down(true);
  fixture.loop.advance(seconds(4));
  ledger.open({});
  ASSERT_TRUE(fixture.loop.advance_until([&running] { return running->done(); }));

  ASSERT_THAT(*running->result, IsOk());
  EXPECT_EQ(running->result->value().outcome(), connector::v1::OUTCOME_FAILED);
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
  EXPECT_EQ(only(ledger.inner().with_action("tool.outcome")).outcome(), audit::v1::OUTCOME_FAILED);
}

TEST(RequestHandler, AUsedGrantIsAConflictThatNamesTheFirstIntent) {
  ConnectorFixture fixture;
  fixture.start();
  audit::v1::CommitReply used;
  used.set_used_by_event_id("0190-first");
  fixture.recording.push_commit_reply(used);

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, HasCode(Code::Conflict));
  EXPECT_NE(final.error().message().find("0190-first"), std::string::npos);
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
  EXPECT_EQ(fixture.recording.with_action("tool.refused").size(), 1U);
}

TEST(RequestHandler, AReadGrantCountsOnce) {
  ConnectorFixture fixture;
  fixture.start();
  const auto request = fixture.read_request();

  const auto first = fixture.send(request);
  const auto second = fixture.send(request);

  EXPECT_THAT(first, IsOk());
  EXPECT_THAT(second, HasCode(Code::Conflict));
  EXPECT_EQ(fixture.server.count("tools/call"), 1U);
  EXPECT_TRUE(fixture.recording.commits().empty());
  EXPECT_EQ(fixture.recording.with_action("tool.intent").size(), 1U);
  EXPECT_TRUE(only(fixture.recording.with_action("tool.outcome")).body().empty());
}

TEST(RequestHandler, AReadIsRefusedWhileRedisIsDown) {
  ConnectorFixture fixture;
  fixture.start();
  fixture.nonces.set_down(true);

  EXPECT_THAT(fixture.send(fixture.read_request()), HasCode(Code::Unavailable));
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
}

struct Refusal {
  const char* name;
  Code code;
  std::function<void(ConnectorFixture&, connector::v1::Request&, RequestContext&)> change;
};

std::vector<Refusal> refusals_of_grants() {
  return {
      {"no grant", Code::Denied, [](auto&, auto& request, auto&) { request.clear_grant(); }},
      {"garbage grant",
       Code::Denied,
       [](auto&, auto& request, auto&) { request.set_grant("nonsense"); }},
      {"forged grant",
       Code::Denied,
       [](auto& fixture, auto& request, auto&) {
         const auto grant =
             fixture.grant_for("write_file", request.params(), policy::v1::EFFECT_CLASS_WRITE);
         request.set_grant(grant::sign_grant(crypto::PrivateKey::generate(), grant));
       }},
      {"grant signed with the token key",
       Code::Denied,
       [](auto& fixture, auto& request, auto&) {
         const auto grant =
             fixture.grant_for("write_file", request.params(), policy::v1::EFFECT_CLASS_WRITE);
         request.set_grant(grant::sign_grant(fixture.token_key, grant));
       }},
      {"changed arguments",
       Code::Denied,
       [](auto&, auto& request, auto&) { request.set_params(R"({"path":"/b"})"); }},
      {"no caller token",
       Code::Unauthenticated,
       [](auto&, auto&, auto& context) { context.caller_token.clear(); }},
      {"another caller",
       Code::Denied,
       [](auto& fixture, auto&, auto& context) {
         auto claims = fixture.claims();
         claims.set_principal("key:other");
         context.caller_token = grant::sign_token(fixture.token_key, claims);
       }},
      {"another tenant",
       Code::Denied,
       [](auto& fixture, auto&, auto& context) {
         auto claims = fixture.claims();
         claims.set_tenant("other");
         context.caller_token = grant::sign_token(fixture.token_key, claims);
       }},
  };
}

std::vector<Refusal> refusals_of_requests() {
  return {
      {"another server",
       Code::Unavailable,
       [](auto&, auto& request, auto&) { request.set_server_id("0123456789abcdef"); }},
      {"unknown method",
       Code::Invalid,
       [](auto&, auto& request, auto&) { request.set_method("resources/unsubscribe"); }},
      {"grant of a tool for a resource",
       Code::Denied,
       [](auto&, auto& request, auto&) { request.set_method("resources/read"); }},
      {"grant of a resource for a tool",
       Code::Denied,
       [](auto& fixture, auto& request, auto&) {
         request.set_grant(grant::sign_grant(
             fixture.grant_key, fixture.grant_to_read("resources/read", request.params())
         ));
       }},
      {"older policy", Code::Conflict, [](auto& fixture, auto&, auto&) { fixture.policy.heard(6); }
      },
      {"tool not to be executed",
       Code::Denied,
       [](auto& fixture, auto&, auto&) { fixture.servers[0].tools_to_execute = {"read_file"}; }},
      {"changed definition",
       Code::Conflict,
       [](auto& fixture, auto& request, auto&) {
         auto grant =
             fixture.grant_for("write_file", request.params(), policy::v1::EFFECT_CLASS_WRITE);
         grant.set_definition_hash(crypto::sha256("older"));
         request.set_grant(grant::sign_grant(fixture.grant_key, grant));
       }},
      {"unknown tool",
       Code::NotFound,
       [](auto& fixture, auto& request, auto&) {
         const auto grant =
             fixture.grant_for("made_up", request.params(), policy::v1::EFFECT_CLASS_WRITE);
         request.set_grant(grant::sign_grant(fixture.grant_key, grant));
       }},
      {"arguments against the schema",
       Code::Invalid,
       [](auto& fixture, auto& request, auto&) {
         request.set_params(R"({"path":7})");
         const auto grant =
             fixture.grant_for("write_file", request.params(), policy::v1::EFFECT_CLASS_WRITE);
         request.set_grant(grant::sign_grant(fixture.grant_key, grant));
       }},
      {"server not connected",
       Code::Unavailable,
       [](auto& fixture, auto&, auto&) {
         fixture.server.end();
         fixture.loop.settle();
       }},
      {"no time left",
       Code::Deadline,
       [](auto& fixture, auto&, auto& context) { context.deadline = fixture.loop.clock.now(); }},
      {"lease lost",
       Code::Unavailable,
       [](auto& fixture, auto& request, auto& context) {
         fixture.leases.set_down(true);
         fixture.loop.advance(seconds(4));
         request = fixture.request_with(
             fixture.grant_for("write_file", request.params(), policy::v1::EFFECT_CLASS_WRITE),
             request.params()
         );
         context = fixture.context();
       }},
  };
}

TEST(RequestHandler, RefusesWithRecordAndWithoutEffect) {
  auto refusals = refusals_of_grants();
  const auto others = refusals_of_requests();
  refusals.insert(refusals.end(), others.begin(), others.end());
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    ConnectorFixture fixture;
    fixture.start();
    auto request = fixture.write_request();
    auto context = fixture.context();
    refusal.change(fixture, request, context);

    const auto final = fixture.loop.finish((*fixture.handler)(request, &fixture.writer, context));

    EXPECT_THAT(final, HasCode(refusal.code));
    EXPECT_EQ(fixture.server.count("tools/call"), 0U);
    EXPECT_TRUE(fixture.recording.commits().empty());
    const auto record = only(fixture.recording.with_action("tool.refused"));
    EXPECT_EQ(record.outcome(), audit::v1::OUTCOME_REFUSED);
    EXPECT_EQ(record.error_code(), name_of(refusal.code));
    EXPECT_FALSE(record.reason().empty());
  }
}

TEST(RequestHandler, AnExpiredGrantIsRefused) {
  ConnectorFixture fixture;
  fixture.start();
  const auto request = fixture.write_request();

  fixture.loop.advance(seconds(40));

  EXPECT_THAT(fixture.send(request), HasCode(Code::Denied));
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
}

TEST(RequestHandler, AFullOutboxRefusesBeforeAnything) {
  ConnectorFixture fixture;
  fixture.start();
  fixture.recording.set_full(true);

  EXPECT_THAT(fixture.send(fixture.write_request()), HasCode(Code::Unavailable));
  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
  EXPECT_TRUE(fixture.recording.commits().empty());
}

TEST(RequestHandler, ATimeoutIsUnknownAndTellsTheServer) {
  ConnectorFixture fixture;
  fixture.servers[0].call_timeout = milliseconds(500);
  fixture.server.on("tools/call", silence());
  fixture.start();

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().outcome(), connector::v1::OUTCOME_UNKNOWN);
  EXPECT_NE(final.value().error().find("1504"), std::string::npos);
  EXPECT_EQ(fixture.server.count("notifications/cancelled"), 1U);
  EXPECT_EQ(
      only(fixture.recording.with_action("tool.outcome")).outcome(), audit::v1::OUTCOME_UNKNOWN
  );
}

TEST(RequestHandler, ASilentServerGetsNoMoreCallsForAWhile) {
  ConnectorFixture fixture;
  fixture.start();
  fixture.server.on("tools/call", silence());
  for (int i = 0; i < kCircuitFailuresMax; ++i) {
    ASSERT_THAT(fixture.send(fixture.read_request()), IsOk());
  }
  const auto sent = fixture.server.count("tools/call");

  const auto refused = fixture.send(fixture.write_request());

  ASSERT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_TRUE(refused.error().retry_after().has_value());
  EXPECT_EQ(fixture.server.count("tools/call"), sent);
  EXPECT_TRUE(fixture.recording.commits().empty()) << "no intent of what is not sent";
  EXPECT_EQ(only(fixture.recording.with_action("tool.refused")).error_code(), "Unavailable");
  const auto shown = fixture.pool->find(fixture.server_id().str())->snapshot();
  EXPECT_EQ(shown.state(), connector::v1::SERVER_STATE_CONNECTED);
  EXPECT_NE(shown.message().find("calls are refused"), std::string::npos) << shown.message();
}

TEST(RequestHandler, AServerThatDiesAfterTheSendLeavesTheOutcomeUnknown) {
  ConnectorFixture fixture;
  fixture.server.on("tools/call", silence());
  fixture.start();
  auto running = fixture.loop.start(
      (*fixture.handler)(fixture.write_request(), &fixture.writer, fixture.context())
  );
  ASSERT_TRUE(fixture.loop.advance_until([&fixture] {
    return fixture.server.count("tools/call") == 1;
  }));

  fixture.server.end();
  ASSERT_TRUE(fixture.loop.advance_until([&running] { return running->done(); }, seconds(1)));

  ASSERT_THAT(*running->result, IsOk());
  EXPECT_EQ(running->result->value().outcome(), connector::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(
      only(fixture.recording.with_action("tool.outcome")).outcome(), audit::v1::OUTCOME_UNKNOWN
  );
}

TEST(RequestHandler, ACallerThatLeavesDoesNotEndTheCall) {
  ConnectorFixture fixture;
  fixture.server.on("tools/call", silence());
  fixture.start();
  auto running = fixture.loop.start(
      (*fixture.handler)(fixture.write_request(), &fixture.writer, fixture.context())
  );
  ASSERT_TRUE(fixture.loop.advance_until([&fixture] {
    return fixture.server.count("tools/call") == 1;
  }));

  running->cancel();
  ASSERT_TRUE(fixture.loop.advance_until([&running] { return running->done(); }));
  EXPECT_THAT(*running->result, HasCode(Code::Cancelled));
  fixture.server.say(
      R"({"jsonrpc":"2.0","id":)" + mcp::to_json(*fixture.server.last("tools/call")->id) +
      R"(,"result":{"content":[]}})"
  );
  fixture.loop.settle();

  EXPECT_EQ(only(fixture.recording.with_action("tool.outcome")).outcome(), audit::v1::OUTCOME_DONE);
}

TEST(RequestHandler, ACallerThatLeavesEndsTheCallWhereItSaidSo) {
  ConnectorFixture fixture;
  fixture.server.on("tools/call", silence());
  fixture.start();
  auto request = fixture.write_request();
  request.set_cancel_with_caller(true);
  auto running =
      fixture.loop.start((*fixture.handler)(request, &fixture.writer, fixture.context()));
  ASSERT_TRUE(fixture.loop.advance_until([&fixture] {
    return fixture.server.count("tools/call") == 1;
  }));

  running->cancel();
  ASSERT_TRUE(fixture.loop.advance_until([&running] { return running->done(); }));
  fixture.loop.settle();

  EXPECT_EQ(fixture.server.count("notifications/cancelled"), 1U);
  const auto outcome = only(fixture.recording.with_action("tool.outcome"));
  EXPECT_EQ(outcome.outcome(), audit::v1::OUTCOME_UNKNOWN) << "it may have had its effect";
  EXPECT_EQ(outcome.error_code(), "Cancelled");
}

// Commits wait until they are released.
class HeldCommits final : public audit::Client {
 public:
  explicit HeldCommits(audit::RecordingClient* inner) : inner_(inner) {}

  Result<std::string> record(audit::v1::Record&& record) override {
    return inner_->record(std::move(record));
  }

  Async<void> written() override { return inner_->written(); }

  Async<audit::v1::CommitReply> commit(
      audit::v1::Record intent, std::string grant_id, RequestContext context
  ) override {
    SLUICE_CO_CHECK_OK(co_await released.wait());
    co_return co_await inner_->commit(std::move(intent), std::move(grant_id), std::move(context));
  }

  [[nodiscard]] bool full() const override { return false; }

  [[nodiscard]] std::uint64_t backlog() const override { return 0; }

  Async<void> run() override { return inner_->run(); }

  async::OneShot<void> released;

 private:
  audit::RecordingClient* inner_;
};

TEST(RequestHandler, ACallerThatLeavesBeforeTheSendLeavesNothingToSend) {
  audit::RecordingClient recording;
  HeldCommits held(&recording);
  ConnectorFixture fixture(nullptr, &held);
  fixture.start();
  auto request = fixture.write_request();
  request.set_cancel_with_caller(true);
  auto running =
      fixture.loop.start((*fixture.handler)(request, &fixture.writer, fixture.context()));
  fixture.loop.settle();

  running->cancel();
  ASSERT_TRUE(fixture.loop.advance_until([&running] { return running->done(); }));
  held.released.set({});
  fixture.loop.settle();

  EXPECT_EQ(fixture.server.count("tools/call"), 0U);
  EXPECT_EQ(only(recording.with_action("tool.outcome")).outcome(), audit::v1::OUTCOME_FAILED);
}

TEST(RequestHandler, RelaysProgressBeforeTheFinal) {
  ConnectorFixture fixture;
  fixture.server.on("tools/call", [&fixture](const mcp::Message& request) {
    fixture.server.say(
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
        mcp::to_json(*request.id) + R"(,"progress":50}})"
    );
    return ScriptedServer::Reply{.result = R"({"content":[]})", .error = {}};
  });
  fixture.start();

  ASSERT_THAT(fixture.send(fixture.read_request()), IsOk());

  ASSERT_EQ(fixture.writer.chunks.size(), 1U);
  EXPECT_NE(fixture.writer.chunks[0].find(R"("progress":50)"), std::string::npos);
}

TEST(RequestHandler, PassesErrorsOfToolAndProtocolOn) {
  ConnectorFixture fixture;
  fixture.start();
  fixture.server.on("tools/call", [](const auto&) {
    return ScriptedServer::Reply{.result = R"({"content":[],"isError":true})", .error = {}};
  });
  const auto tool = fixture.send(fixture.write_request());
  fixture.server.on("tools/call", [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32602,"message":"bad"})"};
  });
  const auto protocol = fixture.send(fixture.write_request());

  ASSERT_THAT(tool, IsOk());
  EXPECT_TRUE(tool.value().is_error());
  ASSERT_THAT(protocol, IsOk());
  EXPECT_EQ(protocol.value().outcome(), connector::v1::OUTCOME_DONE);
  EXPECT_EQ(protocol.value().error(), R"({"code":-32602,"message":"bad"})");
  EXPECT_TRUE(protocol.value().result().empty());
}

TEST(RequestHandler, KeepsNoResultOverAMebibyte) {
  ConnectorFixture fixture;
  fixture.start();
  const std::string large =
      R"({"content":[],"x":")" + std::string(kKeptResultBytesMax, 'x') + R"("})";
  fixture.server.on("tools/call", [&large](const auto&) {
    return ScriptedServer::Reply{.result = large, .error = {}};
  });

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().result(), large);
  const auto outcome = only(fixture.recording.with_action("tool.outcome"));
  EXPECT_TRUE(outcome.body().empty());
  EXPECT_TRUE(outcome.body_truncated());
}

// Whatever fails whenever: a call reaches the server at most once, and only after its intent.
TEST(RequestHandler, KeepsItsPromisesUnderEveryFault) {
  for (const bool write : {true, false}) {
    const int faults = testing::for_each_fault([write](testing::FaultPlan& plan) {
      ConnectorFixture fixture(&plan);
      fixture.start();
      const bool fired_before = plan.fired();

      const auto final = fixture.send(write ? fixture.write_request() : fixture.read_request());

      const auto intents = write ? fixture.recording.commits().size()
                                 : fixture.recording.with_action("tool.intent").size();
      const auto calls = fixture.server.count("tools/call");
      EXPECT_LE(calls, 1U);
      EXPECT_LE(calls, intents);
      if (!plan.fired() || fired_before) {
        EXPECT_TRUE(!final.ok() || calls == 1U);
      }
      if (!plan.fired()) {
        EXPECT_THAT(final, IsOk());
      }
      if (final.ok() && final.value().outcome() == connector::v1::OUTCOME_DONE) {
        EXPECT_EQ(calls, 1U);
        EXPECT_EQ(fixture.recording.with_action("tool.outcome").size(), 1U);
      }
    });
    EXPECT_GE(faults, 4);
  }
}

// A modern server over HTTP that refuses the headers of the first so many calls.
void refuse_headers(ConnectorFixture* fixture, std::size_t times) {
  fixture->servers.front().type = ConnectionType::Http;
  fixture->servers.front().pinned_version = "2026-07-28";
  fixture->server.on("tools/call", [fixture, times](const auto&) {
    return fixture->server.count("tools/call") <= times
               ? ScriptedServer::Reply{.result = {}, .error = R"({"code":-32020,"message":"no"})"}
               : ScriptedServer::Reply{.result = R"({"content":[]})", .error = {}};
  });
}

TEST(RequestHandler, ACallRefusedForItsHeadersIsSentOnceMoreAfterTheToolsWereListedAgain) {
  ConnectorFixture fixture;
  refuse_headers(&fixture, 1);
  fixture.start();

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().result(), R"({"content":[]})");
  EXPECT_EQ(fixture.server.count("tools/list"), 2U);
  EXPECT_EQ(fixture.server.count("tools/call"), 2U);
  EXPECT_EQ(fixture.recording.commits().size(), 1U) << "one call, one intent";
}

TEST(RequestHandler, ACallRefusedForItsHeadersTwiceEndsWithTheServersError) {
  ConnectorFixture fixture;
  refuse_headers(&fixture, 2);
  fixture.start();

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, IsOk());
  EXPECT_NE(final.value().error().find("-32020"), std::string::npos);
  EXPECT_EQ(fixture.server.count("tools/call"), 2U);
}

TEST(RequestHandler, AToolThatChangedMeanwhileIsNotCalledWithTheOldGrant) {
  ConnectorFixture fixture;
  refuse_headers(&fixture, 1);
  fixture.start();
  const auto request = fixture.write_request();
  fixture.server.list(R"([{"name":"write_file","description":"another"}])");

  const auto final = fixture.send(request);

  ASSERT_THAT(final, IsOk());
  EXPECT_NE(final.value().error().find("-32020"), std::string::npos);
  EXPECT_EQ(fixture.server.count("tools/call"), 1U);
}

TEST(RequestHandler, InTheLegacyEraThatCodeMeansNothingAndNothingIsSentAgain) {
  ConnectorFixture fixture;
  refuse_headers(&fixture, 1);
  fixture.servers.front().pinned_version = "2025-11-25";
  fixture.start();

  const auto final = fixture.send(fixture.write_request());

  ASSERT_THAT(final, IsOk());
  EXPECT_NE(final.value().error().find("-32020"), std::string::npos);
  EXPECT_EQ(fixture.server.count("tools/call"), 1U);
}

}  // namespace
}  // namespace sluice::mcp_connector
