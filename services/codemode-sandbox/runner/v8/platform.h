// V8's platform without threads, with a clock that can be set: Date and Intl see it, V8's own
// heuristics do not.
#pragma once

#include <v8-platform.h>

#include <memory>

namespace sluice::codemode_runner {

// The wall clock of scripts, in Unix milliseconds. Real time until it is set.
class ScriptClock {
 public:
  [[nodiscard]] double now_unix_ms() const;

  void set(double unix_ms) {
    unix_ms_ = unix_ms;
    is_set_ = true;
  }

 private:
  double unix_ms_ = 0;
  bool is_set_ = false;
};

// clock outlives the platform.
[[nodiscard]] std::unique_ptr<v8::Platform> make_platform(const ScriptClock& clock);

}  // namespace sluice::codemode_runner
