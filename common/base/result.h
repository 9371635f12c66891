// Result<T>: a T or an Error. The only error channel of product code; adapters turn library
// statuses and exceptions into it once, at the call.
#pragma once

#include "common/base/check.h"
#include "common/base/error.h"

#include <type_traits>
#include <utility>
#include <variant>

namespace sluice {

template <class T>
class Result;

namespace detail {

// U is something else than T, Error and Result<T>, and converts to T.
template <class U, class T>
concept ConvertsToValue =
    std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
    !std::is_same_v<std::remove_cvref_t<U>, Error> &&
    !std::is_same_v<std::remove_cvref_t<U>, Result<T>>;

}  // namespace detail

template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T>, "hold a pointer instead");
  static_assert(!std::is_same_v<std::remove_cv_t<T>, Error>, "an Error is not a value");

 public:
  using value_type = T;

  // NOLINTNEXTLINE(google-explicit-constructor): a value is a result
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}

  // NOLINTNEXTLINE(google-explicit-constructor): an error is a result
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  template <class U>
    requires detail::ConvertsToValue<U, T>
  // NOLINTNEXTLINE(google-explicit-constructor): what converts to the value converts to the result
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }

  [[nodiscard]] explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & {
    SLUICE_CHECK(ok(), "value() asked of an error; test ok() first");
    return *std::get_if<0>(&state_);
  }

  [[nodiscard]] const T& value() const& {
    SLUICE_CHECK(ok(), "value() asked of an error; test ok() first");
    return *std::get_if<0>(&state_);
  }

  [[nodiscard]] T&& value() && {
    SLUICE_CHECK(ok(), "value() asked of an error; test ok() first");
    return std::move(*std::get_if<0>(&state_));
  }

  [[nodiscard]] const Error& error() const& {
    SLUICE_CHECK(!ok(), "error() asked of a value; test ok() first");
    return *std::get_if<1>(&state_);
  }

  [[nodiscard]] Error&& error() && {
    SLUICE_CHECK(!ok(), "error() asked of a value; test ok() first");
    return std::move(*std::get_if<1>(&state_));
  }

  [[nodiscard]] T value_or(T fallback) && {
    return ok() ? std::move(*std::get_if<0>(&state_)) : std::move(fallback);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;

  // NOLINTNEXTLINE(google-explicit-constructor): an error is a result
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return !error_.has_value(); }

  [[nodiscard]] explicit operator bool() const { return ok(); }

  [[nodiscard]] const Error& error() const& {
    SLUICE_CHECK(!ok(), "error() asked of a success; test ok() first");
    return *error_;
  }

  [[nodiscard]] Error&& error() && {
    SLUICE_CHECK(!ok(), "error() asked of a success; test ok() first");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace sluice

#define SLUICE_CONCAT_INNER(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_INNER(a, b)

#define SLUICE_TRY_INNER(temporary, leave, declaration, ...) \
  auto temporary = (__VA_ARGS__);                            \
  if (!temporary.ok()) [[unlikely]] {                        \
    leave std::move(temporary).error();                      \
  }                                                          \
  declaration = std::move(temporary).value()

// SLUICE_TRY(const Rules rules, load(path));   declares, or returns the error. Not an expression.
#define SLUICE_TRY(declaration, ...) \
  SLUICE_TRY_INNER(SLUICE_CONCAT(sluice_result_, __LINE__), return, declaration, __VA_ARGS__)

// The same inside a coroutine: SLUICE_CO_TRY(auto bus, co_await connect());
#define SLUICE_CO_TRY(declaration, ...) \
  SLUICE_TRY_INNER(SLUICE_CONCAT(sluice_result_, __LINE__), co_return, declaration, __VA_ARGS__)

// For Result<void>: leaves with the error.
#define SLUICE_CHECK_OK_INNER(leave, ...)                                     \
  if (auto sluice_status = (__VA_ARGS__); !sluice_status.ok()) [[unlikely]] { \
    leave std::move(sluice_status).error();                                   \
  }
#define SLUICE_CHECK_OK(...) SLUICE_CHECK_OK_INNER(return, __VA_ARGS__)
#define SLUICE_CO_CHECK_OK(...) SLUICE_CHECK_OK_INNER(co_return, __VA_ARGS__)
