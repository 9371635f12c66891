#include "common/grant/policy_names.h"

#include <gtest/gtest.h>

namespace sluice::policy::v1 {
namespace {

TEST(PolicyNames, EveryValueHasAName) {
  for (int value = Verdict_MIN + 1; value <= Verdict_MAX; ++value) {
    EXPECT_NE(name_of(static_cast<Verdict>(value)), "") << value;
  }
  for (int value = Mode_MIN + 1; value <= Mode_MAX; ++value) {
    EXPECT_EQ(mode_named(name_of(static_cast<Mode>(value))), static_cast<Mode>(value));
  }
  for (int value = EffectClass_MIN + 1; value <= EffectClass_MAX; ++value) {
    const auto effect = static_cast<EffectClass>(value);
    EXPECT_EQ(effect_class_named(name_of(effect)), effect);
  }
  for (int value = ApprovalState_MIN + 1; value <= ApprovalState_MAX; ++value) {
    const auto state = static_cast<ApprovalState>(value);
    EXPECT_EQ(approval_state_named(name_of(state)), state);
  }
}

TEST(PolicyNames, OtherNamesAreNone) {
  EXPECT_EQ(name_of(VERDICT_UNSPECIFIED), "");
  EXPECT_EQ(effect_class_named("execute"), std::nullopt);
  EXPECT_EQ(effect_class_named(""), std::nullopt);
  EXPECT_EQ(mode_named(""), std::nullopt);
  EXPECT_EQ(approval_state_named("APPROVED"), std::nullopt);
}

}  // namespace
}  // namespace sluice::policy::v1
