// The connections every service opens the same way, and the settings they come from (sections bus, redis, postgres, audit).
#pragma once

#include "common/audit/client.h"
#include "common/bus/bus.h"
#include "common/bus/nats_bus.h"
#include "common/config/config.h"
#include "common/service/runtime.h"

#include <memory>

namespace sluice::service {

// bus.url; the password is the secret nats.password, the user the service's name.
[[nodiscard]] bus::NatsOptions read_bus(config::Document& document);
// audit.outbox_directory (a folder per service below it), audit.outbox_bytes_max.
[[nodiscard]] audit::Options read_audit(config::Document& document, const std::string& service);

// Bus, transport and audit client together; destroyed in the right order. audit's run() goes into runtime.tasks().
struct Link {
  std::unique_ptr<bus::Transport> transport;
  std::unique_ptr<bus::Bus> bus;
  std::unique_ptr<audit::Client> audit;
};
[[nodiscard]] Async<Link> connect(Runtime runtime, bus::NatsOptions bus_options, audit::Options audit_options);

// Drains the bus (requests in flight), then the audit outbox, until the deadline.
[[nodiscard]] Async<void> drain(Runtime runtime, Link* link, TimePoint deadline);

}  // namespace sluice::service
