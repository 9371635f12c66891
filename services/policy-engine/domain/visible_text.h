// Text in which nothing is invisible.
#pragma once

#include "common/json/value.h"

#include <string>
#include <string_view>

namespace sluice::policy_engine {

// JSON text of the same value: compact, members in their order, and in strings every character that
// has no form of its own as an escape: control and format characters (zero-width, bidirectional,
// tags), spaces but U+0020, marks that modify others, private and unassigned ones, fillers.
[[nodiscard]] std::string visible_json(const json::Value& value);

// A JSON string of text (UTF-8), likewise.
[[nodiscard]] std::string visible_quoted(std::string_view text);

}  // namespace sluice::policy_engine
