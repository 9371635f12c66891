// Number tokens: grammar, exact integers, shortest form of doubles.
#include "common/json/number.h"

#include "common/base/check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sluice::json {
namespace {

constexpr std::size_t kInt64DigitsMax = 19;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_from(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  return end - at;
}

// value = ±0.<digits> · 10^point, digits without zeros at either end.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::int64_t point = 0;

  [[nodiscard]] bool is_integer() const {
    return static_cast<std::int64_t>(digits.size()) <= point;
  }

  friend bool operator==(const Decimal&, const Decimal&) = default;
};

Decimal decimal_of(std::string_view token) {
  constexpr std::int64_t kExponentMax =
      1'000'000'000;  // far outside of any double; keeps the sum below within range
  Decimal decimal;
  std::size_t at = 0;
  if (token.starts_with('-')) {
    decimal.negative = true;
    at = 1;
  }
  const std::size_t whole = digits_from(token, at);
  decimal.digits = std::string(token.substr(at, whole));
  decimal.point = static_cast<std::int64_t>(whole);
  at += whole;
  if (at < token.size() && token[at] == '.') {
    const std::size_t fraction = digits_from(token, at + 1);
    decimal.digits += token.substr(at + 1, fraction);
    at += 1 + fraction;
  }
  if (at < token.size()) {
    std::string_view text = token.substr(at + 1);
    const bool minus = text.starts_with('-');
    if (minus || text.starts_with('+')) {
      text.remove_prefix(1);
    }
    std::int64_t exponent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc{} || exponent > kExponentMax) {
      exponent = kExponentMax;
    }
    decimal.point += minus ? -exponent : exponent;
  }
  const std::size_t first = std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
  decimal.digits.erase(0, first);
  decimal.point -= static_cast<std::int64_t>(first);
  decimal.digits.erase(decimal.digits.find_last_not_of('0') + 1);
  return decimal;
}

}  // namespace

bool is_number_token(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_from(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) {
    return false;
  }
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_from(text, at + 1);
    if (fraction == 0) {
      return false;
    }
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
      ++at;
    }
    const std::size_t exponent = digits_from(text, at);
    if (exponent == 0) {
      return false;
    }
    at += exponent;
  }
  return at == text.size();
}

bool is_integer_token(std::string_view text) {
  return text.find_first_of(".eE") == std::string_view::npos;
}

std::optional<double> double_of(std::string_view token) {
  double number = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error == std::errc{}) {
    return number;
  }
  // from_chars says "out of range" for too large and too small alike.
  const Decimal decimal = decimal_of(token);
  if (decimal.point > 0 && !decimal.digits.empty()) {
    return std::nullopt;
  }
  return decimal.negative ? -0.0 : 0.0;
}

std::optional<std::int64_t> integer_of(std::string_view token) {
  Decimal decimal = decimal_of(token);
  if (decimal.digits.empty()) {
    return 0;
  }
  const auto size = static_cast<std::int64_t>(decimal.digits.size());
  if (decimal.point < size || decimal.point > static_cast<std::int64_t>(kInt64DigitsMax)) {
    return std::nullopt;
  }
  decimal.digits.append(static_cast<std::size_t>(decimal.point - size), '0');
  const std::string text = (decimal.negative ? "-" : "") + decimal.digits;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

std::string form_by_value(std::string_view token) {
  const auto number = double_of(token);
  if (!number) {
    return std::string(token);
  }
  std::string form = ecmascript_form(*number);
  const Decimal decimal = decimal_of(token);
  if (*number == 0 || !decimal.is_integer() || decimal == decimal_of(form)) {
    return form;
  }
  // Without a point and an exponent: all digits of what the double is.
  std::array<char, 320> buffer{};
  const auto [end, error] = std::to_chars(
      buffer.data(), buffer.data() + buffer.size(), *number, std::chars_format::fixed, 0
  );
  SLUICE_CHECK(error == std::errc{}, "320 characters hold every double without fraction");
  if (decimal == decimal_of({buffer.data(), static_cast<std::size_t>(end - buffer.data())})) {
    return form;
  }
  const auto zeros = static_cast<std::size_t>(decimal.point) - decimal.digits.size();
  return (decimal.negative ? "-" : "") + decimal.digits + std::string(zeros, '0');
}

std::string ecmascript_form(double number) {
  SLUICE_CHECK(
      std::isfinite(number), "callers turn NaN and infinities into null or an error first"
  );
  if (number == 0) {
    return "0";
  }
  // to_chars gives the shortest digits that read back the same, which is what ECMA-262 asks for.
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(
      buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific
  );
  SLUICE_CHECK(error == std::errc{}, "32 characters hold every double in scientific form");
  const Decimal decimal =
      decimal_of({buffer.data(), static_cast<std::size_t>(end - buffer.data())});
  const std::string& digits = decimal.digits;
  const std::int64_t point = decimal.point;                     // n of ECMA-262
  const auto count = static_cast<std::int64_t>(digits.size());  // k of ECMA-262
  std::string text = decimal.negative ? "-" : "";
  if (count <= point && point <= 21) {
    text += digits + std::string(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    const auto split = static_cast<std::size_t>(point);
    text += digits.substr(0, split) + "." + digits.substr(split);
  } else if (-6 < point && point <= 0) {
    text += "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  } else {
    text += digits.substr(0, 1);
    if (count > 1) {
      text += "." + digits.substr(1);
    }
    text += point - 1 < 0 ? "e-" : "e+";
    text += std::to_string(std::abs(point - 1));
  }
  return text;
}

}  // namespace sluice::json
