#include "services/provider-router/handlers/embed.h"

#include "services/provider-router/testing/router_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr const char* kBody = R"({"model":"open/embed","input":"x","encoding_format":"base64"})";

TEST(EmbedHandler, PassesRequestAndAnswerOn) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(R"({"object":"list","data":[]})"));

  const auto reply = fixture.embed("open/embed", kBody);

  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply.value().status(), 200U);
  EXPECT_EQ(reply.value().body(), R"({"object":"list","data":[]})");
  EXPECT_EQ(
      fixture.upstream.calls()[0].body,
      R"({"model":"embed","input":"x","encoding_format":"base64"})"
  );
  EXPECT_EQ(fixture.upstream.calls()[0].operation, Operation::Embed);
}

TEST(EmbedHandler, MapsFailures) {
  RouterFixture fixture;
  fixture.upstream.push(json_answer(R"({"error":{"message":"no such model"}})", 404));

  const auto reply = fixture.embed("open/embed", kBody);

  EXPECT_EQ(reply.value().status(), 404U);
  EXPECT_NE(reply.value().body().find("no such model"), std::string::npos);
  EXPECT_EQ(fixture.audit.with_action("provider.failed").size(), 1U);
}

TEST(EmbedHandler, TriesAgain) {
  RouterFixture fixture;
  ScriptedAnswer lost;
  lost.error = Error(Code::Unavailable, "connection reset");
  fixture.upstream.push(std::move(lost));
  fixture.upstream.push(json_answer("{}"));

  EXPECT_EQ(fixture.embed("open/embed", kBody).value().status(), 200U);
}

TEST(EmbedHandler, SaysWhichProvidersHaveNone) {
  RouterFixture fixture;

  const auto reply = fixture.embed("claude/haiku", kBody);

  ASSERT_THAT(reply, HasCode(Code::Invalid));
  EXPECT_NE(reply.error().message().find("OpenAI-compatible"), std::string::npos);
  EXPECT_THAT(fixture.embed("demo/assistant", kBody), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.embed("nowhere/x", kBody), HasCode(Code::NotFound));
  EXPECT_THAT(fixture.embed("open/embed", "x"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::provider_router
