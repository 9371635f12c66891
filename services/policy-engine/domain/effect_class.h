// Effect classes: what a call of a tool can do at worst, as far as its name, its annotations and
// the operator tell.
#pragma once

#include "proto/sluice/policy/v1/policy.pb.h"

#include <optional>
#include <string_view>

namespace sluice::policy_engine {

struct ToolTraits {
  std::string_view name;
  bool read_only_hint = false;  // as the server says
  bool hints_trusted = false;   // the operator marked the server trust_annotations
};

// The operator's word; else delete where the name's first verb deletes; else read where a trusted
// server says so; else write.
[[nodiscard]] policy::v1::EffectClass effect_class_of(
    const ToolTraits& tool, std::optional<policy::v1::EffectClass> operators_word
);

}  // namespace sluice::policy_engine
