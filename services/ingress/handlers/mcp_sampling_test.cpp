// What servers ask a model for during a call, answered by a model of the gateway.
#include "services/ingress/testing/mcp_rig.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::IsOk;
using ::testing::HasSubstr;

const std::string kThink =
    R"("t":{"method":"sampling/createMessage","params":{"messages":[{"role":"user",)"
    R"("content":{"type":"text","text":"To be?"}}],"maxTokens":20}})";
const std::string kAskForm = R"("k":{"method":"elicitation/create","params":{"message":"Who?"}})";
const std::string kCall = R"({"name":"filesystem-read_file","arguments":{"path":"/a"}})";
const std::string kSampled =
    R"("t":{"result":{"role":"assistant","content":{"type":"text","text":"Yes"},)"
    R"("model":"assistant","stopReason":"endTurn"}})";

class McpSamplingTest : public McpRig {
 protected:
  McpSamplingTest() {
    fixture.sampling = {.model = "demo/assistant", .servers = {"filesystem"}, .max_tokens = 10};
    fixture.provider.push(
        answer_of(R"({"choices":[{"message":{"role":"assistant","content":"Yes"}}]})")
    );
  }

  [[nodiscard]] std::string responses(std::size_t input) const {
    return input < fixture.servers.inputs.size() ? fixture.servers.inputs[input].first.responses()
                                                 : std::string();
  }
};

TEST_F(McpSamplingTest, ACallerThatIsNoMcpClientHasTheGatewaysModel) {
  fixture.servers.push(asks("{" + kThink + "}"));

  const auto answer = fixture.post_execute(IngressFixture::request(
      R"({"id":"call_1","function":{"name":"filesystem-read_file","arguments":"{\"path\":\"/a\"}"}})"
  ));

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().status, 200);
  EXPECT_THAT(answer.value().body, HasSubstr("done"));
  EXPECT_EQ(fixture.servers.requests.at(0).first.client_capabilities(), R"({"sampling":{}})");
  EXPECT_EQ(responses(0), "{" + kSampled + "}");
  ASSERT_EQ(fixture.provider.chats.size(), 1U);
  const auto& [chat, context] = fixture.provider.chats[0];
  EXPECT_EQ(chat.model(), "demo/assistant");
  EXPECT_EQ(
      chat.body(),
      R"({"model":"demo/assistant","messages":[{"role":"user","content":"To be?"}],)"
      R"("max_completion_tokens":10})"
  );
  EXPECT_EQ(context.principal.str(), "key:user");
  EXPECT_EQ(context.chain, fixture.servers.requests[0].second.chain);
}

TEST_F(McpSamplingTest, AModelThatTheRequestLeavesOutAnswersNoServer) {
  fixture.servers.push(asks("{" + kThink + "}"));
  auto request = IngressFixture::request(
      R"({"id":"call_1","function":{"name":"filesystem-read_file","arguments":"{\"path\":\"/a\"}"}})"
  );
  request.headers.add("x-sluice-include-models", "openai/*");

  ASSERT_THAT(fixture.post_execute(std::move(request)), IsOk());

  EXPECT_THAT(responses(0), HasSubstr(R"("error")"));
  EXPECT_TRUE(fixture.provider.chats.empty());
}

TEST_F(McpSamplingTest, AModelThatTheKeyDoesNotReachAnswersNoServer) {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:user");
  claims.add_roles("caller");
  claims.set_models_restricted(true);
  claims.add_models("openai/*");
  fixture.policy.add_caller("sk-user", claims);
  fixture.servers.push(asks("{" + kThink + "}"));

  ASSERT_THAT(
      fixture.post_execute(IngressFixture::request(
          R"({"id":"call_1","function":{"name":"filesystem-read_file","arguments":"{\"path\":\"/a\"}"}})"
      )),
      IsOk()
  );

  EXPECT_THAT(responses(0), HasSubstr(R"("error")"));
  EXPECT_TRUE(fixture.provider.chats.empty());
}

TEST_F(McpSamplingTest, TheTrailSaysWhichServerAskedWhichModel) {
  const std::string session = open_session("{}");
  fixture.servers.push(asks("{" + kThink + "}"));
  start_in(session, rpc("tools/call", kCall));

  const audit::v1::Record* asked = nullptr;
  const audit::v1::Record* answered = nullptr;
  for (const audit::v1::Record& record : fixture.audit.records()) {
    asked = record.action() == "chat.request" ? &record : asked;
    answered = record.action() == "chat.answer" ? &record : answered;
  }

  ASSERT_TRUE(asked != nullptr && answered != nullptr);
  EXPECT_EQ(asked->server(), "filesystem");
  EXPECT_EQ(asked->model(), "demo/assistant");
  EXPECT_EQ(asked->principal(), "key:user");
  EXPECT_LT(asked->hop(), answered->hop());
  EXPECT_EQ(answered->completion_tokens(), 5);
}

TEST_F(McpSamplingTest, AClientIsAskedForTheRest) {
  const std::string session = open_session(R"({"elicitation":{}})");
  fixture.servers.push(asks("{" + kThink + "," + kAskForm + "}"));
  fixture.servers.push(asks("{" + kAskForm + "}"));
  const Post& call = start_in(session, rpc("tools/call", kCall));

  EXPECT_EQ(responses(0), "{" + kSampled + "}");
  ASSERT_EQ(call.events().size(), 1U);
  EXPECT_THAT(call.events()[0].data, HasSubstr("elicitation/create"));
  EXPECT_EQ(
      fixture.servers.requests.at(0).first.client_capabilities(),
      R"({"elicitation":{},"sampling":{}})"
  );
}

TEST_F(McpSamplingTest, AClientWithAModelIsAskedItself) {
  const std::string session = open_session(R"({"sampling":{}})");
  fixture.servers.push(asks("{" + kThink + "}"));

  const Post& call = start_in(session, rpc("tools/call", kCall));

  ASSERT_EQ(call.events().size(), 1U);
  EXPECT_THAT(call.events()[0].data, HasSubstr("sampling/createMessage"));
  EXPECT_TRUE(fixture.provider.chats.empty());
}

TEST_F(McpSamplingTest, WhatTheProviderRefusesTheServerIsTold) {
  ScriptedAnswer refused = answer_of(R"({"error":{"message":"no quota"}})");
  refused.final.set_status(429);
  fixture.provider.push(refused);
  const std::string session = open_session("{}");
  fixture.servers.push(asks("{" + kThink + "}"));
  fixture.servers.push(asks("{" + kThink + "}"));
  fixture.servers.push(asks(R"({"t":{"method":"sampling/createMessage","params":{}}})"));

  start_in(session, rpc("tools/call", kCall));

  EXPECT_THAT(responses(1), HasSubstr(R"("t":{"error":{"code":)"));
  EXPECT_THAT(responses(1), HasSubstr("no quota"));
  EXPECT_THAT(responses(2), HasSubstr("-32602"));
  EXPECT_EQ(fixture.provider.chats.size(), 2U);
}

TEST_F(McpSamplingTest, ServersTheOperatorDoesNotNameHaveNoModel) {
  fixture.sampling.servers = {"other"};
  const std::string session = open_session("{}");
  fixture.servers.push(asks("{" + kThink + "}"));

  start_in(session, rpc("tools/call", kCall));

  EXPECT_EQ(fixture.servers.requests.at(0).first.client_capabilities(), "{}");
  EXPECT_THAT(responses(0), HasSubstr("-32601"));
  EXPECT_TRUE(fixture.provider.chats.empty());
}

TEST_F(McpSamplingTest, AServerThatAsksWithoutEndIsGivenUp) {
  const std::string session = open_session("{}");
  for (std::size_t i = 0; i <= kMcpInputRoundsMax; ++i) {
    fixture.provider.push(
        answer_of(R"({"choices":[{"message":{"role":"assistant","content":"Yes"}}]})")
    );
    fixture.servers.push(asks("{" + kThink + "}"));
  }

  const Post& call = start_in(session, rpc("tools/call", kCall));

  EXPECT_EQ(fixture.servers.inputs.size(), kMcpInputRoundsMax);
  EXPECT_THAT(call.writer.body(), HasSubstr("too many times"));
}

}  // namespace
}  // namespace sluice::ingress
