// JSON writing. Whatever bytes a Value holds, the output is well-formed UTF-8: foreign bytes become
// U+FFFD.
#include "common/json/write.h"

#include "common/base/bytes.h"

namespace sluice::json {
namespace {

constexpr int kCompact = -1;

// Appends one character of well-formed text, escaped when JSON asks for it (RFC 8785 §3.2.2.2: the
// shortest escapes).
void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 0xF]);
  }
}

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// Every byte that starts no well-formed character becomes U+FFFD.
std::string repaired(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 4;
    while (length > 0 && !(at + length <= text.size() && is_utf8(text.substr(at, length)))) {
      --length;
    }
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return out;
}

void append_line(std::string& out, int indent) {
  if (indent != kCompact) {
    out.push_back('\n');
    out.append(static_cast<std::size_t>(indent) * 2, ' ');
  }
}

void append_value(std::string& out, const Value& value, int indent);

void append_array(std::string& out, const Array& items, int indent) {
  const int inner = indent == kCompact ? kCompact : indent + 1;
  out.push_back('[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) {
      out.push_back(',');
    }
    append_line(out, inner);
    append_value(out, items[i], inner);
  }
  if (!items.empty()) {
    append_line(out, indent);
  }
  out.push_back(']');
}

void append_object(std::string& out, const Object& object, int indent) {
  const int inner = indent == kCompact ? kCompact : indent + 1;
  out.push_back('{');
  bool first = true;
  for (const auto& [key, member] : object.members()) {
    if (!first) {
      out.push_back(',');
    }
    first = false;
    append_line(out, inner);
    append_quoted(out, key);
    out += indent == kCompact ? ":" : ": ";
    append_value(out, member, inner);
  }
  if (!object.empty()) {
    append_line(out, indent);
  }
  out.push_back('}');
}

void append_value(std::string& out, const Value& value, int indent) {
  if (const Number* const number = value.as_number(); number != nullptr) {
    out += number->text;
  } else if (const std::string* const text = value.as_string(); text != nullptr) {
    append_quoted(out, *text);
  } else if (const Array* const items = value.as_array(); items != nullptr) {
    append_array(out, *items, indent);
  } else if (const Object* const object = value.as_object(); object != nullptr) {
    append_object(out, *object, indent);
  } else if (const auto flag = value.as_bool(); flag.has_value()) {
    out += *flag ? "true" : "false";
  } else {
    out += "null";
  }
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    append_quoted(out, repaired(text));
    return;
  }
  out.push_back('"');
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (needs_escape(text[i])) {
      out += text.substr(plain, i - plain);
      append_escaped(out, text[i]);
      plain = i + 1;
    }
  }
  out += text.substr(plain);
  out.push_back('"');
}

std::string write(const Value& value) {
  std::string out;
  append_value(out, value, kCompact);
  return out;
}

std::string write_pretty(const Value& value) {
  std::string out;
  append_value(out, value, 0);
  return out;
}

}  // namespace sluice::json
