#include "services/codemode-sandbox/domain/declarations/safe_text.h"

#include "services/codemode-sandbox/domain/declarations/script_names.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kCutBackMax = 40;

struct Character {
  std::string_view bytes;
  std::uint32_t code = 0;
};

// text is UTF-8 (the JSON parser sees to it); a stray byte counts as one character.
Character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  std::size_t size = lead < 0xC0U ? 1 : lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
  size = std::min(size, text.size());
  std::uint32_t code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return {.bytes = text.substr(0, size), .code = code};
}

// Controls, zero-width and bidirectional characters, line separators, tags, the byte order mark.
bool is_invisible(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
         (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE0FFF);
}

void append_unit(std::string& out, std::uint32_t unit) {
  constexpr std::array<char, 17> kHex{"0123456789abcdef"};
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) {
    out.push_back(kHex.at((unit >> static_cast<unsigned>(shift)) & 0xFU));
  }
}

void append_escaped(std::string& out, std::uint32_t code) {
  if (code >= 0x10000) {
    append_unit(out, 0xD800U + ((code - 0x10000U) >> 10U));
    append_unit(out, 0xDC00U + ((code - 0x10000U) & 0x3FFU));
  } else {
    append_unit(out, code);
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

void clip_words(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return;
  }
  std::size_t end = bytes_max - std::string_view("…").size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  if (const auto space = text.rfind(' ', end);
      space != std::string::npos && space > 0 && end - space <= kCutBackMax) {
    end = space;
  }
  text.resize(end);
  text.append("…");
}

}  // namespace

std::string quoted_literal(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Character character = first_of(text);
    text.remove_prefix(character.bytes.size());
    if (character.code == '"' || character.code == '\\') {
      out.push_back('\\');
      out.append(character.bytes);
    } else if (character.code == '\n') {
      out.append("\\n");
    } else if (character.code == '\t') {
      out.append("\\t");
    } else if (is_invisible(character.code)) {
      append_escaped(out, character.code);
    } else {
      out.append(character.bytes);
    }
  }
  return out + "\"";
}

std::string member_name(std::string_view name) {
  return is_identifier(name) ? std::string(name) : quoted_literal(name);
}

std::string comment_text(std::string_view text, std::size_t bytes_max) {
  std::string out;
  bool space = false;
  while (!text.empty() && out.size() <= bytes_max) {
    const Character character = first_of(text);
    text.remove_prefix(character.bytes.size());
    const bool is_space = character.code == ' ' || (character.code >= 9 && character.code <= 13) ||
                          character.code == 0x2028 || character.code == 0x2029;
    space = space || is_space;
    if (is_space || is_invisible(character.code)) {
      continue;
    }
    if (space && !out.empty()) {
      out.push_back(' ');
    }
    space = false;
    out.append(character.bytes);
  }
  replace_all(out, "*/", "* /");
  replace_all(out, "/*", "/ *");
  replace_all(out, "@ts-", "@ts_");
  clip_words(out, bytes_max);
  return out;
}

}  // namespace sluice::codemode_sandbox
