// Names in the settings that match no tool: misspelled, or of a tool that is gone.
#pragma once

#include "services/policy-engine/domain/catalog.h"
#include "services/policy-engine/domain/policy.h"

#include <string>
#include <vector>

namespace sluice::policy_engine {

struct UnknownName {
  std::string server;
  std::string setting;  // tools_to_execute, tools_to_auto_execute, effect_classes
  std::string tool;
};

// Only of servers the catalog lists tools of: one that has not connected yet offers nothing to
// compare with.
[[nodiscard]] std::vector<UnknownName> unknown_names(const Policy& policy, const Catalog& catalog);

}  // namespace sluice::policy_engine
