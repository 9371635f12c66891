// The list of MCP servers as management answers it.
#pragma once

#include "proto/sluice/connector/v1/connector.pb.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

// Which part of the list is wanted.
struct ServerPage {
  std::size_t limit = 0;
  std::size_t offset = 0;
  std::string search;  // part of a name, without regard to case; empty: all
};

// {"clients":[…],"count":…,"total_count":…,"limit":…,"offset":…}; servers sorted by name.
[[nodiscard]] std::string server_list_json(
    const connector::v1::ManageReply& reply, const ServerPage& page
);

// {"status":"success","message":…,"client":…}; server may be nullptr.
[[nodiscard]] std::string changed_server_json(
    std::string_view message, const connector::v1::ManagedServer* server
);

// "connected", "connecting", "disconnected" or "error".
[[nodiscard]] std::string_view state_name(connector::v1::ServerState state);

}  // namespace sluice::ingress
