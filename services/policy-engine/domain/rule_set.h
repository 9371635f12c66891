// RuleSet: all rules, compiled once. Immutable; found by server and tool, so that rules about other
// tools cost nothing.
#pragma once

#include "services/policy-engine/domain/rule.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// The arguments of one call, parsed when the first rule looks at them.
class CallArguments {
 public:
  // Canonical JSON, which outlives this.
  explicit CallArguments(std::string_view canonical) : canonical_(canonical) {}

  [[nodiscard]] const json::Value& value();

  [[nodiscard]] Effort* effort() { return &effort_; }

  // The same ones, with nothing spent yet.
  [[nodiscard]] CallArguments afresh() const { return CallArguments(canonical_); }

 private:
  std::string_view canonical_;
  std::optional<json::Value> value_;
  Effort effort_;
};

// What rules are asked about. All outlives the question.
struct RuleQuestion {
  std::string_view server;
  std::string_view tool;  // "": the server's resources, prompts and completion
  policy::v1::EffectClass effect = policy::v1::EFFECT_CLASS_UNSPECIFIED;
  const policy::v1::CallerClaims* claims = nullptr;
  policy::v1::Mode mode = policy::v1::MODE_UNSPECIFIED;  // unspecified: rules on modes do not apply
  CallArguments* arguments = nullptr;                    // null: rules on arguments do not apply
};

[[nodiscard]] bool matches(const RuleMatch& match, const RuleQuestion& question);

class RuleSet {
 public:
  RuleSet() = default;
  explicit RuleSet(std::vector<Rule> rules);

  // The strictest rule that matches, the first one of equals; null unless one is stricter than
  // above.
  [[nodiscard]] const Rule* strictest(const RuleQuestion& question, policy::v1::Verdict above)
      const;

  // Each rule on this server and tool in the order of the settings, with why it does not match;
  // "": it matches.
  void look_at_each(
      const RuleQuestion& question,
      const std::function<void(const Rule& rule, const std::string& mismatch)>& visit
  ) const;

  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }

 private:
  using Indexes = std::vector<std::uint32_t>;
  using Index = std::map<std::string, Indexes, std::less<>>;

  void add(std::uint32_t index);
  [[nodiscard]] std::vector<const Indexes*> candidates(const RuleQuestion& question) const;

  std::vector<Rule> rules_;
  // Each rule is in one of them, under each name it gives; strictest first, then in order.
  Index by_tool_;
  Index by_server_;
  Indexes anywhere_;
};

}  // namespace sluice::policy_engine
