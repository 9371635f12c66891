// json::Value: one parsed JSON document. For everything but the hot path, which reads bytes in
// place (scan.h).
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::json {

class Value;
using Array = std::vector<Value>;

// A number as it was written; digits are kept, so that large integers and "1.0" survive a round
// trip.
struct Number {
  std::string text;
  friend bool operator==(const Number&, const Number&) = default;
};

// Members in the order they were written. Keys are unique: the parser refuses duplicates.
class Object {
 public:
  using Member = std::pair<std::string, Value>;

  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);

  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }

  // Replaces the member in place or appends it.
  Value& set(std::string_view key, Value value);
  // True when there was one.
  bool erase(std::string_view key);

  [[nodiscard]] std::vector<Member>& members() { return members_; }

  [[nodiscard]] const std::vector<Member>& members() const { return members_; }

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::size_t size() const;

  friend bool operator==(const Object&, const Object&);

 private:
  std::vector<Member> members_;
};

// A value: null, boolean, number, string (UTF-8), array or object. Copies are deep.
class Value {
 public:
  Value() = default;  // null

  Value(std::nullptr_t) {}  // NOLINT: by design

  Value(bool flag);              // NOLINT: by design
  Value(std::int64_t number);    // NOLINT: by design
  Value(int number);             // NOLINT: by design
  Value(double number);          // NOLINT: by design; NaN and infinities become null
  Value(Number number);          // NOLINT: by design
  Value(std::string text);       // NOLINT: by design
  Value(std::string_view text);  // NOLINT: by design
  Value(const char* text);       // NOLINT: by design
  Value(Array items);            // NOLINT: by design
  Value(Object object);          // NOLINT: by design

  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_bool() const;
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_object() const;
  // "null", "boolean", "number", "string", "array", "object": for messages.
  [[nodiscard]] std::string_view type_name() const;

  // nullopt / nullptr when the value is of another type.
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::int64_t> as_int(
  ) const;  // only for an integer within range ("1.0" and "1e2" count)
  [[nodiscard]] std::optional<double> as_double() const;
  [[nodiscard]] const Number* as_number() const;
  [[nodiscard]] const std::string* as_string() const;
  [[nodiscard]] const Array* as_array() const;
  [[nodiscard]] Array* as_array();
  [[nodiscard]] const Object* as_object() const;
  [[nodiscard]] Object* as_object();

  // Member of an object, or nullptr (also when this is no object).
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);
  // The string member, or fallback.
  [[nodiscard]] std::string text_or(std::string_view key, std::string_view fallback) const;

  friend bool operator==(const Value&, const Value&);

 private:
  std::variant<std::monostate, bool, Number, std::string, Array, Object> data_;
};

// object({{"a", 1}, {"b", "x"}})
[[nodiscard]] Value object(std::vector<Object::Member> members);

}  // namespace sluice::json
