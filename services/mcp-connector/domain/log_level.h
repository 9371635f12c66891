// Levels of the log messages of servers. Source: MCP specification 2025-11-25 (RFC 5424).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::mcp_connector {

inline constexpr std::array<std::string_view, 8> kLogLevels{
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"
};

// 0 … 7 from the most verbose one; nullopt: no such level.
[[nodiscard]] inline std::optional<std::size_t> log_level_of(std::string_view name) {
  const auto* place = std::find(kLogLevels.begin(), kLogLevels.end(), name);
  return place == kLogLevels.end()
             ? std::nullopt
             : std::optional(static_cast<std::size_t>(place - kLogLevels.begin()));
}

// Whether a message of that level is to be heard by who wants that one and above. Nobody hears what
// has no known level.
[[nodiscard]] inline bool is_wanted_level(std::string_view level, std::string_view wanted) {
  const auto actual = log_level_of(level);
  const auto lowest = log_level_of(wanted);
  return actual && lowest && *actual >= *lowest;
}

}  // namespace sluice::mcp_connector
