// One entry of mcp.client_configs, read the same way from the file and from what the management API
// is sent.
#pragma once

#include "services/mcp-connector/config.h"

#include <set>
#include <string>

namespace sluice::mcp_connector {

// Never fails: faults are noted in the section's document. taken: names of the servers before it.
[[nodiscard]] ServerConfig read_server(
    config::Section& entry, const ServerDefaults& defaults, std::set<std::string>* taken
);

}  // namespace sluice::mcp_connector
