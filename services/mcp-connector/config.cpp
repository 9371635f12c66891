#include "services/mcp-connector/config.h"

#include "services/mcp-connector/config_api.h"

#include "common/postgres/settings.h"
#include "common/redis/settings.h"
#include "common/service/connect.h"

#include <algorithm>

namespace sluice::mcp_connector {

std::string_view name_of(ConnectionType type) {
  switch (type) {
    case ConnectionType::Stdio:
      return "stdio";
    case ConnectionType::Http:
      return "http";
    case ConnectionType::Sse:
      return "sse";
  }
  SLUICE_UNREACHABLE("every connection type is listed");
}

bool ServerConfig::allows(std::string_view tool) const {
  return std::any_of(
      tools_to_execute.begin(),
      tools_to_execute.end(),
      [tool](const std::string& entry) { return entry == "*" || entry == tool; }
  );
}

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.audit = service::read_audit(document, "mcp-connector");
  config.redis = redis::read_options(document, "mcp-connector");
  config.postgres = postgres::read_options(document, "mcp-connector");
  config.servers = read_servers(document);
  config.api = read_api_settings(document);
  return config;
}

}  // namespace sluice::mcp_connector
