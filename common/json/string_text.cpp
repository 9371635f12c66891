// Escapes of JSON strings (RFC 8259 §7).
#include "common/json/string_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace sluice::json {
namespace {

std::optional<std::uint32_t> code_unit(std::string_view raw, std::size_t at) {
  if (at + 4 > raw.size()) {
    return std::nullopt;
  }
  std::uint32_t unit = 0;
  const char* begin = raw.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + 4, unit, 16);
  if (error != std::errc{} || end != begin + 4) {
    return std::nullopt;
  }
  return unit;
}

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
    return;
  }
  int tail = 1;
  if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (point >> 6)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (point >> 12)));
    tail = 2;
  } else {
    out.push_back(static_cast<char>(0xF0 | (point >> 18)));
    tail = 3;
  }
  for (int i = tail - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3F)));
  }
}

// at: behind "\\u". Advances it behind the escape or the pair.
std::optional<std::uint32_t> read_unicode_escape(std::string_view raw, std::size_t& at) {
  const auto first = code_unit(raw, at);
  if (!first || (*first >= 0xDC00 && *first <= 0xDFFF)) {
    return std::nullopt;
  }
  at += 4;
  if (*first < 0xD800 || *first > 0xDBFF) {
    return first;
  }
  if (raw.substr(at, 2) != "\\u") {
    return std::nullopt;
  }
  const auto second = code_unit(raw, at + 2);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) {
    return std::nullopt;
  }
  at += 6;
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

// at: of a backslash. Advances it behind the escape and answers the character it stands for.
std::optional<std::uint32_t> read_escape(std::string_view raw, std::size_t& at) {
  if (at + 1 >= raw.size()) {
    return std::nullopt;
  }
  const char kind = raw[at + 1];
  at += 2;
  switch (kind) {
    case '"':
    case '\\':
    case '/':
      return static_cast<std::uint32_t>(kind);
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'u':
      return read_unicode_escape(raw, at);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t escape = std::min(raw.find('\\', at), raw.size());
    out += raw.substr(at, escape - at);
    at = escape;
    if (escape < raw.size()) {
      const auto point = read_escape(raw, at);
      if (!point) {
        return std::nullopt;
      }
      append_utf8(out, *point);
    }
  }
  return out;
}

bool has_valid_escapes(std::string_view raw) {
  for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at)) {
    if (!read_escape(raw, at)) {
      return false;
    }
  }
  return true;
}

}  // namespace sluice::json
