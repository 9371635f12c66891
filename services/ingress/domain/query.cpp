#include "services/ingress/domain/query.h"

#include "common/base/bytes.h"

#include <algorithm>
#include <charconv>

namespace sluice::ingress {
namespace {

Result<std::string> decoded(std::string_view text, std::string_view name) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      std::string digits(text.substr(i + 1, 2));  // in either case (RFC 3986 section 2.1)
      std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      const auto byte = from_hex(digits);
      if (!byte.ok() || byte.value().size() != 1) {
        return Error(
            Code::Invalid, std::string(name) + " has a malformed %-sequence; encode it as %XX"
        );
      }
      out += byte.value();
      i += 2;
    }
  }
  return out;
}

}  // namespace

Result<std::optional<std::string>> query_text(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto ampersand = query.find('&');
    const std::string_view part = query.substr(0, ampersand);
    query = ampersand == std::string_view::npos ? std::string_view() : query.substr(ampersand + 1);
    const auto equals = part.find('=');
    if (part.substr(0, equals) == name) {
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
      SLUICE_TRY(std::string text, decoded(value, name));
      return std::optional<std::string>(std::move(text));
    }
  }
  return std::optional<std::string>();
}

Result<std::size_t> query_number(
    std::string_view query, std::string_view name, std::size_t fallback, std::size_t max
) {
  SLUICE_TRY(const auto text, query_text(query, name));
  if (!text) {
    return fallback;
  }
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (fault != std::errc() || end != text->data() + text->size() || number > max) {
    return Error(
        Code::Invalid, std::string(name) + " is not a number from 0 to " + std::to_string(max)
    );
  }
  return number;
}

}  // namespace sluice::ingress
