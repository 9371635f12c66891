// The one error type of Sluice. The code says what the caller should do; the message is safe to
// show to a caller; the detail is for logs only. HTTP, JSON-RPC and wire forms of the codes:
// http/error_map.h, mcp/json_rpc.h, bus/envelope.h.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>

namespace sluice {

// What the caller should do. The numbers are the wire values
// (proto/sluice/common/v1/envelope.proto).
enum class Code : int {
  Invalid = 1,          // fix the request
  Unauthenticated = 2,  // present credentials
  Denied = 3,           // stop; policy says no
  NotFound = 4,         // stop
  Conflict = 5,         // re-read and decide
  Exhausted = 6,        // back off, then retry
  Unavailable = 7,      // retry elsewhere or later
  Deadline = 8,         // give up or retry with more time
  Cancelled = 9,        // nothing, the caller asked for this
  Internal = 10,        // report it; a bug or a broken promise
};

inline constexpr std::array kAllCodes{
    Code::Invalid,
    Code::Unauthenticated,
    Code::Denied,
    Code::NotFound,
    Code::Conflict,
    Code::Exhausted,
    Code::Unavailable,
    Code::Deadline,
    Code::Cancelled,
    Code::Internal,
};

// "Invalid", "Unauthenticated", …
[[nodiscard]] std::string_view name_of(Code code);

class [[nodiscard]] Error {
 public:
  // message: safe for the outside, says what to do next; never a secret.
  Error(
      Code code, std::string message, std::source_location where = std::source_location::current()
  );
  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  [[nodiscard]] Code code() const;
  [[nodiscard]] const std::string& message() const;
  [[nodiscard]] const std::string& detail() const;
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const;
  [[nodiscard]] const std::source_location& where() const;

  // Adds what only a log may hold (library text, addresses, input).
  [[nodiscard]] Error with_detail(std::string_view detail) &&;
  [[nodiscard]] Error with_retry_after(std::chrono::milliseconds wait) &&;
  // Adds context on the way up: "loading rules of tenant t1: …" (kept in the detail, not in the
  // message).
  [[nodiscard]] Error while_doing(std::string_view what) &&;
  // Replaces the code, for a layer in which the same failure asks for something else of the caller.
  [[nodiscard]] Error as(Code code) &&;

  // "Unavailable: message [detail] (file.cpp:12)", for logs.
  [[nodiscard]] std::string to_log() const;

 private:
  struct Body;

  struct Deleter {
    void operator()(Body* body) const;
  };

  std::unique_ptr<Body, Deleter> body_;  // one pointer, so that Result<T> stays small
};

}  // namespace sluice
