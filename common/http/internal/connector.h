// Makes connections: name lookup, TCP, TLS.
#pragma once

#include "common/async/clock.h"
#include "common/http/internal/stream.h"
#include "common/http/internal/url.h"

#include <memory>
#include <string>

namespace sluice::http {

// Tries the addresses of the host one after the other, all within the deadline. tls: null for
// http://. Errors: Unavailable (unknown host, refused, TLS), Deadline, Cancelled.
Async<std::unique_ptr<Stream>> connect(
    async::Clock* clock, Executor loop, std::shared_ptr<TlsContext> tls, Url url, TimePoint deadline
);

}  // namespace sluice::http
