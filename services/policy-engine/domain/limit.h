// Limit: one line of policy.limits: how many calls of tools pass in a time, and how many at once.
// Pure; what is counted is in CallCounters of ports.h.
#pragma once

#include "services/policy-engine/domain/rule_set.h"

#include "common/json/value.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// What of a call is counted apart.
enum class CountedPer : std::uint8_t { Key, Principal, Tenant, Server, Tool };

[[nodiscard]] std::string_view name_of(CountedPer per);
[[nodiscard]] std::optional<CountedPer> counted_per_named(std::string_view name);

struct Limit {
  std::string id;
  RuleMatch match;           // of the calls that it counts; resources and prompts are never counted
  std::set<CountedPer> per;  // empty: one counter for all of them
  std::uint32_t calls = 0;   // in any window_ms; 0: any number
  std::int64_t window_ms = 0;
  std::uint32_t at_once = 0;         // in flight; 0: any number
  std::int64_t longest_call_ms = 0;  // one whose end nobody told is over then
  std::string reason;                // for the caller; may be empty
};

using Limits = std::vector<Limit>;

// As in the settings, with every list sorted: equal limits have equal forms.
[[nodiscard]] json::Value form_of(const Limit& limit);

// One counter that a call is counted by.
struct LimitCounter {
  const Limit* limit = nullptr;
  std::string key;      // 32 hex digits, those of the limit's id and of who and what is counted
  std::string subject;  // the same for people: "key:ci files-write_file"
};

// Those of a call, in the order of the limits. The question's tool is not empty.
[[nodiscard]] std::vector<LimitCounter> counters_of(
    const Limits& limits, const RuleQuestion& question
);

// Of a call that a limit refuses: its rule, "limits.<id>", and what its caller is told.
[[nodiscard]] std::string limit_rule(const Limit& limit);
[[nodiscard]] bool is_limit_rule(std::string_view rule);
[[nodiscard]] std::string limit_reason(
    const Limit& limit, const std::string& subject, bool at_once, std::int64_t retry_after_ms
);

}  // namespace sluice::policy_engine
