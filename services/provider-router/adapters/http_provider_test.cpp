#include "services/provider-router/adapters/http_provider.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

TEST(HttpProvider, SpeaksOpenAi) {
  const Provider provider{"o", Dialect::OpenAi, "http://127.0.0.1:1/v1", {}, {}, 0};
  const ProviderKey key{"k", Secret<std::string>("sk-1")};

  const auto request = http_request_of({&provider, &key, Operation::Chat, true, "{}", TimePoint()});

  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://127.0.0.1:1/v1/chat/completions");
  EXPECT_EQ(request.headers.get("authorization"), "Bearer sk-1");
  EXPECT_EQ(request.headers.get("accept"), "text/event-stream");
  EXPECT_EQ(request.headers.get("content-type"), "application/json");
  EXPECT_EQ(request.body, "{}");
}

TEST(HttpProvider, SpeaksAnthropic) {
  const Provider provider{"a", Dialect::Anthropic, "https://api.anthropic.com", {}, {}, 0};
  const ProviderKey key{"k", Secret<std::string>("sk-ant")};

  const auto request =
      http_request_of({&provider, &key, Operation::Chat, false, "{}", TimePoint()});

  EXPECT_EQ(request.url, "https://api.anthropic.com/v1/messages");
  EXPECT_EQ(request.headers.get("x-api-key"), "sk-ant");
  EXPECT_EQ(request.headers.get("anthropic-version"), "2023-06-01");
  EXPECT_FALSE(request.headers.has("authorization"));
}

TEST(HttpProvider, SendsNoKeyWhereThereIsNone) {
  const Provider provider{"local", Dialect::OpenAi, "http://127.0.0.1:1", {}, {}, 0};

  const auto request =
      http_request_of({&provider, nullptr, Operation::Embed, false, "{}", TimePoint()});

  EXPECT_EQ(request.url, "http://127.0.0.1:1/embeddings");
  EXPECT_FALSE(request.headers.has("authorization"));
}

}  // namespace
}  // namespace sluice::provider_router
