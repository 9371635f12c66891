// What went wrong upstream, in one list for all providers, and how it is told to a client.
#pragma once

#include "common/base/error.h"
#include "common/http/message.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::provider_router {

enum class ErrorKind : std::uint8_t {
  InvalidRequest,  // the client's request, as the provider sees it
  ContextLength,   // the same: too long for the model
  ContentFilter,   // the same: refused by the provider's filter
  ToolUseFailed,   // the model's tool call did not fit the tool
  NotFound,        // the provider does not know the model
  Auth,            // the gateway's key was refused: never the client's fault
  Permission,      // the gateway's key may not do this
  Billing,         // the gateway's account is out of credit or quota
  RateLimit,       // too many requests or tokens
  Overloaded,      // the provider has no capacity
  Timeout,         // the deadline, ours or the provider's
  Upstream,        // broken answer, lost connection, the provider's own fault
};

// snake_case, for ChatFinal.error_kind and records.
[[nodiscard]] std::string_view name_of(ErrorKind kind);
// The canonical code with the same meaning for the caller.
[[nodiscard]] Code code_of(ErrorKind kind);

// One failed exchange with a provider.
struct Failure {
  ErrorKind kind = ErrorKind::Upstream;
  int upstream_status = 0;  // 0: no HTTP status was received
  std::string message;      // safe for the client, says what to do next
  std::string type;         // OpenAI's members, as the provider wrote them for a client's fault
  std::string code;
  std::string param;
  std::string detail;  // for records and logs: what the provider said, bounded, credentials masked
  bool retryable = false;  // another attempt may succeed
  std::optional<std::chrono::milliseconds> retry_after;
  std::string upstream_request_id;
};

// HTTP status for the client.
[[nodiscard]] int status_of(const Failure& failure);
// OpenAI's error object: {"error":{message,type,param,code}}.
[[nodiscard]] std::string error_body(const Failure& failure);

// An answer with an error status, or with status 200 and an error object in it. Understands nested,
// flat and string errors, FastAPI's detail, Google's array, plain text and HTML.
[[nodiscard]] Failure failure_of_answer(
    std::string_view provider,
    int status,
    const http::Headers& headers,
    std::string_view body,
    std::int64_t now_unix_s
);

// The error object of a stream's event (valid JSON; the member "error" is looked for, else the
// object itself is it).
[[nodiscard]] Failure failure_of_event(std::string_view provider, std::string_view data);

// No answer at all: what the HTTP client said.
[[nodiscard]] Failure failure_of_error(std::string_view provider, const Error& error);

// The provider broke its own protocol.
[[nodiscard]] Failure broken_answer(std::string_view provider, std::string_view what);

// Replaces words that look like keys or account ids by "[hidden]"; bounds the length.
[[nodiscard]] std::string without_credentials(std::string_view text);

}  // namespace sluice::provider_router
