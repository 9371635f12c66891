// KnownCatalogs: the copies in Redis, and behind them what this replica itself has seen of each
// server. Redis may be emptied at any time; a known tool stays listed all the same, so that callers
// are told to retry rather than that there is no such tool.
#pragma once

#include "services/mcp-connector/ports.h"

#include <map>
#include <optional>
#include <string>

namespace sluice::mcp_connector {

class KnownCatalogs final : public ConnectionStates {
 public:
  explicit KnownCatalogs(ConnectionStates* copies) : copies_(copies) {}

  Async<void> put(connector::v1::ServerCatalog catalog) override;
  // The copy, or where there is none or it cannot be had, what was seen last. Never fails when
  // something was seen.
  Async<std::optional<connector::v1::ServerCatalog>> get(ServerId server) override;

  // The server is gone.
  void forget(const ServerId& server) { seen_.erase(server.str()); }

  // A holder's own or live answer. One that lists nothing although the server is not connected is
  // completed with what is known.
  Async<connector::v1::ServerCatalog> complete(connector::v1::ServerCatalog catalog);

 private:
  void saw(const connector::v1::ServerCatalog& catalog);

  ConnectionStates* copies_;
  std::map<std::string, connector::v1::ServerCatalog> seen_;  // by server id: those there are
};

}  // namespace sluice::mcp_connector
