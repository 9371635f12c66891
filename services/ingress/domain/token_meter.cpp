#include "services/ingress/domain/token_meter.h"

#include "services/ingress/limits.h"

namespace sluice::ingress {
namespace {

constexpr const char* kName = "sluice_ingress_tokens_total";
constexpr const char* kText = "Tokens by model and kind, as the providers counted them";

}  // namespace

void TokenMeter::count(const provider::v1::ChatFinal& final) {
  const auto& usage = final.usage();
  if (usage.prompt_tokens() <= 0 && usage.completion_tokens() <= 0) {
    return;
  }
  Counters& counters = counters_of(final.provider() + "/" + final.model());
  counters.prompt->add(static_cast<double>(usage.prompt_tokens()));
  counters.completion->add(static_cast<double>(usage.completion_tokens()));
}

TokenMeter::Counters& TokenMeter::counters_of(const std::string& model) {
  if (const auto known = by_model_.find(model); known != by_model_.end()) {
    return known->second;
  }
  const std::string label = by_model_.size() < kModelLabelsMax ? model : "other";
  Counters& counters = by_model_[label];
  if (counters.prompt == nullptr) {
    counters.prompt = &metrics_->counter(kName, kText, {{"model", label}, {"kind", "prompt"}});
    counters.completion =
        &metrics_->counter(kName, kText, {{"model", label}, {"kind", "completion"}});
  }
  return counters;
}

}  // namespace sluice::ingress
