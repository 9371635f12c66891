// Every Redis key of mcp-connector. All have a TTL; Redis may be emptied at any time.
#pragma once

#include "common/base/bytes.h"
#include "common/base/ids.h"

#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// "<instance>:<epoch>" of the holder; lives as long as the lease.
[[nodiscard]] inline std::string lease_key(const ServerId& server) {
  return "sluice:connector:lease:" + server.str();
}

// Highest epoch given out.
[[nodiscard]] inline std::string epoch_key(const ServerId& server) {
  return "sluice:connector:epoch:" + server.str();
}

// Serialized sluice.connector.v1.ServerCatalog without its tools: what people look at.
[[nodiscard]] inline std::string state_key(const ServerId& server) {
  return "sluice:connector:state:" + server.str();
}

// Serialized sluice.connector.v1.ServerCatalog with its tools.
[[nodiscard]] inline std::string catalog_key(const ServerId& server) {
  return "sluice:connector:catalog:" + server.str();
}

// A read grant that was used.
[[nodiscard]] inline std::string nonce_key(std::string_view grant_id) {
  return "sluice:connector:nonce:" + to_hex(grant_id);
}

}  // namespace sluice::mcp_connector
