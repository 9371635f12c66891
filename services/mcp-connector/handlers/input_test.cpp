#include "services/mcp-connector/handlers/input.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kSampling = R"({"sampling":{}})";
constexpr const char* kAnswer = R"({"sluice_1":{"result":{"role":"assistant"}}})";
constexpr const char* kEnd = R"({"content":[{"type":"text","text":"done"}]})";

std::string question(const std::string& id, const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params +
         "}";
}

std::string sampling(const std::string& id) {
  return question(id, "sampling/createMessage", R"({"maxTokens":1})");
}

class AskingTest : public ::testing::Test {
 protected:
  // A legacy server that is silent on every call; the test plays the rest.
  void start() {
    fixture_.server.on("tools/call", [](const auto&) { return std::nullopt; });
    fixture_.start();
  }

  connector::v1::Request request(const std::string& capabilities = kSampling) {
    auto request = fixture_.write_request();
    request.set_client_capabilities(capabilities);
    return request;
  }

  std::shared_ptr<Started<connector::v1::Final>> begin(connector::v1::Request request) {
    auto running =
        fixture_.loop.start((*fixture_.handler)(std::move(request), &fixture_.writer, context_()));
    fixture_.loop.settle();
    return running;
  }

  std::shared_ptr<Started<connector::v1::Final>> go_on(connector::v1::Input input) {
    return fixture_.loop.start((*fixture_.input)(std::move(input), &fixture_.writer, context_()));
  }

  // Runs until that stream has ended.
  Result<connector::v1::Final> end_of(
      const std::shared_ptr<Started<connector::v1::Final>>& running, milliseconds limit = seconds(5)
  ) {
    EXPECT_TRUE(fixture_.loop.advance_until([&running] { return running->done(); }, limit));
    return running->done() ? *running->result
                           : Result<connector::v1::Final>(Error(Code::Internal, ""));
  }

  static connector::v1::Input input_for(
      const connector::v1::Request& request,
      const connector::v1::Final& final,
      const std::string& responses
  ) {
    connector::v1::Input input;
    input.set_server_id(request.server_id());
    input.set_request_id(final.input_required().request_id());
    input.set_method(request.method());
    input.set_params(request.params());
    input.set_responses(responses);
    return input;
  }

  void answer_call() {
    fixture_.server.say(
        R"({"jsonrpc":"2.0","id":)" + mcp::to_json(*fixture_.server.last("tools/call")->id) +
        R"(,"result":)" + kEnd + "}"
    );
  }

  std::string answer_of(const mcp::RpcId& id) {
    fixture_.loop.settle();
    const auto* answer = fixture_.server.answer_to(id);
    return answer == nullptr ? "" : answer->result + answer->error;
  }

  std::vector<audit::v1::Record> records(const std::string& action) {
    return fixture_.recording.with_action(action);
  }

  ConnectorFixture fixture_;
  std::function<RequestContext()> context_ = [this] { return fixture_.context(); };
};

TEST_F(AskingTest, AQuestionEndsTheStreamAndTheAnswerGoesOnWithTheCall) {
  start();
  const auto call = request();
  const auto first = begin(call);
  fixture_.server.say(sampling(R"("q")"));
  const auto asked = end_of(first);
  ASSERT_THAT(asked, IsOk());
  ASSERT_TRUE(asked.value().has_input_required());
  EXPECT_EQ(
      asked.value().input_required().requests(),
      R"({"sluice_1":{"method":"sampling/createMessage","params":{"maxTokens":1}}})"
  );
  EXPECT_EQ(asked.value().input_required().request_id().size(), 32U);

  const auto second = go_on(input_for(call, asked.value(), kAnswer));
  EXPECT_EQ(answer_of("q"), R"({"role":"assistant"})");
  answer_call();
  const auto done = end_of(second);

  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done.value().result(), kEnd);
  EXPECT_EQ(done.value().intent_event_id(), asked.value().intent_event_id());
  EXPECT_EQ(fixture_.recording.commits().size(), 1U);
  ASSERT_EQ(records("tool.input_required").size(), 1U);
  EXPECT_EQ(records("tool.input_required")[0].hop(), 5U);
  EXPECT_EQ(records("tool.input_required")[0].detail(), "sampling/createMessage");
  ASSERT_EQ(records("tool.input").size(), 1U);
  EXPECT_EQ(records("tool.input")[0].hop(), 6U);
  ASSERT_EQ(records("tool.outcome").size(), 1U);
  EXPECT_EQ(records("tool.outcome")[0].hop(), 7U);
}

TEST_F(AskingTest, AllThatIsPendingIsAskedAtOnceAndWhatIsLeftOutAgain) {
  start();
  const auto call = request();
  const auto first = begin(call);
  fixture_.server.say(sampling("71"));
  fixture_.server.say(sampling("72"));
  const auto asked = end_of(first);
  ASSERT_TRUE(asked.ok() && asked.value().has_input_required());
  EXPECT_NE(asked.value().input_required().requests().find("sluice_2"), std::string::npos);

  const auto second = go_on(input_for(
      call,
      asked.value(),
      R"({"sluice_2":{"error":{"code":-1,"message":"no"}},"other":{"result":{}}})"
  ));
  const auto again = end_of(second);

  ASSERT_TRUE(again.ok() && again.value().has_input_required());
  EXPECT_EQ(
      again.value().input_required().requests(),
      R"({"sluice_1":{"method":"sampling/createMessage","params":{"maxTokens":1}}})"
  );
  EXPECT_NE(
      again.value().input_required().request_id(), asked.value().input_required().request_id()
  );
  EXPECT_EQ(answer_of(std::int64_t{72}), R"({"code":-1,"message":"no"})");
  EXPECT_EQ(answer_of(std::int64_t{71}), "");
}

TEST_F(AskingTest, OnlyItsOwnCallerGoesOnWithACallAndOnce) {
  start();
  const auto call = request();
  const auto first = begin(call);
  fixture_.server.say(sampling("7"));
  const auto asked = end_of(first);
  ASSERT_THAT(asked, IsOk());
  const auto input = input_for(call, asked.value(), kAnswer);

  auto other = input;
  other.set_params(R"({"path":"/b"})");
  EXPECT_THAT(end_of(go_on(other)), HasCode(Code::NotFound));
  other = input;
  other.set_responses("[]");
  EXPECT_THAT(end_of(go_on(other)), HasCode(Code::Invalid));
  const auto own = std::exchange(context_, [this] {
    auto claims = fixture_.claims();
    claims.set_principal("key:other");
    auto context = fixture_.context();
    context.caller_token = grant::sign_token(fixture_.token_key, claims);
    return context;
  });
  EXPECT_THAT(end_of(go_on(input)), HasCode(Code::NotFound));
  context_ = [] { return RequestContext(); };
  EXPECT_THAT(end_of(go_on(input)), HasCode(Code::Unauthenticated));
  context_ = own;
  EXPECT_EQ(answer_of(std::int64_t{7}), "");
  EXPECT_EQ(records("tool.refused").size(), 4U);

  const auto second = go_on(input);
  answer_call();
  EXPECT_THAT(end_of(second), IsOk());
  EXPECT_THAT(end_of(go_on(input)), HasCode(Code::NotFound));
}

TEST_F(AskingTest, AParkedCallThatNobodyAnswersIsGivenUp) {
  start();
  const auto first = begin(request());
  fixture_.server.say(sampling("7"));
  const auto asked = end_of(first);
  ASSERT_THAT(asked, IsOk());

  fixture_.loop.advance(kParkedFor - seconds(10));
  EXPECT_TRUE(records("tool.outcome").empty()) << "the call's own 30 s do not run";
  fixture_.loop.advance(seconds(12));

  EXPECT_NE(answer_of(std::int64_t{7}).find("-32603"), std::string::npos);
  EXPECT_EQ(fixture_.server.count("notifications/cancelled"), 1U);
  ASSERT_EQ(records("tool.outcome").size(), 1U);
  EXPECT_EQ(records("tool.outcome")[0].outcome(), audit::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(fixture_.input->parked()->size(), 0U);
}

TEST_F(AskingTest, AfterAQuestionTheCallHasTheTimeThatWasLeft) {
  start();
  const auto call = request();
  const auto first = begin(call);
  fixture_.loop.advance(seconds(20));
  fixture_.server.say(sampling("7"));
  const auto asked = end_of(first);
  ASSERT_THAT(asked, IsOk());
  fixture_.loop.advance(seconds(60));

  const auto second = go_on(input_for(call, asked.value(), kAnswer));
  fixture_.loop.advance(seconds(9));
  EXPECT_FALSE(second->done());
  const auto end = end_of(second);

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end.value().outcome(), connector::v1::OUTCOME_UNKNOWN);
}

TEST_F(AskingTest, ALostConnectionEndsAParkedCallAndTheAnswerGetsItsEnd) {
  start();
  const auto call = request();
  const auto first = begin(call);
  fixture_.server.say(sampling("7"));
  const auto asked = end_of(first);
  ASSERT_THAT(asked, IsOk());

  fixture_.server.end();
  fixture_.loop.settle();
  EXPECT_EQ(records("tool.outcome").size(), 1U);
  const auto end = end_of(go_on(input_for(call, asked.value(), kAnswer)));

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end.value().outcome(), connector::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(records("tool.outcome").size(), 1U);
}

TEST_F(AskingTest, QuestionsOfOneBurstAreAskedAtOnce) {
  start();
  const auto running = begin(request());
  fixture_.server.say(sampling("71"));
  fixture_.loop.advance(kQuestionsGather / 2);
  EXPECT_FALSE(running->done());
  fixture_.server.say(sampling("72"));
  fixture_.loop.advance(kQuestionsGather / 2);

  ASSERT_TRUE(running->done());
  const std::string& asked = running->result->value().input_required().requests();
  EXPECT_NE(asked.find("sluice_1"), std::string::npos);
  EXPECT_NE(asked.find("sluice_2"), std::string::npos);
}

TEST_F(AskingTest, ACallThatEndsWhileItsQuestionsGatherAsksNobody) {
  start();
  const auto running = begin(request());
  fixture_.server.say(sampling("7"));
  answer_call();

  const auto end = end_of(running);

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end.value().result(), kEnd);
  EXPECT_TRUE(records("tool.input_required").empty());
}

TEST_F(AskingTest, ACallOfAModernClientEndsWithTheCapabilityThatItLacks) {
  start();
  const auto running = begin(request("{}"));

  fixture_.server.say(sampling("7"));
  const auto end = end_of(running);

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end.value().outcome(), connector::v1::OUTCOME_UNKNOWN);
  EXPECT_NE(end.value().error().find(R"("code":-32021)"), std::string::npos);
  EXPECT_NE(
      end.value().error().find(R"({"requiredCapabilities":{"sampling":{}}})"), std::string::npos
  );
  EXPECT_NE(answer_of(std::int64_t{7}).find("-32021"), std::string::npos);
  EXPECT_EQ(fixture_.server.count("notifications/cancelled"), 1U);
  ASSERT_EQ(records("tool.outcome").size(), 1U);
  EXPECT_EQ(records("tool.outcome")[0].outcome(), audit::v1::OUTCOME_UNKNOWN);
  EXPECT_TRUE(records("tool.input_required").empty());
}

TEST_F(AskingTest, WhatTheCallerLacksIsRefusedWithItsAnswersToTheRest) {
  start();
  const auto call = request();
  const auto first = begin(call);
  fixture_.server.say(question("71", "elicitation/create", R"({"message":"?"})"));
  fixture_.server.say(sampling("72"));
  const auto asked = end_of(first);
  ASSERT_TRUE(asked.ok() && asked.value().has_input_required());
  EXPECT_EQ(
      asked.value().input_required().requests(),
      R"({"sluice_2":{"method":"sampling/createMessage","params":{"maxTokens":1}}})"
  );
  EXPECT_EQ(records("tool.input_required")[0].detail(), "sampling/createMessage");
  EXPECT_EQ(answer_of(std::int64_t{71}), "");

  const auto second =
      go_on(input_for(call, asked.value(), R"({"sluice_2":{"result":{"role":"assistant"}}})"));
  EXPECT_NE(answer_of(std::int64_t{71}).find("-32021"), std::string::npos);
  EXPECT_EQ(answer_of(std::int64_t{72}), R"({"role":"assistant"})");
  answer_call();

  EXPECT_EQ(end_of(second).value().result(), kEnd);
}

TEST_F(AskingTest, WhatALegacyCallerDidNotDeclareIsRefused) {
  start();
  auto call = request("{}");
  call.set_session("a-session");
  const auto running = begin(call);

  fixture_.server.say(sampling("7"));
  fixture_.server.say(question("8", "roots/list", "{}"));
  fixture_.server.say(question("9", "made/up", "{}"));

  EXPECT_NE(answer_of(std::int64_t{7}).find("-32021"), std::string::npos);
  EXPECT_NE(
      answer_of(std::int64_t{7}).find(R"({"requiredCapabilities":{"sampling":{}}})"),
      std::string::npos
  );
  EXPECT_EQ(answer_of(std::int64_t{8}), R"({"roots":[]})");
  EXPECT_NE(answer_of(std::int64_t{9}).find("-32601"), std::string::npos);
  answer_call();
  EXPECT_THAT(end_of(running), IsOk());
}

TEST_F(AskingTest, ConfiguredRootsAnswerForEveryCaller) {
  fixture_.servers[0].client.root_uris = {"file:///srv"};
  start();
  const auto running = begin(request(R"({"roots":{}})"));

  fixture_.server.say(question("8", "roots/list", "{}"));

  EXPECT_EQ(answer_of(std::int64_t{8}), R"({"roots":[{"uri":"file:///srv"}]})");
  EXPECT_FALSE(running->done());
}

TEST_F(AskingTest, AmongSeveralCallsNobodyIsAskedUnlessTheStreamSaysWho) {
  start();
  const auto one = begin(request());
  const auto two = begin(request(kSampling));

  fixture_.server.say(sampling("7"));

  EXPECT_NE(answer_of(std::int64_t{7}).find("-32601"), std::string::npos);
  EXPECT_FALSE(one->done() || two->done());
}

TEST_F(AskingTest, ACallWhoseCallerIsAskedAlreadyIsNotCounted) {
  start();
  const auto abandoned = begin(request());
  fixture_.server.say(sampling("7"));
  ASSERT_TRUE(end_of(abandoned).value().has_input_required());

  const auto running = begin(request());
  fixture_.server.say(sampling("8"));

  EXPECT_TRUE(end_of(running).value().has_input_required());
}

TEST_F(AskingTest, OutsideOfAllStreamsTheOnlyCallIsAsked) {
  fixture_.server.give_streams();
  start();
  const auto running = begin(request());

  fixture_.server.say(sampling("7"));

  EXPECT_TRUE(end_of(running).value().has_input_required());
}

TEST_F(AskingTest, AStreamSaysWhoIsAsked) {
  fixture_.server.give_streams();
  start();
  const auto one = begin(request());
  const auto id = *fixture_.server.last("tools/call")->id;
  const auto two = begin(request());

  fixture_.server.say(sampling("6"));
  fixture_.server.say_during(id, sampling("7"));

  EXPECT_TRUE(end_of(one).value().has_input_required());
  EXPECT_FALSE(two->done());
  EXPECT_NE(answer_of(std::int64_t{6}).find("-32601"), std::string::npos);
}

TEST_F(AskingTest, LogMessagesGoToTheCallThatWantsThem) {
  fixture_.server.on("initialize", [](const auto&) {
    return ScriptedServer::Reply{
        .result = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}}})",
        .error = {}
    };
  });
  start();
  auto call = request();
  call.set_log_level("warning");
  const auto running = begin(call);

  for (const char* level : {"info", "warning", "error"}) {
    fixture_.server.say(
        R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":")" +
        std::string(level) + R"(","data":"x"}})"
    );
  }
  answer_call();
  ASSERT_THAT(end_of(running), IsOk());

  ASSERT_EQ(fixture_.writer.chunks.size(), 2U);
  EXPECT_NE(fixture_.writer.chunks[0].find(R"("level":"warning")"), std::string::npos);
  ASSERT_EQ(fixture_.server.count("logging/setLevel"), 1U);
  EXPECT_EQ(fixture_.server.last("logging/setLevel")->params, R"({"level":"warning"})");
  call = request();
  call.set_log_level("error");
  const auto quieter = begin(call);
  EXPECT_EQ(fixture_.server.count("logging/setLevel"), 1U) << "it says enough already";
  call = request();
  call.set_log_level("loud");
  EXPECT_THAT(end_of(begin(call)), HasCode(Code::Invalid));
}

// A modern server that answers calls by the script.
class ModernAskingTest : public AskingTest {
 protected:
  void start(ScriptedServer::Script script) {
    fixture_.servers[0].pinned_version = "2026-07-28";
    fixture_.server.on("tools/call", std::move(script));
    fixture_.start();
  }

  // Asks until the answers come.
  static ScriptedServer::Script asking(std::string asked) {
    return [asked = std::move(asked)](const mcp::Message& request) {
      const bool answered = request.params.find("inputResponses") != std::string::npos;
      return ScriptedServer::Reply{.result = answered ? std::string(kEnd) : asked, .error = {}};
    };
  }
};

constexpr const char* kAsksWithState =
    R"({"resultType":"input_required","requestState":"\u0041\/=","inputRequests":{"k":{"method":"sampling/createMessage","params":{"maxTokens":1}}}})";

TEST_F(ModernAskingTest, TheRequestIsSentAgainWithAnswersAndTheExactState) {
  start(asking(kAsksWithState));
  const auto call = request();
  const auto asked = end_of(begin(call));
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(
      asked.value().input_required().requests(),
      R"({"k":{"method":"sampling/createMessage","params":{"maxTokens":1}}})"
  );
  const auto first_id = *fixture_.server.last("tools/call")->id;
  EXPECT_NE(
      fixture_.server.last("tools/call")
          ->params.find(R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}})"),
      std::string::npos
  );

  const auto done =
      end_of(go_on(input_for(call, asked.value(), R"({"k":{"result":{"role":"assistant"}}})")));

  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done.value().result(), kEnd);
  const auto* again = fixture_.server.last("tools/call");
  EXPECT_NE(*again->id, first_id);
  EXPECT_NE(
      again->params.find(
          R"("arguments":{"path":"/a"},"inputResponses":{"k":{"role":"assistant"}},"requestState":"\u0041\/=")"
      ),
      std::string::npos
  ) << again->params;
  EXPECT_EQ(fixture_.recording.commits().size(), 1U);
  EXPECT_EQ(records("tool.outcome")[0].hop(), 7U);
}

TEST_F(ModernAskingTest, AnErrorOfTheCallerEndsTheCall) {
  start(asking(kAsksWithState));
  const auto call = request();
  const auto asked = end_of(begin(call));
  ASSERT_THAT(asked, IsOk());

  const auto done = end_of(
      go_on(input_for(call, asked.value(), R"({"k":{"error":{"code":-1,"message":"declined"}}})"))
  );

  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done.value().error(), R"({"code":-1,"message":"declined"})");
  EXPECT_EQ(fixture_.server.count("tools/call"), 1U);
}

TEST_F(ModernAskingTest, WhatTheCallerDidNotDeclareEndsTheCall) {
  start(asking(kAsksWithState));

  const auto end = end_of(begin(request("{}")));

  ASSERT_THAT(end, IsOk());
  EXPECT_FALSE(end.value().has_input_required());
  EXPECT_NE(end.value().error().find("-32021"), std::string::npos);
  EXPECT_NE(end.value().error().find("requiredCapabilities"), std::string::npos);
}

TEST_F(ModernAskingTest, StateAloneIsHandedBackTheSameWay) {
  start([](const mcp::Message& request) {
    const bool again = request.params.find("requestState") != std::string::npos;
    return ScriptedServer::Reply{
        .result = again ? kEnd : R"({"resultType":"input_required","requestState":"s"})",
        .error = {}
    };
  });
  const auto call = request("");
  const auto asked = end_of(begin(call));
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked.value().input_required().requests(), "{}");

  EXPECT_EQ(end_of(go_on(input_for(call, asked.value(), "{}"))).value().result(), kEnd);
}

TEST_F(ModernAskingTest, ConfiguredRootsNeedNoCaller) {
  fixture_.servers[0].client.root_uris = {"file:///srv"};
  start(asking(R"({"resultType":"input_required","inputRequests":{"r":{"method":"roots/list"}}})"));

  const auto end = end_of(begin(request("")));

  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end.value().result(), kEnd);
  EXPECT_NE(
      fixture_.server.last("tools/call")
          ->params.find(R"("inputResponses":{"r":{"roots":[{"uri":"file:///srv"}]}})"),
      std::string::npos
  );
}

TEST_F(ModernAskingTest, AServerThatAsksForEverComesToAnEnd) {
  start([](const auto&) { return ScriptedServer::Reply{.result = kAsksWithState, .error = {}}; });
  const auto call = request();
  auto final = end_of(begin(call));
  int rounds = 0;
  while (final.ok() && final.value().has_input_required() && rounds < 100) {
    ++rounds;
    final = end_of(go_on(input_for(call, final.value(), R"({"k":{"result":{}}})")));
  }

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(rounds, kRoundsMax);
  EXPECT_NE(final.value().error().find("too often"), std::string::npos);
}

TEST_F(ModernAskingTest, AParkedCallThatNobodyAnswersIsRecorded) {
  start(asking(kAsksWithState));
  ASSERT_THAT(end_of(begin(request())), IsOk());

  fixture_.loop.advance(kParkedFor + seconds(1));

  ASSERT_EQ(records("tool.outcome").size(), 1U);
  EXPECT_EQ(records("tool.outcome")[0].outcome(), audit::v1::OUTCOME_UNKNOWN);
}

TEST_F(ModernAskingTest, TheLevelOfLogMessagesGoesWithTheRequest) {
  start(asking(kAsksWithState));
  auto call = request();
  call.set_log_level("notice");
  ASSERT_THAT(end_of(begin(call)), IsOk());

  EXPECT_NE(
      fixture_.server.last("tools/call")
          ->params.find(R"("io.modelcontextprotocol/logLevel":"notice")"),
      std::string::npos
  );
  EXPECT_EQ(fixture_.server.count("logging/setLevel"), 0U);
}

}  // namespace
}  // namespace sluice::mcp_connector
