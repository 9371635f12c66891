#include "services/ingress/domain/agent_options.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::ingress {
namespace {

Error wrong(std::string_view where, std::string_view what) {
  std::string message(where);
  return Error(Code::Invalid, message.append(" ").append(what));
}

// 0 for manual, else depth.
Result<std::size_t> with_mode(std::size_t depth, std::string_view mode, std::string_view where) {
  if (mode == "manual") {
    return std::size_t{0};
  }
  if (mode == "agent") {
    return depth;
  }
  return wrong(where, "is not known; send \"manual\" or \"agent\", or leave it out");
}

Result<std::size_t> with_depth(
    std::size_t depth, std::optional<std::int64_t> given, std::string_view where
) {
  if (!given || *given < 1 || *given > static_cast<std::int64_t>(kAgentDepthMax)) {
    return wrong(
        where, "is not a number from 1 to " + std::to_string(kAgentDepthMax) + "; send one of them"
    );
  }
  return std::min(depth, static_cast<std::size_t>(*given));
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.begin(), text.end(), number);
  return fault == std::errc() && end == text.end() ? std::optional(number) : std::nullopt;
}

Result<std::size_t> by_body(std::size_t depth, std::string_view own_member) {
  SLUICE_TRY(const json::Value own, json::parse(own_member));
  if (!own.is_object()) {
    return wrong("sluice", "is not an object; send for example {\"max_depth\":3}");
  }
  for (const auto& [name, value] : own.as_object()->members()) {
    if (name == "mode") {
      SLUICE_TRY(depth, with_mode(depth, own.text_or("mode", ""), "member sluice.mode"));
    } else if (name == "max_depth") {
      SLUICE_TRY(depth, with_depth(depth, value.as_int(), "member sluice.max_depth"));
    } else {
      return wrong("sluice", "has members other than mode and max_depth; leave them out");
    }
  }
  return depth;
}

}  // namespace

Result<std::size_t> agent_depth_of(
    const http::Headers& headers, std::string_view own_member, std::size_t depth_max
) {
  std::size_t depth = depth_max;
  if (headers.has("x-sluice-max-depth")) {
    SLUICE_TRY(
        depth,
        with_depth(depth, number_of(headers.get("x-sluice-max-depth")), "header x-sluice-max-depth")
    );
  }
  if (!own_member.empty() && own_member != "null") {
    SLUICE_TRY(depth, by_body(depth, own_member));
  }
  if (headers.has("x-sluice-mode")) {
    SLUICE_TRY(depth, with_mode(depth, headers.get("x-sluice-mode"), "header x-sluice-mode"));
  }
  return depth;
}

}  // namespace sluice::ingress
