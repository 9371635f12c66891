#include "services/policy-engine/handlers/beat.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::IsOk;

// Runs what is ready, then what falls due in one beat.
void next_beat(PolicyFixture& fixture) {
  fixture.loop.restart();
  fixture.loop.poll();
  fixture.clock.advance(kBeatInterval);
  fixture.loop.restart();
  fixture.loop.poll();
}

TEST(Beat, TellsPolicyAndCatalogEveryHalfSecond) {
  PolicyFixture fixture;
  fixture.tasks.spawn("beat", fixture.beat->run());

  next_beat(fixture);
  next_beat(fixture);

  ASSERT_EQ(fixture.beats.beats().size(), 3U);
  EXPECT_EQ(fixture.beats.beats()[0].instance(), "policy-engine-0");
  EXPECT_EQ(fixture.beats.beats()[0].policy_version(), 1U);
  EXPECT_EQ(fixture.beats.beats()[2].catalog_version(), fixture.servers.version());
}

TEST(Beat, IsSilentWhileBehindAndCatchesUpWithAnEqualPolicy) {
  PolicyFixture fixture;
  policy::v1::PolicyBeat other;
  other.set_policy_version(3);
  fixture.beat->heard(other);
  fixture.tasks.spawn("beat", fixture.beat->run());

  next_beat(fixture);

  EXPECT_TRUE(fixture.beats.beats().empty());
  EXPECT_TRUE(fixture.state.is_behind());
  EXPECT_TRUE(fixture.log.has("policy-behind"));

  // Another replica loaded other settings, then these again: versions 2 and 3.
  ASSERT_THAT(fixture.run(fixture.versions.claim(std::string(32, 'x'))), IsOk());
  ASSERT_THAT(fixture.run(fixture.versions.claim(fixture.state.loaded()->hash)), IsOk());
  next_beat(fixture);

  EXPECT_FALSE(fixture.state.is_behind());
  ASSERT_FALSE(fixture.beats.beats().empty());
  EXPECT_EQ(fixture.beats.beats().back().policy_version(), 3U);
}

TEST(Beat, GoesOnAfterEveryFailure) {
  testing::for_each_fault([](testing::FaultPlan& plan) {
    PolicyFixture fixture("", &plan);
    fixture.tasks.spawn("beat", fixture.beat->run());
    for (int i = 0; i < 4; ++i) {
      next_beat(fixture);
    }

    EXPECT_GE(fixture.beats.beats().size(), 3U);
    EXPECT_EQ(fixture.catalogs.version(), fixture.servers.version());
  });
}

TEST(Beat, RepairsALostChangeEvent) {
  PolicyFixture fixture;
  fixture.tasks.spawn("beat", fixture.beat->run());
  next_beat(fixture);
  fixture.servers.put("files", "append_file");

  for (auto waited = kBeatInterval; waited <= kCatalogAgeMax + kBeatInterval;
       waited += kBeatInterval) {
    next_beat(fixture);
  }

  EXPECT_EQ(fixture.catalogs.version(), fixture.servers.version());
}

}  // namespace
}  // namespace sluice::policy_engine
