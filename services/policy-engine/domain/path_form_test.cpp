#include "services/policy-engine/domain/path_form.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

TEST(PathForm, DotsAndRepeatedSlashesAreTakenOut) {
  EXPECT_EQ(normalised_path("/etc/../etc//./passwd/"), "/etc/passwd");
  EXPECT_EQ(normalised_path("/../../etc"), "/etc");
  EXPECT_EQ(normalised_path("//"), "/");
  EXPECT_EQ(normalised_path("a/../../b"), "../b");
  EXPECT_EQ(normalised_path("../.."), "../..");
  EXPECT_EQ(normalised_path("a/.."), ".");
  EXPECT_EQ(normalised_path(""), ".");
  EXPECT_EQ(normalised_path("/a/..."), "/a/...");
}

TEST(PathForm, WhatIsSaidToBeNormalisedIs) {
  for (const char* path : {"/a", "a", "/a/b.c", "a b/c", "/a/b..", "é/x"}) {
    EXPECT_TRUE(is_normalised(path)) << path;
    EXPECT_EQ(normalised_path(path), path);
  }
  for (const char* path :
       {"", "/", ".", "./a", "//a", "/a//b", "/a/", "/a/./b", "/a/..", "/..", "/."}) {
    EXPECT_FALSE(is_normalised(path)) << path;
  }
}

TEST(PathForm, AFolderHoldsItselfAndWhatIsBelow) {
  EXPECT_TRUE(is_within("/etc", "/etc"));
  EXPECT_TRUE(is_within("/etc/x", "/etc"));
  EXPECT_FALSE(is_within("/etcetera", "/etc"));
  EXPECT_FALSE(is_within("/", "/etc"));
  EXPECT_TRUE(is_within("/etc", "/"));
  EXPECT_TRUE(is_within("/", "/"));
}

}  // namespace
}  // namespace sluice::policy_engine
