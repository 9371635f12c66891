#include "services/provider-router/domain/translate/openai_request.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::IsOk;

const Quirks& plain() {
  return quirks_of("https://api.openai.com/v1");
}

std::string translated(std::string body, bool stream, const Quirks& quirks = plain()) {
  auto result = openai_request(std::move(body), "gpt-x", stream, quirks);
  EXPECT_THAT(result, IsOk());
  return result.ok() ? result.value().body : "";
}

TEST(OpenAiRequest, ReplacesTheModelAndKeepsEveryOtherByte) {
  EXPECT_EQ(
      translated(
          "{ \"messages\" : [1.0, \"\\u00e9\"],\n \"model\":\"open/gpt-x\" , \"extra\": "
          "{\"a\":1e3} }",
          false
      ),
      "{ \"messages\" : [1.0, \"\\u00e9\"],\n \"model\":\"gpt-x\" , \"extra\": {\"a\":1e3} }"
  );
}

TEST(OpenAiRequest, DropsWhatOnlySluicesToolMessagesCarry) {
  EXPECT_EQ(
      translated(
          R"({"messages":[{"role":"tool","content":"is_error","tool_call_id":"a","is_error":true},)"
          R"({"role":"user","content":"x","is_error":1}],"model":"open/gpt-x"})",
          false
      ),
      R"({"messages":[{"role":"tool","content":"is_error","tool_call_id":"a"},)"
      R"({"role":"user","content":"x","is_error":1}],"model":"gpt-x"})"
  );
}

TEST(OpenAiRequest, AsksForTheUsageOfAStream) {
  const auto result = openai_request(R"({"model":"o/g","stream":true})", "g", true, plain());

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(
      result.value().body, R"({"model":"g","stream":true,"stream_options":{"include_usage":true}})"
  );
  EXPECT_FALSE(result.value().usage_asked);
}

TEST(OpenAiRequest, KnowsWhenTheClientAskedItself) {
  const std::string body = R"({"model":"g","stream":true,"stream_options":{"include_usage":true}})";

  const auto result = openai_request(body, "g", true, plain());

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result.value().body, body);
  EXPECT_TRUE(result.value().usage_asked);
}

TEST(OpenAiRequest, CompletesStreamOptionsOfTheClient) {
  EXPECT_EQ(
      translated(
          R"({"model":"g","stream":true,"stream_options":{"include_obfuscation":false}})", true
      ),
      R"({"model":"gpt-x","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}})"
  );
  EXPECT_EQ(
      translated(
          R"({"stream_options":{"include_usage" : false },"model":"g","stream":true})", true
      ),
      R"({"stream_options":{"include_usage" : true },"model":"gpt-x","stream":true})"
  );
  EXPECT_EQ(
      translated(R"({"stream_options":null,"model":"g","stream":true})", true),
      R"({"stream_options":{"include_usage":true},"model":"gpt-x","stream":true})"
  );
}

TEST(OpenAiRequest, MakesStreamWhatTheGatewayWants) {
  EXPECT_EQ(
      translated(R"({"model":"g","stream":true})", false), R"({"model":"gpt-x","stream":false})"
  );
  EXPECT_EQ(
      translated(R"({"model":"g"})", true),
      R"({"model":"gpt-x","stream":true,"stream_options":{"include_usage":true}})"
  );
}

TEST(OpenAiRequest, RenamesForMistralAndAsksNoUsage) {
  EXPECT_EQ(
      translated(
          R"({"model":"m","seed":4,"max_completion_tokens":9,"stream":true,"stream_options":{"include_usage":true}})",
          true,
          quirks_of("https://api.mistral.ai/v1")
      ),
      R"({"model":"gpt-x","random_seed":4,"max_tokens":9,"stream":true})"
  );
}

TEST(OpenAiRequest, DoesNotRenameOntoAMemberThatIsThere) {
  EXPECT_EQ(
      translated(
          R"({"model":"m","max_tokens":1,"max_completion_tokens":2})",
          false,
          quirks_of("https://api.deepseek.com")
      ),
      R"({"model":"gpt-x","max_tokens":1,"max_completion_tokens":2})"
  );
}

TEST(OpenAiRequest, RefusesWhatIsNoRequest) {
  for (const std::string_view body :
       {"",
        "[]",
        "{",
        R"({"messages":[]})",
        R"({"model":7})",
        R"({"model":"a","model":"b"})",
        R"({"model":"a"} x)"}) {
    EXPECT_THAT(openai_request(std::string(body), "g", false, plain()), HasCode(Code::Invalid))
        << body;
  }
  EXPECT_THAT(
      openai_request(R"({"model":"a","stream_options":7})", "g", true, plain()),
      HasCode(Code::Invalid)
  );
}

TEST(OpenAiRequest, FindsQuirksByHost) {
  EXPECT_EQ(quirks_of("https://api.mistral.ai:443/v1").host, "api.mistral.ai");
  EXPECT_EQ(quirks_of("http://127.0.0.1:8000/api.mistral.ai").host, "");
}

TEST(OpenAiEmbedRequest, ReplacesTheModel) {
  EXPECT_EQ(
      openai_embed_request(R"({"model":"o/e","input":"x"})", "e").value(),
      R"({"model":"e","input":"x"})"
  );
  EXPECT_THAT(openai_embed_request("{}", "e"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::provider_router
