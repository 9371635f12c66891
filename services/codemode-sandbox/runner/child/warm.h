// What a zygote holds warm and what a child forked from it does. The zygote's loop (runner/zygote)
// knows V8 only through this.
#pragma once

#include "common/base/result.h"

#include <memory>
#include <string>

namespace sluice::codemode_runner {

// Made once per zygote process, which is single-threaded; then forked from. Never destroyed while
// children are to be forked.
class Warm {
 public:
  Warm() = default;
  Warm(const Warm&) = delete;
  Warm& operator=(const Warm&) = delete;
  Warm(Warm&&) = delete;
  Warm& operator=(Warm&&) = delete;
  virtual ~Warm() = default;

  [[nodiscard]] virtual std::string v8_version() const = 0;

  // Gets a little warmer, within some 100 ms, while nobody orders a child. False: it is as warm as
  // it gets.
  virtual bool warm_more() { return false; }

  // Declarations that the compiler's children forked from here on find worked on.
  virtual void prepare(const std::string& /*digest*/, const std::string& /*declarations*/) {}

  // In the forked child, with only fd (its end of the socketpair) and stdio open: reads one Compile
  // or Start, works on it in the jail, writes its last message and ends by _exit.
  [[noreturn]] virtual void run_child(int fd) = 0;
};

// Isolate and strict prelude context without a JIT; Date, Intl and Segmenter used once.
// Sets TZ and LANG of the process. Errors: Internal, Unavailable (kernel lacks a part of the jail).
[[nodiscard]] Result<std::unique_ptr<Warm>> warm_executor();

// TypeScript and ts-blank-space from the bundle at the path (made by the target compiler_js), used
// on a few scripts; warm_more goes on. Errors: NotFound (no bundle), Internal, Unavailable.
[[nodiscard]] Result<std::unique_ptr<Warm>> warm_compiler(const std::string& compiler_js_path);

}  // namespace sluice::codemode_runner
