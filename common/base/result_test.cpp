#include "common/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) {
    return Error(Code::Invalid, "the number is odd; pass an even one");
  }
  return number / 2;
}

Result<int> quarter(int number) {
  SLUICE_TRY(const int once, half(number));
  SLUICE_TRY(const int twice, half(once));
  return twice;
}

Result<void> must_be_even(int number) {
  SLUICE_CHECK_OK(half(number).ok() ? Result<void>() : Error(Code::Conflict, "odd"));
  return {};
}

TEST(Result, CarriesTheValueOfTheLastStep) {
  const auto result = quarter(12);

  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value(), 3);
}

TEST(Result, LeavesWithTheFirstError) {
  const auto result = quarter(6);

  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::Invalid);
}

TEST(Result, OfVoidReportsSuccessAndFailure) {
  EXPECT_TRUE(must_be_even(2).ok());
  EXPECT_EQ(must_be_even(3).error().code(), Code::Conflict);
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));

  const std::unique_ptr<int> value = std::move(result).value();

  EXPECT_EQ(*value, 7);
}

TEST(ResultDeathTest, AskingAnErrorForItsValueAborts) {
  const auto result = half(1);

  EXPECT_DEATH({ [[maybe_unused]] const int value = result.value(); }, "test ok\\(\\) first");
}

TEST(Error, KeepsTheMessageApartFromTheDetail) {
  const Error error = Error(Code::Unavailable, "the store is down; try again")
                          .with_detail("connect: refused")
                          .while_doing("loading rules")
                          .with_retry_after(std::chrono::milliseconds(250));

  EXPECT_EQ(error.message(), "the store is down; try again");
  EXPECT_EQ(error.detail(), "connect: refused; while loading rules");
  EXPECT_EQ(error.retry_after(), std::chrono::milliseconds(250));
  EXPECT_NE(error.to_log().find("result_test.cpp"), std::string::npos);
}

TEST(Error, CopiesAreIndependent) {
  const Error first(Code::NotFound, "no such tool");
  Error second = first;

  second = std::move(second).as(Code::Denied);

  EXPECT_EQ(first.code(), Code::NotFound);
  EXPECT_EQ(second.code(), Code::Denied);
}

TEST(Error, EveryCodeHasAName) {
  for (const Code code : kAllCodes) {
    EXPECT_FALSE(name_of(code).empty());
  }
}

}  // namespace
}  // namespace sluice
