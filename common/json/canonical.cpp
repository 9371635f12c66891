// RFC 8785 with integer tokens kept.
#include "common/json/canonical.h"

#include "common/json/number.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::json {
namespace {

// Order of UTF-16 code units (RFC 8785 §3.2.3). It differs from the order of UTF-8 bytes in one
// place: surrogates (lead byte F0 and up) come before U+E000…U+FFFF (lead bytes EE and EF).
bool before_in_utf16(std::string_view a, std::string_view b) {
  const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (left == a.end() || right == b.end()) {
    return left == a.end() && right != b.end();
  }
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0xEE || byte == 0xEF ? byte + 0x100 : int{byte};
  };
  return rank(*left) < rank(*right);
}

void append(std::string& out, const Value& value);

void append_number(std::string& out, const Number& number) {
  if (is_integer_token(number.text)) {
    out += number.text == "-0" ? "0" : number.text;
    return;
  }
  // The parser refuses what no double can hold; a Number built by hand may still be one.
  const auto real = double_of(number.text);
  out += real ? ecmascript_form(*real) : "null";
}

void append_object(std::string& out, const Object& object) {
  std::vector<const Object::Member*> sorted;
  sorted.reserve(object.size());
  for (const Object::Member& member : object.members()) {
    sorted.push_back(&member);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Object::Member* a, const Object::Member* b) {
    return before_in_utf16(a->first, b->first);
  });
  out.push_back('{');
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) {
      out.push_back(',');
    }
    append_quoted(out, sorted[i]->first);
    out.push_back(':');
    append(out, sorted[i]->second);
  }
  out.push_back('}');
}

void append(std::string& out, const Value& value) {
  if (const Number* const number = value.as_number(); number != nullptr) {
    append_number(out, *number);
  } else if (const Object* const object = value.as_object(); object != nullptr) {
    append_object(out, *object);
  } else if (const Array* const items = value.as_array(); items != nullptr) {
    out.push_back('[');
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i > 0) {
        out.push_back(',');
      }
      append(out, (*items)[i]);
    }
    out.push_back(']');
  } else {
    out += write(value);
  }
}

}  // namespace

std::string canonical(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

Result<std::string> canonical(std::string_view text) {
  SLUICE_TRY(const Value value, parse(text));
  return canonical(value);
}

}  // namespace sluice::json
