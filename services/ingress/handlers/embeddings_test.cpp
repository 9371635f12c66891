#include "services/ingress/handlers/embeddings.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

Result<http::HttpResponse> embed(IngressFixture& fixture, const std::string& body) {
  return fixture.run(fixture.embeddings(IngressFixture::request(body), fixture.context()));
}

TEST(EmbeddingsHandler, PassesTheBodyOnAndTheAnswerBack) {
  IngressFixture fixture;
  fixture.provider.embed_reply.set_status(200);
  fixture.provider.embed_reply.set_body(R"({"data":[]})");
  const std::string body = R"({"input": "text", "model":"openai/embed", "dimensions":3})";

  const auto response = embed(fixture, body);

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 200);
  EXPECT_EQ(response.value().body, R"({"data":[]})");
  ASSERT_EQ(fixture.provider.embeds.size(), 1U);
  EXPECT_EQ(fixture.provider.embeds[0].body(), body);
  EXPECT_EQ(fixture.provider.embeds[0].model(), "openai/embed");
  EXPECT_EQ(fixture.audit.with_action("embeddings.answer").size(), 1U);
}

TEST(EmbeddingsHandler, GivesAProvidersErrorBackAsItCame) {
  IngressFixture fixture;
  fixture.provider.embed_reply.set_status(404);
  fixture.provider.embed_reply.set_body(R"({"error":{"message":"no such model"}})");

  const auto response = embed(fixture, R"({"input":["a"],"model":"openai/embed"})");

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 404);
  EXPECT_EQ(fixture.audit.with_action("embeddings.answer")[0].outcome(), audit::v1::OUTCOME_FAILED);
}

TEST(EmbeddingsHandler, AModelLeftOutIsRefusedOnTheRecordAndNotAsked) {
  IngressFixture fixture;
  auto request = IngressFixture::request(R"({"input":"a","model":"openai/embed"})");
  request.headers.add("x-sluice-include-models", "demo/*");

  EXPECT_THAT(
      fixture.run(fixture.embeddings(std::move(request), fixture.context())), HasCode(Code::Denied)
  );

  EXPECT_TRUE(fixture.provider.embeds.empty());
  EXPECT_EQ(fixture.audit.with_action("embeddings.answer")[0].outcome(), audit::v1::OUTCOME_FAILED);
}

TEST(EmbeddingsHandler, RefusesBadBodies) {
  for (const char* body :
       {"",
        "[]",
        R"({"model":"a/b"})",
        R"({"model":"a/b","input":{}})",
        R"({"input":"x"})",
        R"({"model":"a","input":"x"})",
        R"({"model":"a/b","input":"x","input":"y"})"}) {
    IngressFixture fixture;
    EXPECT_THAT(embed(fixture, body), HasCode(Code::Invalid)) << body;
    EXPECT_TRUE(fixture.provider.embeds.empty());
  }
}

TEST(EmbeddingsHandler, FailsCleanlyWhateverDependencyFails) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    IngressFixture fixture(&plan);
    fixture.provider.embed_reply.set_status(200);
    EXPECT_EQ(embed(fixture, R"({"model":"a/b","input":"x"})").ok(), !plan.fired());
  });
  EXPECT_GE(faults, 4);
}

}  // namespace
}  // namespace sluice::ingress
