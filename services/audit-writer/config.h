// Settings of audit-writer.
#pragma once

#include "common/audit/client.h"
#include "common/bus/transport.h"
#include "common/config/config.h"
#include "common/postgres/pool.h"

#include <chrono>
#include <string>

namespace sluice::audit_writer {

struct Config {
  bus::NatsOptions bus;
  std::string monitor_url;
  postgres::Options postgres;
  audit::Options audit;
  std::chrono::milliseconds drain_timeout{};

  [[nodiscard]] static Config load(config::Document& document);
};

}  // namespace sluice::audit_writer
