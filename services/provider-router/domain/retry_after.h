// The waiting time a provider asks for.
#pragma once

#include "common/http/message.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::provider_router {

// retry-after-ms, else retry-after in seconds (decimals allowed) or as an HTTP date. nullopt: none
// or unreadable. Source: RFC 9110 10.2.3; retry-after-ms of openai-python _base_client.py.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after_of(
    const http::Headers& headers, std::int64_t now_unix_s
);

}  // namespace sluice::provider_router
