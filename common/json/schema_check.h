// What a schema must be before the schema library may have it: schemas come from MCP servers, and a
// bad one must neither overflow the stack nor burn the processor. Used inside this library only.
#pragma once

#include "common/json/value.h"

namespace sluice::json {

// Invalid: a reference to another document, a circle of references that consumes no input, too many
// steps per value.
[[nodiscard]] Result<void> check_references(const Value& schema);

enum class Patterns { Cheap, None };

// A copy without the regular expressions that must not run: all (None), or those that may take long
// (Cheap keeps a pattern when it has no repeated group and at most two open repetitions). What a
// removed one would have refused, passes.
[[nodiscard]] Value without_patterns(const Value& schema, Patterns keep);

// True when any string in value has more than bytes_max bytes.
[[nodiscard]] bool has_string_longer_than(const Value& value, std::size_t bytes_max);

}  // namespace sluice::json
