#include "services/provider-router/handlers/chat_final.h"

#include "services/provider-router/limits.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

const std::string kHello =
    "data: {\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}]}\n\n";
const std::string kStop =
    "data: {\"id\":\"i\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

TEST(ChatFinal, CutsChunksBetweenEvents) {
  std::string events;
  while (events.size() < 3 * kChunkBytesMax) {
    events += kHello;
  }

  const auto chunks = chunks_of(events);

  std::string joined;
  EXPECT_EQ(chunks.size(), 4U);
  for (const std::string& chunk : chunks) {
    EXPECT_LE(chunk.size(), kChunkBytesMax);
    EXPECT_TRUE(chunk.ends_with("\n\n"));
    joined += chunk;
  }
  EXPECT_EQ(joined, events);
}

TEST(ChatFinal, LeavesAGiantEventWhole) {
  const std::string giant = "data: " + std::string(2 * kChunkBytesMax, 'x') + "\n\n";

  const auto chunks = chunks_of(kHello + giant + kStop);

  EXPECT_EQ(chunks, (std::vector<std::string>{kHello, giant, kStop}));
}

TEST(ChatFinal, HoldsFactsAndFailure) {
  AnswerFacts facts;
  facts.usage = {1, 2, 3, 4, 5};
  facts.finish_reason = "tool_calls";
  facts.tool_calls = {{"c1", "f", "{}"}};
  Failure failure;
  failure.kind = ErrorKind::RateLimit;
  failure.message = "slow down";
  failure.retryable = true;
  failure.retry_after = std::chrono::milliseconds(1500);

  provider::v1::ChatFinal final;
  set_facts(final, facts);
  set_failure(final, failure, false);

  EXPECT_EQ(final.usage().reasoning_tokens(), 5);
  EXPECT_EQ(final.tool_calls(0).name(), "f");
  EXPECT_EQ(final.finish_reason(), "tool_calls");
  EXPECT_EQ(final.status(), 429U);
  EXPECT_EQ(final.retry_after_ms(), 1500U);
  EXPECT_TRUE(final.should_retry());
  EXPECT_EQ(final.error_kind(), "rate_limit");
}

TEST(ChatFinal, TellsTheClientNotToRetryWhatItHasPartOf) {
  Failure failure;
  failure.retryable = true;
  provider::v1::ChatFinal final;

  set_failure(final, failure, true);

  EXPECT_FALSE(final.should_retry());
}

}  // namespace
}  // namespace sluice::provider_router
