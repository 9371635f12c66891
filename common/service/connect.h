// The connections every service opens the same way, and the settings they come from (sections bus,
// redis, postgres, audit).
#pragma once

#include "common/audit/client.h"
#include "common/bus/bus.h"
#include "common/bus/nats_bus.h"
#include "common/config/config.h"
#include "common/service/runtime.h"

#include <memory>

namespace sluice::service {

// bus.url and bus.monitor_url; the password is the secret nats.password, the user the service's
// name.
[[nodiscard]] bus::NatsOptions read_bus(config::Document& document);
// audit.outbox_directory (a folder per service below it), audit.outbox_bytes_max.
[[nodiscard]] audit::Options read_audit(config::Document& document, const std::string& service);

// Bus, transport and audit client together; destroyed in the right order. The audit client's task
// keeps it and the transport alive until runtime.tasks() is closed; the bus goes with the Link, and
// no handler is called after that.
struct Link {
  std::shared_ptr<bus::Transport> transport;
  std::shared_ptr<audit::Client> audit;
  std::unique_ptr<bus::Bus> bus;  // last: goes first
};

// Connects, records service.started, and adds the readiness checks "bus" and "audit". Errors:
// NotFound, Denied (no secret nats.password), Unavailable, Denied (NATS refuses the user).
[[nodiscard]] Async<Link> connect(
    Runtime runtime, bus::NatsOptions bus_options, audit::Options audit_options
);

// Drains the bus (requests in flight), records service.stopped, then waits for the audit outbox to
// empty, until the deadline. What is left in the outbox is sent by the next instance that finds it.
[[nodiscard]] Async<void> drain(Runtime runtime, Link* link, TimePoint deadline);

}  // namespace sluice::service
