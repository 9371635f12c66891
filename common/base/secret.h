// Secret<T>: a value that is neither printed nor compared by ==, and whose bytes are wiped when it
// goes.
#pragma once

#include <string>
#include <utility>

namespace sluice {

// Overwrites the bytes in a way the optimiser keeps.
void wipe(std::string& bytes) noexcept;

template <class T>
class Secret;

template <>
class Secret<std::string> {
 public:
  Secret() = default;

  explicit Secret(std::string value) : value_(std::move(value)) {}

  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;

  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }

  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(value_);
      value_ = std::move(other.value_);
      wipe(other.value_);
    }
    return *this;
  }

  ~Secret() { wipe(value_); }

  // The one way to the value; a call of it is easy to search for.
  [[nodiscard]] const std::string& reveal() const { return value_; }

  [[nodiscard]] bool empty() const { return value_.empty(); }

  bool operator==(const Secret&) const = delete;

 private:
  std::string value_;
};

}  // namespace sluice
