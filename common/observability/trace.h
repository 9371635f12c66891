// W3C trace context (traceparent, version 00).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::observability {

// Views into the header it was parsed from.
struct TraceParent {
  std::string_view trace_id;   // 32 hex digits
  std::string_view parent_id;  // 16 hex digits
  bool sampled = false;
};

// nullopt for anything that is not well-formed.
[[nodiscard]] std::optional<TraceParent> parse_trace_parent(std::string_view header);
[[nodiscard]] std::string format(const TraceParent& parent);

}  // namespace sluice::observability
