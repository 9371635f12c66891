// json::Value and json::Object.
#include "common/json/value.h"

#include "common/json/number.h"

#include <algorithm>
#include <cmath>

namespace sluice::json {

const Value* Object::find(std::string_view key) const {
  const auto found = std::find_if(members_.begin(), members_.end(), [key](const Member& member) {
    return member.first == key;
  });
  return found == members_.end() ? nullptr : &found->second;
}

Value* Object::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

Value& Object::set(std::string_view key, Value value) {
  if (Value* const present = find(key); present != nullptr) {
    *present = std::move(value);
    return *present;
  }
  return members_.emplace_back(std::string(key), std::move(value)).second;
}

bool Object::erase(std::string_view key) {
  return std::erase_if(members_, [key](const Member& member) { return member.first == key; }) > 0;
}

bool Object::empty() const {
  return members_.empty();
}

std::size_t Object::size() const {
  return members_.size();
}

// Order does not matter (RFC 8259 §4).
bool operator==(const Object& a, const Object& b) {
  return a.size() == b.size() &&
         std::all_of(a.members_.begin(), a.members_.end(), [&b](const Object::Member& member) {
           const Value* const other = b.find(member.first);
           return other != nullptr && *other == member.second;
         });
}

Value::Value(bool flag) : data_(flag) {}

Value::Value(std::int64_t number) : data_(Number{std::to_string(number)}) {}

Value::Value(int number) : Value(std::int64_t{number}) {}

Value::Value(double number) {
  if (std::isfinite(number)) {
    data_ = Number{ecmascript_form(number)};
  }
}

Value::Value(Number number) : data_(std::move(number)) {}

Value::Value(std::string text) : data_(std::move(text)) {}

Value::Value(std::string_view text) : data_(std::string(text)) {}

Value::Value(const char* text) : data_(std::string(text)) {}

Value::Value(Array items) : data_(std::move(items)) {}

Value::Value(Object object) : data_(std::move(object)) {}

bool Value::is_null() const {
  return std::holds_alternative<std::monostate>(data_);
}

bool Value::is_bool() const {
  return std::holds_alternative<bool>(data_);
}

bool Value::is_number() const {
  return std::holds_alternative<Number>(data_);
}

bool Value::is_string() const {
  return std::holds_alternative<std::string>(data_);
}

bool Value::is_array() const {
  return std::holds_alternative<Array>(data_);
}

bool Value::is_object() const {
  return std::holds_alternative<Object>(data_);
}

std::string_view Value::type_name() const {
  constexpr std::array<std::string_view, 6> kNames{
      "null", "boolean", "number", "string", "array", "object"
  };
  return kNames.at(data_.index());
}

std::optional<bool> Value::as_bool() const {
  const bool* const flag = std::get_if<bool>(&data_);
  return flag != nullptr ? std::optional(*flag) : std::nullopt;
}

std::optional<std::int64_t> Value::as_int() const {
  const Number* const number = as_number();
  return number != nullptr ? integer_of(number->text) : std::nullopt;
}

std::optional<double> Value::as_double() const {
  const Number* const number = as_number();
  return number != nullptr ? double_of(number->text) : std::nullopt;
}

const Number* Value::as_number() const {
  return std::get_if<Number>(&data_);
}

const std::string* Value::as_string() const {
  return std::get_if<std::string>(&data_);
}

const Array* Value::as_array() const {
  return std::get_if<Array>(&data_);
}

Array* Value::as_array() {
  return std::get_if<Array>(&data_);
}

const Object* Value::as_object() const {
  return std::get_if<Object>(&data_);
}

Object* Value::as_object() {
  return std::get_if<Object>(&data_);
}

const Value* Value::find(std::string_view key) const {
  const Object* const object = as_object();
  return object != nullptr ? object->find(key) : nullptr;
}

Value* Value::find(std::string_view key) {
  Object* const object = as_object();
  return object != nullptr ? object->find(key) : nullptr;
}

std::string Value::text_or(std::string_view key, std::string_view fallback) const {
  const Value* const member = find(key);
  const std::string* const text = member != nullptr ? member->as_string() : nullptr;
  return text != nullptr ? *text : std::string(fallback);
}

bool operator==(const Value& a, const Value& b) {
  return a.data_ == b.data_;
}

Value object(std::vector<Object::Member> members) {
  Object made;
  for (Object::Member& member : members) {
    made.set(member.first, std::move(member.second));
  }
  return made;
}

}  // namespace sluice::json
