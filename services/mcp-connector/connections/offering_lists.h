// OfferingLists: asks a connected server for what it offers besides tools. Its tools work without,
// so a list that cannot be had is an empty one, with a warning.
#pragma once

#include "services/mcp-connector/connections/mcp_session.h"
#include "services/mcp-connector/domain/offerings.h"

#include <string>
#include <vector>

namespace sluice::mcp_connector {

class OfferingLists {
 public:
  OfferingLists(
      McpSession* session, async::Clock* clock, observability::Log* log, std::string server
  )
      : session_(session), clock_(clock), log_(log), server_(std::move(server)) {}

  // The lists that the server says it has. Errors: Unavailable (the server went; they may be any).
  Async<Offerings> fetch(mcp::ServerCapabilities capabilities);

 private:
  Async<std::vector<Offering>> fetch_one(const mcp::ListMethod* list);
  Async<OfferingList> ask(const mcp::ListMethod* list);

  McpSession* session_;
  async::Clock* clock_;
  observability::Log* log_;
  std::string server_;  // name, for logs
};

}  // namespace sluice::mcp_connector
