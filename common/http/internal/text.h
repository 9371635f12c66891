// Small text rules of HTTP: case, optional white space, lists.
#pragma once

#include <array>
#include <string_view>

namespace sluice::http {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// A set of bytes that is asked for many.
class ByteSet {
 public:
  constexpr explicit ByteSet(std::string_view members) {
    for (const char c : members) {
      has_[static_cast<unsigned char>(c)] = true;
    }
  }

  [[nodiscard]] constexpr bool has_all(std::string_view bytes) const {
    bool all = true;
    for (const char c : bytes) {
      all &= has_[static_cast<unsigned char>(c)];
    }
    return all;
  }

 private:
  std::array<bool, 256> has_{};
};

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) {
      return false;
    }
  }
  return true;
}

// Without spaces and tabs at both ends.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Cuts the first element off a comma-separated list.
[[nodiscard]] constexpr std::string_view next_element(
    std::string_view& list, char separator = ','
) {
  const auto comma = list.find(separator);
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return element;
}

}  // namespace sluice::http
