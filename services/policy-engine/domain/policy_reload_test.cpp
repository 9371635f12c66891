#include "services/policy-engine/domain/policy_reload.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::Contains;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;

Policy open() {
  return policy_of(PolicyFixture::settings_with("open", R"("tools_to_execute": ["*"])"));
}

class PolicyReloadTest : public ::testing::Test {
 protected:
  // The watch begins: its first look sees the file that is loaded.
  void begin() {
    fixture.loop.restart();
    fixture.tasks.spawn("settings", fixture.reload->watch());
    fixture.loop.poll();
  }

  void next_look() {
    fixture.clock.advance(kSettingsLookInterval);
    fixture.loop.restart();
    fixture.loop.poll();
  }

  [[nodiscard]] std::uint64_t version() const { return fixture.state.loaded()->version; }

  PolicyFixture fixture;
};

TEST_F(PolicyReloadTest, AChangedFileIsTakenOverWithinALook) {
  begin();
  EXPECT_EQ(version(), 1U);
  fixture.settings_file.write({open(), {"policy.x: odd"}});

  next_look();

  EXPECT_EQ(version(), 2U);
  EXPECT_EQ(fixture.state.loaded()->policy.preset, Preset::Open);
  ASSERT_THAT(fixture.audit.records(), SizeIs(1));
  EXPECT_EQ(fixture.audit.records()[0].action(), "policy.reload");
  EXPECT_EQ(fixture.audit.records()[0].policy_version(), 2U);
}

TEST_F(PolicyReloadTest, AFileThatIsNotReadTwiceChangesNothing) {
  begin();
  const int reads = fixture.settings_file.reads();

  next_look();
  next_look();

  EXPECT_EQ(fixture.settings_file.reads(), reads);
  EXPECT_EQ(version(), 1U);
  EXPECT_THAT(fixture.audit.records(), IsEmpty());
}

TEST_F(PolicyReloadTest, FaultsChangeNothingUntilTheFileIsGood) {
  begin();
  fixture.settings_file.spoil(Error(Code::Invalid, "policy.preset: is wrong"));

  next_look();
  EXPECT_EQ(version(), 1U);
  EXPECT_THAT(fixture.state.current(), IsOk());

  fixture.settings_file.write({open(), {}});
  next_look();
  EXPECT_EQ(version(), 2U);
}

TEST_F(PolicyReloadTest, WhatTheStoreDidNotTakeIsTriedAgain) {
  begin();
  fixture.settings_file.spoil(Error(Code::Unavailable, "the disk is slow"));
  next_look();
  const int reads = fixture.settings_file.reads();

  next_look();

  EXPECT_EQ(fixture.settings_file.reads(), reads + 1);
}

TEST_F(PolicyReloadTest, AChangeOfTheStoredPolicyIsSeenByALookAndNoFileIsRead) {
  begin();
  const int reads = fixture.settings_file.reads();
  ++fixture.stored.stored.revision;

  next_look();

  EXPECT_EQ(version(), 2U);
  EXPECT_EQ(fixture.state.loaded()->policy.stored_revision, 1U);
  EXPECT_EQ(fixture.settings_file.reads(), reads);
}

TEST_F(PolicyReloadTest, AStoreThatDoesNotAnswerLeavesThePolicyInForce) {
  testing::FaultPlan faults(1);
  FakePolicyStore broken(&faults);
  PolicyReload reload(
      {&fixture.settings_file,
       &broken,
       &fixture.binding,
       &fixture.state,
       &fixture.catalogs,
       &fixture.clock,
       &fixture.log,
       &fixture.audit}
  );

  EXPECT_FALSE(fixture.run(reload.apply({})).ok());

  EXPECT_EQ(version(), 1U);
  EXPECT_THAT(fixture.state.current(), IsOk());
}

TEST_F(PolicyReloadTest, AReplicaBehindLoadsWhatItsFileSaysWhenThatIsTheNewest) {
  begin();
  ASSERT_THAT(fixture.run(fixture.versions.claim(open().hash())), IsOk());
  fixture.state.heard(2);
  EXPECT_THAT(fixture.state.current(), HasCode(Code::Unavailable));

  next_look();
  EXPECT_THAT(fixture.state.current(), HasCode(Code::Unavailable));

  fixture.settings_file.write({open(), {}});
  next_look();
  EXPECT_THAT(fixture.state.current(), IsOk());
  EXPECT_EQ(version(), 2U);
}

TEST_F(PolicyReloadTest, AnEqualPolicyKeepsItsVersionAndLeavesNoRecord) {
  ASSERT_THAT(fixture.run(fixture.reload->apply({})), IsOk());

  EXPECT_EQ(version(), 1U);
  EXPECT_THAT(fixture.audit.records(), IsEmpty());
}

TEST_F(PolicyReloadTest, WarningsAreOfTheFileAndOfItsRules) {
  const Policy policy = policy_of(
      R"({"policy": {"rules": [{"id": "a", "verdict": "deny"}, {"id": "b", "verdict": "deny"}]}})"
  );
  fixture.settings_file.write({policy, {"policy.x: odd"}});

  const auto checked = fixture.run(fixture.reload->check());

  ASSERT_THAT(checked, IsOk());
  EXPECT_THAT(checked.value().warnings, Contains("policy.x: odd"));
  EXPECT_THAT(checked.value().warnings, Contains(HasSubstr("rules.b changes nothing")));
  EXPECT_EQ(version(), 1U);
}

}  // namespace
}  // namespace sluice::policy_engine
