#include "services/codemode-sandbox/runner/supervisor/prepared_declarations.h"

#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

TEST(PreparedDeclarations, AreToldOnce) {
  PreparedDeclarations prepared(2, 2);

  const PreparedDeclarations::Entry* entry = prepared.add("a", "declare const a: {};");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->digest, "a");
  EXPECT_EQ(entry->text, "declare const a: {};");
  EXPECT_EQ(prepared.add("a", "declare const a: {};"), nullptr);
}

TEST(PreparedDeclarations, TheFirstToldGoAndAreToldAgain) {
  PreparedDeclarations prepared(2, 2);
  for (const char* digest : {"a", "b", "c"}) {
    ASSERT_NE(prepared.add(digest, "x"), nullptr);
  }

  EXPECT_EQ(prepared.all().size(), 2U);
  EXPECT_EQ(prepared.all().front().digest, "b");
  EXPECT_NE(prepared.add("a", "x"), nullptr);
}

TEST(PreparedDeclarations, WhatEndedAZygoteIsNotToldAgain) {
  PreparedDeclarations prepared(2, 2);
  ASSERT_NE(prepared.add("a", "x"), nullptr);

  prepared.refuse("a");

  EXPECT_TRUE(prepared.all().empty());
  EXPECT_EQ(prepared.add("a", "x"), nullptr);
}

TEST(PreparedDeclarations, RemembersNoMoreRefusalsThanItMay) {
  PreparedDeclarations prepared(2, 2);
  for (const char* digest : {"a", "b", "c"}) {
    prepared.refuse(digest);
  }

  EXPECT_NE(prepared.add("a", "x"), nullptr);
  EXPECT_EQ(prepared.add("c", "x"), nullptr);
}

TEST(TellsUnderWay, ALaterAnswerShowsThatAZygoteSurvivedThem) {
  TellsUnderWay tells;
  EXPECT_EQ(tells.suspect(), "");
  tells.told("a", 4);
  tells.told("b", 6);

  tells.answered(4);
  EXPECT_EQ(tells.suspect(), "a");
  tells.answered(5);
  EXPECT_EQ(tells.suspect(), "b");
  tells.answered(7);
  EXPECT_EQ(tells.suspect(), "");
}

}  // namespace
}  // namespace sluice::codemode_runner
