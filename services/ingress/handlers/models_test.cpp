#include "services/ingress/handlers/models.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(ModelsHandler, ListsModelsInOpenaisShape) {
  IngressFixture fixture;
  auto* model = fixture.provider.models_reply.add_models();
  model->set_id("demo/assistant");
  model->set_owned_by("demo");
  model->set_created_unix_s(1700000000);
  fixture.provider.models_reply.add_models()->set_id("openai/gpt");

  const auto response = fixture.run(fixture.models(IngressFixture::request(""), fixture.context()));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 200);
  EXPECT_EQ(
      response.value().body,
      R"({"object":"list","data":[{"id":"demo/assistant","object":"model","created":1700000000,"owned_by":"demo"},)"
      R"({"id":"openai/gpt","object":"model","created":0,"owned_by":""}]})"
  );
}

TEST(ModelsHandler, ListsThoseThatTheRequestNames) {
  IngressFixture fixture;
  fixture.provider.models_reply.add_models()->set_id("demo/assistant");
  fixture.provider.models_reply.add_models()->set_id("openai/gpt");
  auto request = IngressFixture::request("");
  request.headers.add("x-sluice-include-models", "openai/*");

  const auto response = fixture.run(fixture.models(std::move(request), fixture.context()));

  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response.value().body, ::testing::HasSubstr("openai/gpt"));
  EXPECT_THAT(response.value().body, ::testing::Not(::testing::HasSubstr("demo/assistant")));
}

TEST(ModelsHandler, NeedsAKey) {
  IngressFixture fixture;

  EXPECT_THAT(
      fixture.run(fixture.models(IngressFixture::request("", ""), fixture.context())),
      HasCode(Code::Unauthenticated)
  );
}

TEST(ModelsHandler, FailsCleanlyWhateverDependencyFails) {
  const int faults = testing::for_each_fault([](testing::FaultPlan& plan) {
    IngressFixture fixture(&plan);
    const auto response =
        fixture.run(fixture.models(IngressFixture::request(""), fixture.context()));
    EXPECT_EQ(response.ok(), !plan.fired());
  });
  EXPECT_GE(faults, 2);
}

}  // namespace
}  // namespace sluice::ingress
