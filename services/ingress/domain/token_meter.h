// TokenMeter: tokens by model as metrics, with a bounded number of models.
#pragma once

#include "common/observability/metrics.h"

#include "proto/sluice/provider/v1/provider.pb.h"

#include <string>
#include <unordered_map>

namespace sluice::ingress {

class TokenMeter {
 public:
  explicit TokenMeter(observability::Metrics* metrics) : metrics_(metrics) {}

  // Models beyond kModelLabelsMax are counted as "other".
  void count(const provider::v1::ChatFinal& final);

 private:
  struct Counters {
    observability::Counter* prompt = nullptr;
    observability::Counter* completion = nullptr;
  };

  Counters& counters_of(const std::string& model);

  observability::Metrics* metrics_;
  std::unordered_map<std::string, Counters> by_model_;
};

}  // namespace sluice::ingress
