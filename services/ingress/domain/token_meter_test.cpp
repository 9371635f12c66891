#include "services/ingress/domain/token_meter.h"

#include "services/ingress/limits.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

provider::v1::ChatFinal final_of(const std::string& model, int prompt, int completion) {
  provider::v1::ChatFinal final;
  final.set_provider("demo");
  final.set_model(model);
  final.mutable_usage()->set_prompt_tokens(prompt);
  final.mutable_usage()->set_completion_tokens(completion);
  return final;
}

TEST(TokenMeter, SumsTokensByModelAndKind) {
  const auto metrics = observability::make_metrics();
  TokenMeter meter(metrics.get());

  meter.count(final_of("assistant", 11, 5));
  meter.count(final_of("assistant", 1, 0));

  const std::string text = metrics->expose();
  EXPECT_NE(
      text.find(R"(sluice_ingress_tokens_total{kind="prompt",model="demo/assistant"} 12)"),
      std::string::npos
  ) << text;
  EXPECT_NE(
      text.find(R"(sluice_ingress_tokens_total{kind="completion",model="demo/assistant"} 5)"),
      std::string::npos
  );
}

TEST(TokenMeter, CountsNothingForAnAnswerWithoutUsage) {
  const auto metrics = observability::make_metrics();
  TokenMeter meter(metrics.get());

  meter.count(final_of("assistant", 0, 0));

  EXPECT_EQ(metrics->expose().find("assistant"), std::string::npos);
}

TEST(TokenMeter, KeepsTheNumberOfModelsBounded) {
  const auto metrics = observability::make_metrics();
  TokenMeter meter(metrics.get());

  for (std::size_t i = 0; i < kModelLabelsMax + 10; ++i) {
    meter.count(final_of("m" + std::to_string(i), 1, 1));
  }

  const std::string text = metrics->expose();
  EXPECT_NE(text.find(R"(model="other"} 10)"), std::string::npos);
  EXPECT_EQ(text.find("m" + std::to_string(kModelLabelsMax + 1) + "\""), std::string::npos);
}

}  // namespace
}  // namespace sluice::ingress
