#include "common/grant/policy_names.h"

#include <array>
#include <cstddef>
#include <utility>

namespace sluice::policy::v1 {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<Verdict, 5> kVerdicts{{
    {VERDICT_AUTO, "auto"},
    {VERDICT_MANUAL, "manual"},
    {VERDICT_APPROVE, "approve"},
    {VERDICT_APPROVE_TWICE, "approve_twice"},
    {VERDICT_DENY, "deny"},
}};
constexpr Names<EffectClass, 3> kEffects{{
    {EFFECT_CLASS_READ, "read"},
    {EFFECT_CLASS_WRITE, "write"},
    {EFFECT_CLASS_DELETE, "delete"},
}};
constexpr Names<Mode, 4> kModes{{
    {MODE_MANUAL, "manual"},
    {MODE_AGENT, "agent"},
    {MODE_CODE, "code"},
    {MODE_AGENT_CODE, "agent_code"},
}};
constexpr Names<ApprovalState, 6> kStates{{
    {APPROVAL_STATE_PENDING, "pending"},
    {APPROVAL_STATE_APPROVED, "approved"},
    {APPROVAL_STATE_DENIED, "denied"},
    {APPROVAL_STATE_EXPIRED, "expired"},
    {APPROVAL_STATE_GRANTED, "granted"},
    {APPROVAL_STATE_VOID, "void"},
}};

template <class Enum, std::size_t N>
std::string_view name_in(const Names<Enum, N>& names, Enum wanted) {
  for (const auto& [value, name] : names) {
    if (value == wanted) {
      return name;
    }
  }
  return "";
}

template <class Enum, std::size_t N>
std::optional<Enum> value_in(const Names<Enum, N>& names, std::string_view wanted) {
  for (const auto& [value, name] : names) {
    if (name == wanted) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  return name_in(kVerdicts, verdict);
}

std::string_view name_of(EffectClass effect) {
  return name_in(kEffects, effect);
}

std::optional<EffectClass> effect_class_named(std::string_view name) {
  return value_in(kEffects, name);
}

std::string_view name_of(Mode mode) {
  return name_in(kModes, mode);
}

std::optional<Mode> mode_named(std::string_view name) {
  return value_in(kModes, name);
}

std::string_view name_of(ApprovalState state) {
  return name_in(kStates, state);
}

std::optional<ApprovalState> approval_state_named(std::string_view name) {
  return value_in(kStates, name);
}

}  // namespace sluice::policy::v1
