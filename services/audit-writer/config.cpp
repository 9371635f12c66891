#include "services/audit-writer/config.h"

#include "services/audit-writer/limits.h"

#include "common/postgres/settings.h"
#include "common/service/connect.h"

namespace sluice::audit_writer {

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.monitor_url = document.section("bus").text(
      "monitor_url",
      {.fallback = "http://127.0.0.1:8222",
       .description = "Its monitoring endpoint; audit-writer checks `sync_interval` there."}
  );
  config.postgres = postgres::read_options(document, "audit-writer");
  config.audit = service::read_audit(document, "audit-writer");
  config.drain_timeout = document.section("audit").milliseconds(
      "drain_timeout_ms",
      {.fallback = kDrainTimeout.count(),
       .min = 100,
       .max = 60000,
       .unit = "ms",
       .description = "How long a stopping audit-writer finishes what is under way."}
  );
  return config;
}

}  // namespace sluice::audit_writer
