// What a command of sluice ends with.
#pragma once

#include "common/base/error.h"

#include <string>

namespace sluice::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;   // a case of policy test does not hold
inline constexpr int kExitMisused = 2;  // the command line or a file
inline constexpr int kExitRefused = 3;  // the gateway said no
inline constexpr int kExitUnreached = 4;

struct Answer {
  int exit_code = kExitDone;
  std::string text;  // for standard output; for standard error when the code is 2 or more
};

[[nodiscard]] Answer answer_of(const Error& error);

enum class Format { Text, Json };

}  // namespace sluice::cli
