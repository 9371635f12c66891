#include "common/redis/settings.h"

#include <utility>

namespace sluice::redis {

Options read_options(config::Document& document, std::string user) {
  config::Section section = document.section("redis");
  Options options;
  options.user = std::move(user);
  options.address = section.text(
      "address", {.fallback = "127.0.0.1", .description = "Host name or address of redis-server."}
  );
  options.port = static_cast<std::uint16_t>(section.integer(
      "port", {.fallback = 6379, .min = 1, .max = 65535, .description = "Its port."}
  ));
  options.connect_timeout = section.milliseconds(
      "connect_timeout_ms",
      {.fallback = 2000, .min = 10, .max = 60000, .description = "Longest wait for a connection."}
  );
  options.command_timeout = section.milliseconds(
      "command_timeout_ms",
      {.fallback = 1000, .min = 10, .max = 60000, .description = "Longest wait for one answer."}
  );
  return options;
}

}  // namespace sluice::redis
