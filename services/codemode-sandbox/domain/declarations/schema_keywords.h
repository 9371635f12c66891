// What single keywords of a JSON Schema say.
#pragma once

#include "services/codemode-sandbox/domain/declarations/type_text.h"

#include "common/json/value.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// `type` and `nullable`; all where it names none that there is.
[[nodiscard]] JsonTypes types_of(const json::Value& schema);

[[nodiscard]] std::set<std::string_view> required_of(const json::Value& schema);

// Of `const` or `enum`; nullopt without either.
[[nodiscard]] std::optional<std::vector<const json::Value*>> literal_values_of(
    const json::Value& schema
);

// Their union, of those that are of these types; widened where literals cannot say it.
[[nodiscard]] Type literal_type_of(const std::vector<const json::Value*>& values, JsonTypes types);

// Description and default of a property, fit for a comment. Empty without.
[[nodiscard]] std::string property_comment_of(const json::Value& schema);

}  // namespace sluice::codemode_sandbox
