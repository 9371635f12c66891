#include "services/ingress/domain/code_execution.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

const std::string kCall =
    R"({"id":"c1","type":"function","function":{"name":"executeToolCode","arguments":"{\"code\":\"return 1\"}"}})";

codemode::v1::RunFinal final_of(codemode::v1::Outcome outcome, const std::string& value) {
  codemode::v1::RunFinal final;
  final.set_outcome(outcome);
  final.set_value(value);
  final.set_run_id("run_7");
  final.set_hop(500);
  return final;
}

class ExecuteCodeTest : public ::testing::Test {
 protected:
  ExecuteCodeTest() { fixture.offer_code(); }

  http::HttpResponse post(http::HttpRequest request) {
    auto response = fixture.post_execute(std::move(request));
    EXPECT_THAT(response, IsOk());
    return response.ok() ? std::move(response).value()
                         : http::HttpResponse{.status = 0, .headers = {}, .body = {}};
  }

  static json::Value parsed(const std::string& text) {
    return json::parse(text).value_or(json::Value());
  }

  IngressFixture fixture;
};

TEST_F(ExecuteCodeTest, RunsTheScriptAndAnswersAToolMessage) {
  codemode::v1::RunProgress line;
  line.set_console("hello");
  fixture.scripts.lines.push_back(line);
  fixture.scripts.push(final_of(codemode::v1::OUTCOME_OK, R"({"n":1})"));

  const auto response = post(IngressFixture::request(kCall));

  EXPECT_EQ(response.status, 200);
  const json::Value message = parsed(response.body);
  EXPECT_EQ(message.text_or("role", ""), "tool");
  EXPECT_EQ(message.text_or("tool_call_id", ""), "c1");
  EXPECT_EQ(message.text_or("content", ""), R"({"result":{"n":1},"console":["hello"]})");
  EXPECT_EQ(message.find("is_error"), nullptr);
  EXPECT_EQ(response.headers.get("x-sluice-run"), "run_7");
  EXPECT_EQ(response.headers.get("x-sluice-outcome"), "ok");
  ASSERT_EQ(fixture.scripts.runs.size(), 1U);
  const auto& [asked, asked_in] = fixture.scripts.runs[0];
  EXPECT_EQ(asked.source(), "return 1");
  EXPECT_EQ(asked.tool_call_id(), "c1");
  EXPECT_FALSE(asked.filter().restricted());
  EXPECT_EQ(asked_in.caller_token, "token of key:user");
  EXPECT_EQ(asked_in.chain.str(), response.headers.get("x-sluice-chain"));
  const auto records = fixture.audit.with_action("tool.execute");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].tool(), "executeToolCode");
  EXPECT_EQ(records[0].server(), "");
  EXPECT_LT(records[0].hop(), asked_in.hop);
  EXPECT_TRUE(fixture.policy.decides.empty()) << "the script's calls are decided, not the script";
}

TEST_F(ExecuteCodeTest, AFailedScriptIsAMessageTheModelCanMend) {
  auto failed = final_of(codemode::v1::OUTCOME_TYPE_ERROR, "");
  failed.mutable_error()->set_message("';' expected");
  failed.mutable_error()->set_line(2);
  failed.mutable_error()->set_column(5);
  fixture.scripts.push(failed);

  const auto response = post(IngressFixture::request(kCall));

  EXPECT_EQ(response.status, 200);
  const json::Value message = parsed(response.body);
  EXPECT_EQ(message.find("is_error")->as_bool(), true);
  const json::Value content = parsed(message.text_or("content", ""));
  EXPECT_EQ(content.find("error")->text_or("outcome", ""), "type_error");
  EXPECT_EQ(content.find("error")->find("line")->as_int(), 2);
  EXPECT_EQ(response.headers.get("x-sluice-outcome"), "type_error");
}

TEST_F(ExecuteCodeTest, TheConversationGoesOnAboveTheRunsRecords) {
  fixture.provider.push(answer_of("{}", {{"c1", "executeToolCode"}}));
  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());
  fixture.scripts.push(final_of(codemode::v1::OUTCOME_OK, "1"));
  const auto executed = post(IngressFixture::request(kCall));
  fixture.provider.push(answer_of("{}"));

  ASSERT_THAT(
      fixture.post_chat(IngressFixture::request(
          R"({"model":"demo/assistant","messages":[{"role":"tool","tool_call_id":"c1","content":"1"}]})"
      )),
      IsOk()
  );

  EXPECT_EQ(
      fixture.writer->headers().get("x-sluice-chain"), executed.headers.get("x-sluice-chain")
  );
  EXPECT_GT(fixture.audit.with_action("chat.request").back().hop(), 500U);
}

TEST_F(ExecuteCodeTest, ChatsOfferMetaToolsForTheServersOfCodeMode) {
  fixture.provider.push(answer_of("{}"));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body())), IsOk());

  const std::string& body = fixture.provider.chats[0].first.body();
  EXPECT_THAT(body, HasSubstr(R"("name":"executeToolCode")"));
  EXPECT_THAT(body, HasSubstr(R"("name":"listToolFiles")"));
  EXPECT_THAT(body, HasSubstr("servers (youtube)"));
  EXPECT_THAT(body, ::testing::Not(HasSubstr("maxResults")));
  EXPECT_THAT(body, ::testing::Not(HasSubstr("youtube-search")));
  EXPECT_THAT(body, HasSubstr("filesystem-read_file"));
}

TEST_F(ExecuteCodeTest, ReadsWhatScriptsCanCall) {
  auto request = IngressFixture::request(
      R"({"id":"c1","type":"function","function":{"name":"readToolFile","arguments":"{\"fileName\":\"youtube\",\"startLine\":2.0}"}})"
  );
  request.headers.add("x-sluice-include-tools", "youtube-search");

  const auto response = post(std::move(request));

  EXPECT_EQ(response.status, 200);
  const json::Value message = parsed(response.body);
  EXPECT_EQ(message.text_or("tool_call_id", ""), "c1");
  EXPECT_EQ(message.text_or("content", ""), "servers/\n  youtube.d.ts\n");
  ASSERT_EQ(fixture.scripts.described.size(), 1U);
  const auto& asked = fixture.scripts.described[0].first;
  EXPECT_EQ(asked.read().name(), "youtube");
  EXPECT_EQ(asked.read().start_line(), 2U);
  EXPECT_THAT(asked.filter().tools(), ::testing::ElementsAre("youtube-search"));
  EXPECT_EQ(fixture.audit.with_action("tool.execute").size(), 1U);
}

TEST_F(ExecuteCodeTest, RefusesReadingWithArgumentsThatAreNone) {
  for (const char* arguments : {"{}", R"({"fileName":5})", R"({"fileName":"x","startLine":-1})"}) {
    EXPECT_THAT(description_of("readToolFile", arguments), HasCode(Code::Invalid)) << arguments;
  }
  EXPECT_THAT(description_of("searchTools", R"({"query":""})"), HasCode(Code::Invalid));
  EXPECT_THAT(description_of("listToolFiles", ""), IsOk());
}

TEST_F(ExecuteCodeTest, PassesTheRequestsIncludeHeadersOn) {
  auto request = IngressFixture::request(kCall);
  request.headers.add("x-sluice-include-tools", "youtube-search");

  EXPECT_EQ(post(std::move(request)).status, 200);

  const auto& filter = fixture.scripts.runs[0].first.filter();
  EXPECT_TRUE(filter.restricted());
  EXPECT_THAT(filter.servers(), ::testing::ElementsAre("*"));
  EXPECT_THAT(filter.tools(), ::testing::ElementsAre("youtube-search"));
}

TEST_F(ExecuteCodeTest, IsToBeTriedAgainWhilePolicyCannotTellWhatThereIs) {
  IngressFixture plain;
  plain.policy.shown.clear_tools();
  plain.policy.names_no_catalog = true;

  const auto response = plain.post_execute(IngressFixture::request(kCall));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 503);
}

TEST_F(ExecuteCodeTest, IsNotThereWithoutAServerOfCodeMode) {
  IngressFixture plain;

  const auto response = plain.post_execute(IngressFixture::request(kCall));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 404);
  EXPECT_THAT(response.value().body, HasSubstr("is_code_mode_client"));
}

TEST_F(ExecuteCodeTest, TakesATokenThatLastsUntilTheRunHasItsOwn) {
  ASSERT_EQ(post(IngressFixture::request(kCall)).status, 200);
  ASSERT_EQ(fixture.policy.authentications.size(), 1U);
  fixture.clock.advance(std::chrono::seconds(44));  // 16 s remain; it may take 20 s
  fixture.beat(fixture.policy.policy_version);

  ASSERT_EQ(post(IngressFixture::request(kCall)).status, 200);

  EXPECT_EQ(fixture.policy.authentications.size(), 2U);
}

TEST_F(ExecuteCodeTest, PassesOnThatNoRunnerIsThere) {
  fixture.scripts.push(Error(Code::Unavailable, "no runner is connected"));

  const auto response = post(IngressFixture::request(kCall));

  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("no runner is connected"));
}

TEST_F(ExecuteCodeTest, RefusesArgumentsWithoutAScript) {
  for (const char* arguments : {"{}", R"({\"code\":7})", R"({\"code\":\"\"})"}) {
    const auto response = post(IngressFixture::request(
        std::string(R"({"id":"c1","function":{"name":"executeToolCode","arguments":")") +
        arguments + "\"}}"
    ));
    EXPECT_EQ(response.status, 400) << arguments;
  }
  EXPECT_TRUE(fixture.scripts.runs.empty());
}

TEST(ScriptOf, RefusesWhatIsTooLong) {
  EXPECT_THAT(script_of(R"({"code":"return 1"})"), IsOk());
  EXPECT_THAT(script_of(R"({"code":")" + std::string(65'537, 'x') + "\"}"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::ingress
