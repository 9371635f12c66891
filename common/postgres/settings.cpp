#include "common/postgres/settings.h"

#include <algorithm>
#include <utility>

namespace sluice::postgres {

Options read_options(config::Document& document, std::string service) {
  std::replace(service.begin(), service.end(), '-', '_');
  config::Section section = document.section("postgres");
  Options options;
  options.user = std::move(service);
  options.host = section.text(
      "host",
      {.fallback = "127.0.0.1", .description = "Host name or address, or the directory of a socket."
      }
  );
  options.port = static_cast<std::uint16_t>(section.integer(
      "port", {.fallback = 5432, .min = 1, .max = 65535, .description = "Its port."}
  ));
  options.database =
      section.text("database", {.fallback = "sluice", .description = "Database of all schemas."});
  options.connections = static_cast<std::size_t>(section.integer(
      "connections",
      {.fallback = 2, .min = 1, .max = 32, .description = "Connections, and threads, per process."}
  ));
  options.statement_timeout = section.milliseconds(
      "statement_timeout_ms",
      {.fallback = 5000, .min = 10, .max = 600000, .description = "Longest time of one statement."}
  );
  options.connect_timeout = section.milliseconds(
      "connect_timeout_ms",
      {.fallback = 3000,
       .min = 1000,
       .max = 60000,
       .description = "Longest wait for a connection; whole seconds, at least 2 (libpq)."}
  );
  return options;
}

}  // namespace sluice::postgres
