// The text of one log event. Apart from log.cpp so that tests see what would be written.
#pragma once

#include "common/observability/log.h"

#include <string>
#include <string_view>

namespace sluice::observability {

// A longer value is cut there and ends in "…": one event stays one short line whatever a peer sent.
inline constexpr std::size_t kLogValueBytesMax = 4096;

struct LogLine {
  std::string_view service;
  std::string_view instance;
  Level level = Level::Info;
  std::int64_t unix_ms = 0;
  std::string_view event;
  LogFields fields;
};

// Both end in one line feed and hold no other; control characters and line separators of values are
// escaped.
[[nodiscard]] std::string text_line(const LogLine& line);
[[nodiscard]] std::string json_line(const LogLine& line);

}  // namespace sluice::observability
