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

using NumberForm = std::string (*)(const Number&);

void append(std::string& out, const Value& value, NumberForm number_form);

std::string kept_form(const Number& number) {
  if (is_integer_token(number.text)) {
    return number.text == "-0" ? "0" : number.text;
  }
  // The parser refuses what no double can hold; a Number built by hand may still be one.
  const auto real = double_of(number.text);
  return real ? ecmascript_form(*real) : "null";
}

void append_object(std::string& out, const Object& object, NumberForm number_form) {
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
    append(out, sorted[i]->second, number_form);
  }
  out.push_back('}');
}

void append(std::string& out, const Value& value, NumberForm number_form) {
  if (const Number* const number = value.as_number(); number != nullptr) {
    out += number_form(*number);
  } else if (const Object* const object = value.as_object(); object != nullptr) {
    append_object(out, *object, number_form);
  } else if (const Array* const items = value.as_array(); items != nullptr) {
    out.push_back('[');
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i > 0) {
        out.push_back(',');
      }
      append(out, (*items)[i], number_form);
    }
    out.push_back(']');
  } else {
    out += write(value);
  }
}

}  // namespace

std::string canonical(const Value& value) {
  std::string out;
  append(out, value, &kept_form);
  return out;
}

std::string canonical_by_value(const Value& value) {
  std::string out;
  append(out, value, [](const Number& number) { return form_by_value(number.text); });
  return out;
}

Result<std::string> canonical(std::string_view text) {
  SLUICE_TRY(const Value value, parse(text));
  return canonical(value);
}

}  // namespace sluice::json
