// Makes connections: name lookup, TCP, TLS.
#pragma once

#include "common/async/clock.h"
#include "common/http/address_guard.h"
#include "common/http/internal/stream.h"
#include "common/http/internal/url.h"

#include <memory>
#include <string>

namespace sluice::http {

struct Destination {
  Url url;
  std::shared_ptr<TlsContext> tls;            // null for http://
  std::shared_ptr<const AddressGuard> guard;  // null: any address
};

// Resolves once, then tries the addresses that the guard permits one after the other, all within
// the deadline. Errors: Unavailable (unknown host, refused, TLS), Denied (no address is permitted),
// Deadline, Cancelled.
Async<std::unique_ptr<Stream>> connect(
    async::Clock* clock, Executor loop, Destination to, TimePoint deadline
);

}  // namespace sluice::http
