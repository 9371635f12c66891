#include "common/observability/trace.h"

namespace sluice::observability {
namespace {

bool is_lower_hex(std::string_view text) {
  bool all = true;  // without a branch: the text is short and nearly always fine
  for (const char c : text) {
    all &= (c >= '0' && c <= '9') | (c >= 'a' && c <= 'f');
  }
  return all;
}

bool is_all_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

int digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

}  // namespace

// Source: W3C Trace Context, section 3.2. A higher version than 00 may carry more behind a dash; ff
// is invalid.
std::optional<TraceParent> parse_trace_parent(std::string_view header) {
  constexpr std::size_t kLength = 55;
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') {
    return std::nullopt;
  }
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace = header.substr(3, 32);
  const std::string_view parent = header.substr(36, 16);
  const std::string_view flags = header.substr(53, 2);
  const bool longer = header.size() > kLength;
  if (!is_lower_hex(version) || version == "ff" || !is_lower_hex(trace) || is_all_zero(trace) ||
      !is_lower_hex(parent) || is_all_zero(parent) || !is_lower_hex(flags) ||
      (longer && (version == "00" || header[kLength] != '-'))) {
    return std::nullopt;
  }
  return TraceParent{
      .trace_id = trace,
      .parent_id = parent,
      .sampled = digit(flags[1]) % 2 == 1,
  };
}

std::string format(const TraceParent& parent) {
  std::string text = "00-";
  text.append(parent.trace_id).append("-").append(parent.parent_id);
  return text.append(parent.sampled ? "-01" : "-00");
}

}  // namespace sluice::observability
