#include "services/policy-engine/domain/visible_text.h"

#include "common/json/write.h"

#include <algorithm>
#include <array>

#include <utf8proc.h>

namespace sluice::policy_engine {
namespace {

// Letters and symbols without a form. Source: Unicode, Default_Ignorable_Code_Point and U+2800.
constexpr std::array<utf8proc_int32_t, 6> kBlanks{0x115F, 0x1160, 0x17B4, 0x2800, 0x3164, 0xFFA0};

bool is_visible(utf8proc_int32_t character) {
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return character == ' ';
    default:
      return std::find(kBlanks.begin(), kBlanks.end(), character) == kBlanks.end();
  }
}

void append_unit(std::string& out, unsigned unit) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) {
    out.push_back(kDigits[(unit >> static_cast<unsigned>(shift)) & 0xFU]);
  }
}

// RFC 8259 section 7: one escape, or a surrogate pair.
void append_escape(std::string& out, utf8proc_int32_t character) {
  auto code = static_cast<unsigned>(character);
  if (code < 0x10000U) {
    append_unit(out, code);
    return;
  }
  code -= 0x10000U;
  append_unit(out, 0xD800U + (code >> 10U));
  append_unit(out, 0xDC00U + (code & 0x3FFU));
}

void append_character(std::string& out, utf8proc_int32_t character, std::string_view bytes) {
  if (!is_visible(character)) {
    append_escape(out, character);
    return;
  }
  if (character == '"' || character == '\\') {
    out.push_back('\\');
  }
  out += bytes;
}

void append(std::string& out, const json::Value& value) {
  if (const std::string* const text = value.as_string(); text != nullptr) {
    out += visible_quoted(*text);
  } else if (const json::Object* const object = value.as_object(); object != nullptr) {
    out.push_back('{');
    for (const auto& [key, member] : object->members()) {
      out += out.back() == '{' ? "" : ",";
      out += visible_quoted(key) + ":";
      append(out, member);
    }
    out.push_back('}');
  } else if (const json::Array* const items = value.as_array(); items != nullptr) {
    out.push_back('[');
    for (std::size_t i = 0; i < items->size(); ++i) {
      out += i == 0 ? "" : ",";
      append(out, (*items)[i]);
    }
    out.push_back(']');
  } else {
    out += json::write(value);
  }
}

}  // namespace

std::string visible_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    utf8proc_int32_t character = -1;
    const utf8proc_ssize_t taken = utf8proc_iterate(
        reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
        static_cast<utf8proc_ssize_t>(text.size()),
        &character
    );
    if (taken <= 0) {  // no UTF-8: JSON that was parsed has none
      append_unit(out, 0xFFFDU);
      text.remove_prefix(1);
      continue;
    }
    append_character(out, character, text.substr(0, static_cast<std::size_t>(taken)));
    text.remove_prefix(static_cast<std::size_t>(taken));
  }
  out.push_back('"');
  return out;
}

std::string visible_json(const json::Value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace sluice::policy_engine
