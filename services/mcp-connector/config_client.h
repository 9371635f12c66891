// Reads what a server may ask its client for: client_capabilities and roots.
#pragma once

#include "services/mcp-connector/config.h"

namespace sluice::mcp_connector {

[[nodiscard]] ClientOffer read_client(config::Section& entry);

}  // namespace sluice::mcp_connector
