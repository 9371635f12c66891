// GoogleTest matchers for Result<T>.
#pragma once

#include "common/base/result.h"

#include <gmock/gmock.h>

namespace sluice::testing {

// EXPECT_THAT(result, IsOk())
MATCHER(IsOk, negation ? "is an error" : "is ok") {
  if (!arg.ok()) {
    *result_listener << arg.error().to_log();
  }
  return arg.ok();
}

// EXPECT_THAT(result, HasCode(Code::Denied))
MATCHER_P(HasCode, code, std::string("has code ") + std::string(name_of(code))) {
  if (arg.ok()) {
    *result_listener << "is ok";
    return false;
  }
  *result_listener << arg.error().to_log();
  return arg.error().code() == code;
}

}  // namespace sluice::testing
