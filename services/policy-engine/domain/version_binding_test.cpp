#include "services/policy-engine/domain/version_binding.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

Policy manual() {
  return policy_of(PolicyFixture::settings_with("manual", R"("tools_to_execute": ["*"])"));
}

Policy open() {
  return policy_of(PolicyFixture::settings_with("open", R"("tools_to_execute": ["*"])"));
}

class VersionBindingTest : public ::testing::Test {
 protected:
  Result<void> load(Policy policy) { return testing::run_sync(binding.claim(std::move(policy))); }

  FakeVersionStore store;
  PolicyState state;
  VersionBinding binding{&store, &state};
};

TEST_F(VersionBindingTest, AnEqualPolicyKeepsItsVersionAndAnotherGetsTheNext) {
  ASSERT_THAT(load(manual()), IsOk());
  EXPECT_EQ(state.current().value()->version, 1U);
  ASSERT_THAT(load(manual()), IsOk());
  EXPECT_EQ(state.current().value()->version, 1U);

  ASSERT_THAT(load(open()), IsOk());

  EXPECT_EQ(state.current().value()->version, 2U);
}

TEST_F(VersionBindingTest, UndoneSettingsGetANewVersion) {
  ASSERT_THAT(load(manual()), IsOk());
  ASSERT_THAT(load(open()), IsOk());

  ASSERT_THAT(load(manual()), IsOk());

  EXPECT_EQ(state.current().value()->version, 3U);
  EXPECT_FALSE(state.is_behind());
}

TEST_F(VersionBindingTest, AReplicaBehindStopsAnsweringUntilTheNewestIsItsOwn) {
  ASSERT_THAT(load(manual()), IsOk());
  ASSERT_THAT(testing::run_sync(store.claim(open().hash())), IsOk());

  ASSERT_THAT(testing::run_sync(binding.catch_up()), IsOk());
  EXPECT_THAT(state.current(), HasCode(Code::Unavailable));

  ASSERT_THAT(testing::run_sync(binding.catch_up(open())), IsOk());
  EXPECT_EQ(state.current().value()->version, 2U);
  EXPECT_EQ(state.loaded()->policy.preset, Preset::Open);
}

TEST_F(VersionBindingTest, NothingLoadedIsUnavailable) {
  EXPECT_THAT(state.current(), HasCode(Code::Unavailable));
  EXPECT_THAT(testing::run_sync(binding.catch_up()), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::policy_engine
