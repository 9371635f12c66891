// Rules and limits that can never match, or that change nothing where they do: most likely mistakes
// of whoever wrote them.
#pragma once

#include "services/policy-engine/domain/catalog.h"
#include "services/policy-engine/domain/policy.h"

#include <string>
#include <vector>

namespace sluice::policy_engine {

// One sentence each, beginning with "rules.<id>" or "limits.<id>", at most kRuleWarningsMax. What
// depends on which tools exist is left out without a catalog, and where a server is not connected
// yet.
[[nodiscard]] std::vector<std::string> rule_warnings(const Policy& policy, const Catalog* catalog);

}  // namespace sluice::policy_engine
