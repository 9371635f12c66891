// Reads nested members out of JSON text that json::Scan has found valid: in place, without a
// document.
//
// On text that is not valid the results are unspecified but stay inside it. Keys with escapes do
// not match plain ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::provider_router {

// Position behind the white space that starts at position.
[[nodiscard]] std::size_t skip_space(std::string_view text, std::size_t position);
// Position behind the value that starts at position.
[[nodiscard]] std::size_t skip_value(std::string_view text, std::size_t position);

// visit(key without quotes, raw value) -> bool for each member; false ends the walk. Nothing when
// object is no object.
template <class Visit>
void each_member(std::string_view object, Visit visit) {
  std::size_t at = skip_space(object, 0);
  if (at >= object.size() || object[at] != '{') {
    return;
  }
  for (at = skip_space(object, at + 1); at < object.size() && object[at] == '"';) {
    const std::size_t key_end = skip_value(object, at);
    if (key_end < at + 2) {
      return;
    }
    const std::string_view key = object.substr(at + 1, key_end - at - 2);
    const std::size_t colon = skip_space(object, key_end);
    const std::size_t begin = skip_space(object, colon + 1);
    const std::size_t end = skip_value(object, begin);
    if (end <= begin || !visit(key, object.substr(begin, end - begin))) {
      return;
    }
    at = skip_space(object, end);
    if (at >= object.size() || object[at] != ',') {
      return;
    }
    at = skip_space(object, at + 1);
  }
}

// visit(raw value) -> bool for each element. Nothing when array is no array.
template <class Visit>
void each_element(std::string_view array, Visit visit) {
  std::size_t at = skip_space(array, 0);
  if (at >= array.size() || array[at] != '[') {
    return;
  }
  for (at = skip_space(array, at + 1); at < array.size() && array[at] != ']';) {
    const std::size_t end = skip_value(array, at);
    if (end <= at || !visit(array.substr(at, end - at))) {
      return;
    }
    at = skip_space(array, end);
    if (at >= array.size() || array[at] != ',') {
      return;
    }
    at = skip_space(array, at + 1);
  }
}

// Raw value of the member, or "".
[[nodiscard]] std::string_view member(std::string_view object, std::string_view key);
// A string's content, unescaped; "" for anything else.
[[nodiscard]] std::string text_of(std::string_view raw);
[[nodiscard]] std::int64_t integer_of(std::string_view raw, std::int64_t fallback = 0);

}  // namespace sluice::provider_router
