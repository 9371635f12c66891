// What a Run may ask for, and what a child may still say. A child is hostile: the first message out
// of bounds ends its run. Pure.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::codemode_runner {

namespace wire = ::sluice::codemode::runner;

// Each answer is empty when all is within bounds, else says what is not.

[[nodiscard]] std::string_view fault_of(const wire::Run& run);
[[nodiscard]] std::string_view fault_of(const wire::Compiled& compiled);

// The messages of one executor child, counted.
class ExecutorCheck {
 public:
  explicit ExecutorCheck(const wire::Limits& limits);

  [[nodiscard]] std::string_view fault_of(const wire::ToolCall& call);
  [[nodiscard]] std::string_view fault_of(const wire::Console& line);
  [[nodiscard]] std::string_view fault_of(const wire::Finished& finished) const;

  [[nodiscard]] std::uint32_t calls() const { return calls_; }

 private:
  std::uint32_t calls_max_;
  std::size_t value_bytes_max_;
  std::size_t console_bytes_left_;
  std::size_t console_lines_left_;
  std::uint32_t calls_ = 0;
};

}  // namespace sluice::codemode_runner
