#include "services/provider-router/domain/json_walk.h"

#include <algorithm>
#include <charconv>

namespace sluice::provider_router {
namespace {

// Position behind the string that starts at position. Looks for the next quote, then for a
// backslash before it: most strings are long and have no escapes.
std::size_t skip_string(std::string_view text, std::size_t position) {
  std::size_t at = position + 1;
  std::size_t quote = position;
  while (at < text.size()) {
    if (quote < at) {
      quote = text.find('"', at);
      if (quote == std::string_view::npos) {
        break;
      }
    }
    const std::size_t escape = text.substr(at, quote - at).find('\\');
    if (escape == std::string_view::npos) {
      return quote + 1;
    }
    at += escape + 2;
  }
  return text.size();
}

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xc0U | (point >> 6U)));
    out.push_back(static_cast<char>(0x80U | (point & 0x3fU)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xe0U | (point >> 12U)));
    out.push_back(static_cast<char>(0x80U | ((point >> 6U) & 0x3fU)));
    out.push_back(static_cast<char>(0x80U | (point & 0x3fU)));
  } else {
    out.push_back(static_cast<char>(0xf0U | (point >> 18U)));
    out.push_back(static_cast<char>(0x80U | ((point >> 12U) & 0x3fU)));
    out.push_back(static_cast<char>(0x80U | ((point >> 6U) & 0x3fU)));
    out.push_back(static_cast<char>(0x80U | (point & 0x3fU)));
  }
}

std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  if (at + 4 <= text.size()) {
    std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  }
  return value;
}

// Appends what the escape at text[at] == '\\' stands for; returns the position behind it.
std::size_t append_escape(std::string& out, std::string_view text, std::size_t at) {
  const char kind = at + 1 < text.size() ? text[at + 1] : '\\';
  switch (kind) {
    case 'n':
      out.push_back('\n');
      return at + 2;
    case 't':
      out.push_back('\t');
      return at + 2;
    case 'r':
      out.push_back('\r');
      return at + 2;
    case 'b':
      out.push_back('\b');
      return at + 2;
    case 'f':
      out.push_back('\f');
      return at + 2;
    case 'u':
      break;
    default:
      out.push_back(kind);
      return at + 2;
  }
  std::uint32_t point = hex4(text, at + 2);
  std::size_t end = at + 6;
  const bool high = point >= 0xd800 && point < 0xdc00;
  if (high && end + 6 <= text.size() && text[end] == '\\' && text[end + 1] == 'u') {
    const std::uint32_t low = hex4(text, end + 2);
    if (low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
      end += 6;
    }
  }
  append_utf8(out, point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
  return end;
}

}  // namespace

std::size_t skip_space(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    const char c = text[position];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      break;
    }
    ++position;
  }
  return std::min(position, text.size());
}

std::size_t skip_value(std::string_view text, std::size_t position) {
  if (position >= text.size()) {
    return text.size();
  }
  if (text[position] == '"') {
    return skip_string(text, position);
  }
  std::size_t depth = 0;
  std::size_t at = position;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) {
        return at;
      }
      if (--depth == 0) {
        return at + 1;
      }
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
      return at;
    }
    ++at;
  }
  return at;
}

std::string_view member(std::string_view object, std::string_view key) {
  std::string_view found;
  each_member(object, [&found, key](std::string_view name, std::string_view value) {
    if (name != key) {
      return true;
    }
    found = value;
    return false;
  });
  return found;
}

std::string text_of(std::string_view raw) {
  std::string out;
  if (raw.size() < 2 || raw.front() != '"') {
    return out;
  }
  const std::string_view inside = raw.substr(1, raw.size() - 2);
  out.reserve(inside.size());
  std::size_t at = 0;
  while (at < inside.size()) {
    const std::size_t escape = inside.find('\\', at);
    if (escape == std::string_view::npos) {
      out.append(inside.substr(at));
      break;
    }
    out.append(inside.substr(at, escape - at));
    at = append_escape(out, inside, escape);
  }
  return out;
}

std::int64_t integer_of(std::string_view raw, std::int64_t fallback) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  return error == std::errc() && end == raw.data() + raw.size() ? value : fallback;
}

}  // namespace sluice::provider_router
