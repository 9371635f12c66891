#include "services/provider-router/domain/usage.h"

#include "common/json/parse.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

TEST(Usage, ReadsOpenAi) {
  const Usage usage = openai_usage(
      R"({"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,"prompt_tokens_details":{"cached_tokens":4},
          "completion_tokens_details":{"reasoning_tokens":8}})"
  );

  EXPECT_EQ(usage, (Usage{10, 20, 30, 4, 8}));
}

TEST(Usage, AddsReasoningThatIsCountedApart) {
  const Usage usage = openai_usage(
      R"({"prompt_tokens":100,"completion_tokens":2,"total_tokens":110,"completion_tokens_details":{"reasoning_tokens":8}})"
  );

  EXPECT_EQ(usage, (Usage{100, 10, 110, 0, 8}));
}

TEST(Usage, ReadsDeepSeeksCacheCount) {
  EXPECT_EQ(
      openai_usage(R"({"prompt_tokens":9,"completion_tokens":1,"prompt_cache_hit_tokens":3})"),
      (Usage{9, 1, 10, 3, 0})
  );
}

TEST(Usage, OfNothingIsZero) {
  EXPECT_EQ(openai_usage("null"), Usage());
  EXPECT_EQ(openai_usage(""), Usage());
}

TEST(AnthropicUsage, AddsCacheReadsAndWritesToThePrompt) {
  AnthropicUsage usage;
  usage.replace_from(
      json::parse(
          R"({"input_tokens":2,"cache_creation_input_tokens":44,"cache_read_input_tokens":1650,"output_tokens":1})"
      )
          .value()
  );
  usage.replace_from(json::parse(R"({"output_tokens":7})").value());

  EXPECT_EQ(usage.to_usage(), (Usage{1696, 7, 1703, 1650, 0}));
}

TEST(Usage, WritesOpenAisObject) {
  const std::string text = usage_json({10, 20, 30, 4, 8});

  EXPECT_EQ(openai_usage(text), (Usage{10, 20, 30, 4, 8}));
}

}  // namespace
}  // namespace sluice::provider_router
