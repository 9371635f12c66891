// Types as TypeScript writes them, and how they combine. What cannot be said exactly is widened:
// a type never excludes a value that its schema allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// JSON types, as bits.
using JsonTypes = std::uint8_t;
inline constexpr JsonTypes kNullType = 1;
inline constexpr JsonTypes kBooleanType = 2;
inline constexpr JsonTypes kNumberType = 4;
inline constexpr JsonTypes kStringType = 8;
inline constexpr JsonTypes kArrayType = 16;
inline constexpr JsonTypes kObjectType = 32;
inline constexpr JsonTypes kAllTypes = 63;

// 0 for a name JSON Schema does not have.
[[nodiscard]] JsonTypes json_type_of(std::string_view name);

struct Type {
  enum class Kind : std::uint8_t { Never, Simple, Object, Union, Intersection };

  Kind kind = Kind::Simple;
  std::string text;
  std::size_t members = 1;    // of the union it is when multiplied out
  JsonTypes every_value = 0;  // set: exactly all values of these JSON types
};

[[nodiscard]] Type never_type();
// All values of these types; `any` for all of them.
[[nodiscard]] Type every_value_of(JsonTypes types);
[[nodiscard]] Type union_of(const std::vector<Type>& parts, JsonTypes types);
// types: what the whole may be; the answer where nothing more can be said.
[[nodiscard]] Type intersection_of(const std::vector<Type>& parts, JsonTypes types);
[[nodiscard]] Type array_of(const Type& item);

}  // namespace sluice::codemode_sandbox
