#include "services/ingress/domain/version_watch.h"

#include "services/ingress/limits.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

policy::v1::PolicyBeat beat(
    const std::string& instance, std::uint64_t version, const std::string& catalog
) {
  policy::v1::PolicyBeat message;
  message.set_instance(instance);
  message.set_policy_version(version);
  message.set_catalog_version(catalog);
  return message;
}

TEST(VersionWatch, IsNotFreshBeforeTheFirstBeat) {
  const VersionWatch versions;

  EXPECT_FALSE(versions.fresh(TimePoint{}));
}

TEST(VersionWatch, IsFreshForTwoSecondsAfterABeat) {
  VersionWatch versions;
  const TimePoint start{std::chrono::hours(1)};

  versions.heard(beat("a", 3, "c"), start);

  EXPECT_TRUE(versions.fresh(start + kBeatSilenceMax));
  EXPECT_FALSE(versions.fresh(start + kBeatSilenceMax + std::chrono::milliseconds(1)));
}

TEST(VersionWatch, KeepsTheHighestPolicyVersionOfAllReplicas) {
  VersionWatch versions;

  versions.heard(beat("a", 9, "c"), TimePoint{});
  versions.heard(beat("b", 8, "c"), TimePoint{});

  EXPECT_EQ(versions.policy_version(), 9U);
}

TEST(VersionWatch, BeginsAGenerationWhenAReplicaNamesAnotherCatalog) {
  VersionWatch versions;
  versions.heard(beat("a", 1, "c1"), TimePoint{});
  const auto before = versions.generation();

  versions.heard(beat("a", 1, "c1"), TimePoint{});
  EXPECT_EQ(versions.generation(), before);
  versions.heard(beat("a", 1, "c2"), TimePoint{});

  EXPECT_GT(versions.generation(), before);
}

TEST(VersionWatch, BeginsAGenerationAfterASilenceInWhichEventsMayHaveBeenLost) {
  VersionWatch versions;
  const TimePoint start{std::chrono::hours(1)};
  versions.heard(beat("a", 1, "c"), start);
  const auto before = versions.generation();

  versions.heard(beat("a", 1, "c"), start + std::chrono::seconds(3));

  EXPECT_GT(versions.generation(), before);
}

TEST(VersionWatch, BeginsAGenerationWhenAServerChanges) {
  VersionWatch versions;
  const auto before = versions.generation();

  versions.catalog_changed();

  EXPECT_GT(versions.generation(), before);
}

TEST(VersionWatch, StaysBoundedHoweverManyReplicasComeAndGo) {
  VersionWatch versions;

  for (int i = 0; i < 1000; ++i) {
    versions.heard(beat("replica-" + std::to_string(i), 1, "c"), TimePoint{});
  }

  EXPECT_TRUE(versions.fresh(TimePoint{}));
  EXPECT_EQ(versions.policy_version(), 1U);
}

}  // namespace
}  // namespace sluice::ingress
