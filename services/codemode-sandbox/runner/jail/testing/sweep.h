// Every system call by its number, in each of the three ways into an x86-64 kernel.
#pragma once

#include "services/codemode-sandbox/runner/jail/testing/cage.h"

#include <set>
#include <string>
#include <vector>

namespace sluice::codemode_runner::jail {

// Higher than any number the kernels of today know.
inline constexpr int kCallsTried = 470;

struct Sweep {
  int tried = 0;
  std::set<int> carried;           // came back from the kernel, or did something else
  std::set<int> not_there;         // ENOENT in every way it was asked
  std::set<int> not_permitted;     // EPERM in every way it was asked
  std::vector<std::string> else_;  // x32 and ia32 calls that were not refused, and what went wrong
};

// only: the numbers to try; empty: all of them.
[[nodiscard]] Sweep sweep(const Cage& cage, const std::set<int>& only);

// Refused in every jail, and harmless without one.
[[nodiscard]] const std::set<int>& harmless_calls();

// What differs between the sweep and README.md's list; empty: nothing.
[[nodiscard]] std::vector<std::string> differences(const Sweep& swept);

}  // namespace sluice::codemode_runner::jail
