#include "services/policy-engine/domain/stored_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CallerKey key(const std::string& id, std::optional<KeyOrigin> origin = std::nullopt) {
  CallerKey made;
  made.id = id;
  made.digest = "digest of " + id;
  made.origin = std::move(origin);
  return made;
}

const KeyOrigin kByApi{"key:root", 1};

TEST(StoredPolicy, IsPartOfTheHashAndTakesThePlaceOfTheOneBefore) {
  Policy file;
  file.keys = {key("alice")};

  const Policy first = with_stored(file, {1, {key("ci", kByApi)}});
  const Policy second = with_stored(first, {2, {}});

  EXPECT_NE(first.hash(), file.hash());
  EXPECT_NE(second.hash(), first.hash());
  EXPECT_NE(with_stored(second, {3, {}}).hash(), second.hash());
  EXPECT_EQ(first.keys.size(), 2U);
  EXPECT_EQ(second.keys.size(), 1U);
  EXPECT_EQ(with_stored(second, {1, {key("ci", kByApi)}}).hash(), first.hash());
}

TEST(StoredPolicy, WhatAKeyMayDoIsPartOfTheHash) {
  const CallerKey plain = key("ci", kByApi);
  CallerKey models = plain;
  models.models = NameList();
  CallerKey expiring = plain;
  expiring.expires_unix_ms = 5;
  const auto hash_with = [](const CallerKey& one) { return with_stored({}, {1, {one}}).hash(); };

  EXPECT_NE(hash_with(models), hash_with(plain));
  EXPECT_NE(hash_with(expiring), hash_with(plain));
}

TEST(StoredPolicy, AKeyOfTheFileComesFirst) {
  Policy file;
  file.keys = {key("alice"), key("bob")};
  CallerKey same_text = key("other", kByApi);
  same_text.digest = "digest of bob";
  const StoredPolicy stored{1, {key("alice", kByApi), same_text, key("ci", kByApi)}};

  const Policy merged = with_stored(file, stored);

  EXPECT_EQ(merged.keys.size(), 3U);
  EXPECT_FALSE(merged.key_named("alice")->origin.has_value());
  EXPECT_THAT(hidden_keys(merged, stored), ElementsAre("alice", "other"));
  EXPECT_THAT(hidden_keys(merged, {2, {}}), IsEmpty());
}

}  // namespace
}  // namespace sluice::policy_engine
