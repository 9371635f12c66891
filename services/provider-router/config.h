// Settings of provider-router: sections bus, audit and providers.
#pragma once

#include "services/provider-router/domain/route_table.h"

#include "common/audit/client.h"
#include "common/bus/nats_bus.h"
#include "common/config/config.h"

#include <vector>

namespace sluice::provider_router {

struct Config {
  bus::NatsOptions bus;
  audit::Options audit;
  std::vector<Provider> providers;  // by name; the demo alone when the section is empty

  // Faults are noted in the document.
  [[nodiscard]] static Config load(config::Document& document);
};

// The section "providers".
[[nodiscard]] std::vector<Provider> read_providers(config::Document& document);

}  // namespace sluice::provider_router
