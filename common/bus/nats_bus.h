// NatsTransport: nats.c with its sockets on our loop, synchronous subscriptions drained on the
// loop, one flush per turn.
#pragma once

#include "common/bus/transport.h"
#include "common/observability/log.h"

namespace sluice::bus {

// Connects (retrying in the background after the first success; the first connect has a timeout)
// and reconnects for ever. Errors: Unavailable, Denied (authorization violation).
[[nodiscard]] Async<std::unique_ptr<Transport>> connect_nats(
    Executor executor, async::Clock* clock, observability::Log* log, NatsOptions options
);

}  // namespace sluice::bus
