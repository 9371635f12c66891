// Rule: one line of policy.rules. Rules only tighten: a rule that matches raises the verdict of a
// call to its own, if that is stricter.
#pragma once

#include "services/policy-engine/domain/argument_condition.h"
#include "services/policy-engine/domain/name_list.h"

#include "common/json/value.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// Everything that is given must hold; what is absent holds for all.
struct RuleMatch {
  std::optional<NameList> servers;
  std::optional<NameList> tools;  // given: only calls of tools, never resources or prompts
  std::set<policy::v1::EffectClass> effects;
  std::set<policy::v1::Mode> modes;
  std::optional<NameList> principals;
  std::optional<NameList> key_ids;
  std::optional<NameList> agents;
  std::optional<NameList> roles;
  std::optional<NameList> tenants;
  std::vector<ArgumentCondition> arguments;
};

struct Rule {
  std::string id;
  RuleMatch match;
  policy::v1::Verdict verdict = policy::v1::VERDICT_DENY;
  std::string reason;  // for the caller; may be empty
};

// As in the settings, with every list sorted: equal rules have equal forms.
[[nodiscard]] json::Value form_of(const RuleMatch& match);
[[nodiscard]] json::Value form_of(const Rule& rule);

}  // namespace sluice::policy_engine
