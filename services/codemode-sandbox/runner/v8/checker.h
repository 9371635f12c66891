// Checker: what stands between a script and its run. One interface, so that another compiler can
// take the place of TypeScript's own.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include <string>

namespace sluice::codemode_runner {

namespace wire = ::sluice::codemode::runner;

class Checker {
 public:
  Checker() = default;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;
  Checker(Checker&&) = delete;
  Checker& operator=(Checker&&) = delete;
  virtual ~Checker() = default;

  // JavaScript and what was found, or an error where the script does not compile or a diagnostic
  // blocks it. May take any time and memory: its process is limited and killed.
  [[nodiscard]] virtual wire::Compiled compile(const wire::Compile& script) = 0;

  // Later scripts that name the digest find the declarations worked on. Not an error when they are
  // nonsense: whoever names them is told.
  virtual void prepare(const std::string& digest, const std::string& declarations) = 0;

  // The next piece of warming up. False: it is done.
  virtual bool warm_more() = 0;
};

}  // namespace sluice::codemode_runner
