#include "services/ingress/domain/sampling.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

const SamplingSettings kSettings{.model = "demo/assistant", .servers = {"a"}, .max_tokens = 100};

std::string body_of(const std::string& params) {
  auto body = sampling_body(params, kSettings);
  EXPECT_THAT(body, IsOk());
  return std::move(body).value_or("");
}

provider::v1::ChatFinal final_of(const std::string& body, std::uint32_t status = 200) {
  provider::v1::ChatFinal final;
  final.set_status(status);
  final.set_body(body);
  final.set_model("assistant");
  final.set_finish_reason("length");
  return final;
}

TEST(SamplingTest, AskedForAModelAServerGetsAChat) {
  EXPECT_EQ(
      body_of(
          R"({"systemPrompt":"Be brief.","maxTokens":7,"temperature":0.50,"stopSequences":["x"],)"
          R"("includeContext":"allServers","modelPreferences":{"hints":[{"name":"best"}]},)"
          R"("messages":[{"role":"user","content":{"type":"text","text":"Hi"}},)"
          R"({"role":"assistant","content":[{"type":"text","text":"Yes?"}]}]})"
      ),
      R"({"model":"demo/assistant","messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"}],)"
      R"("max_completion_tokens":7,"temperature":0.50,"stop":["x"]})"
  );
}

TEST(SamplingTest, ImagesAreDataUrls) {
  EXPECT_THAT(
      body_of(R"({"messages":[{"role":"user","content":[{"type":"text","text":"What?"},)"
              R"({"type":"image","mimeType":"image/png","data":"AAAA"}]}]})"),
      HasSubstr(R"("content":[{"type":"text","text":"What?"},)"
                R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}])")
  );
}

TEST(SamplingTest, TheOperatorBoundsTheAnswer) {
  const std::string message =
      R"("messages":[{"role":"user","content":{"type":"text","text":"x"}}])";

  EXPECT_THAT(body_of("{" + message + "}"), HasSubstr(R"("max_completion_tokens":100)"));
  EXPECT_THAT(
      body_of(R"({"maxTokens":5000,)" + message + "}"), HasSubstr(R"("max_completion_tokens":100)")
  );
  EXPECT_THAT(
      body_of(R"({"maxTokens":-1,)" + message + "}"), HasSubstr(R"("max_completion_tokens":1)")
  );
}

TEST(SamplingTest, WhatNoModelHereTakesIsRefused) {
  const std::string text = R"({"role":"user","content":{"type":"text","text":"x"}})";
  for (const std::string& params :
       {std::string("[]"),
        std::string("{}"),
        std::string(R"({"messages":[]})"),
        std::string(R"({"messages":[{"role":"user","content":{"type":"audio","data":"A"}}]})"),
        std::string(R"({"messages":[{"role":"user","content":[]}]})"),
        std::string(R"({"messages":[{"role":"system","content":{"type":"text","text":"x"}}]})"),
        R"({"tools":[],"messages":[)" + text + "]}",
        R"({"toolChoice":{},"messages":[)" + text + "]}"}) {
    EXPECT_THAT(sampling_body(params, kSettings), HasCode(Code::Invalid)) << params;
  }
}

TEST(SamplingTest, TheAnswerIsTheServersResult) {
  const auto result =
      sampling_result(final_of(R"({"choices":[{"message":{"role":"assistant","content":"Yes"}}]})")
      );

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(
      result.value(),
      R"({"role":"assistant","content":{"type":"text","text":"Yes"},"model":"assistant",)"
      R"("stopReason":"maxTokens"})"
  );
}

TEST(SamplingTest, AnErrorOfTheProviderIsOne) {
  const auto failed = sampling_result(final_of(R"({"error":{"message":"no quota"}})", 429));

  EXPECT_THAT(failed, HasCode(Code::Unavailable));
  EXPECT_EQ(failed.error().message(), "no quota");
  EXPECT_THAT(sampling_result(final_of("", 200)), HasCode(Code::Unavailable));
  EXPECT_THAT(
      sampling_result(final_of(R"({"choices":[{"message":{"content":null}}]})")),
      HasCode(Code::Unavailable)
  );
}

TEST(SamplingTest, ServersAreNamed) {
  EXPECT_TRUE(kSettings.serves("a"));
  EXPECT_FALSE(kSettings.serves("b"));
  EXPECT_FALSE(SamplingSettings().serves("a"));
  EXPECT_TRUE((SamplingSettings{.model = "m", .servers = {"*"}, .max_tokens = 1}).serves("b"));
  EXPECT_EQ(with_sampling(""), R"({"sampling":{}})");
  EXPECT_EQ(with_sampling(R"({"roots":{}})"), R"({"roots":{},"sampling":{}})");
  EXPECT_EQ(with_sampling("7"), "7");
}

}  // namespace
}  // namespace sluice::ingress
