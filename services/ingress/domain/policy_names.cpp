#include "services/ingress/domain/policy_names.h"

namespace sluice::ingress {

std::string_view name_of(policy::v1::Verdict verdict) {
  switch (verdict) {
    case policy::v1::VERDICT_AUTO:
      return "auto";
    case policy::v1::VERDICT_MANUAL:
      return "manual";
    case policy::v1::VERDICT_APPROVE:
      return "approve";
    case policy::v1::VERDICT_APPROVE_TWICE:
      return "approve_twice";
    case policy::v1::VERDICT_DENY:
      return "deny";
    default:
      return "";
  }
}

std::string_view name_of(policy::v1::EffectClass effect) {
  switch (effect) {
    case policy::v1::EFFECT_CLASS_READ:
      return "read";
    case policy::v1::EFFECT_CLASS_WRITE:
      return "write";
    case policy::v1::EFFECT_CLASS_DELETE:
      return "delete";
    default:
      return "";
  }
}

std::optional<policy::v1::Mode> mode_named(std::string_view name) {
  if (name == "manual") {
    return policy::v1::MODE_MANUAL;
  }
  if (name == "agent") {
    return policy::v1::MODE_AGENT;
  }
  return name == "code" ? std::optional(policy::v1::MODE_CODE) : std::nullopt;
}

}  // namespace sluice::ingress
