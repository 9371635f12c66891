// The ten codes as HTTP statuses and error bodies of each dialect.
#pragma once

#include "common/base/error.h"
#include "common/http/message.h"
#include "common/http/server.h"

namespace sluice::http {

[[nodiscard]] int status_of(Code code);
// Body and headers (retry-after, x-should-retry: false for codes that are not retryable). Never the
// detail.
[[nodiscard]] HttpResponse error_response(const Error& error, Dialect dialect);
[[nodiscard]] std::string error_body(const Error& error, Dialect dialect);
// An answer of the HTTP layer itself (405, 413, 415 …), for which no code exists.
[[nodiscard]] HttpResponse refusal_response(int status, std::string_view message, Dialect dialect);

}  // namespace sluice::http
