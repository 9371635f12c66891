// Names of tools that are easily taken for each other.
#pragma once

#include "services/policy-engine/domain/pin.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// What of a name a reader sees: NFKC, case folded, without what does not show (Unicode
// NFKC_Casefold). Code points.
[[nodiscard]] std::u32string seen_form(std::string_view name);

// Whether names of tools of different servers are confusable: of equal seen form; at most two edits
// (insert, delete, replace a character) apart where both have at least kConfusableTwoEditsMin
// characters, one where both have kConfusableOneEditMin; or one is "<server>-<tool>" of the other.
[[nodiscard]] bool is_confusable(const ToolName& a, const ToolName& b);

struct ConfusablePairs {
  std::vector<ConfusablePair> pairs;  // sorted, each once, at most kConfusablePairsMax
  bool complete = true;               // false: there were more, or too much to compare
};

// Pairs of one of `fresh` with another of `fresh` or one of `known`; the two are disjoint. Equal
// forms are always found; what is nearly equal within kConfusableComparisonsMax comparisons.
[[nodiscard]] ConfusablePairs confusable_pairs(
    const std::vector<ToolName>& fresh, const std::vector<ToolName>& known
);

}  // namespace sluice::policy_engine
