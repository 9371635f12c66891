// OfferingLists: asks a connected server for what it offers besides tools. Its tools work without,
// so a list that cannot be had is an empty one, with a warning.
#pragma once

#include "services/mcp-connector/connections/mcp_session.h"
#include "services/mcp-connector/domain/offerings.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector {

class OfferingLists {
 public:
  // What was said in the log of each list, by its method, so that it is not said at every listing.
  struct Faults {
    std::size_t left_out = 0;
    std::size_t unnamed = 0;

    friend bool operator==(const Faults&, const Faults&) = default;
  };

  using Told = std::map<std::string_view, Faults>;

  OfferingLists(
      McpSession* session,
      async::Clock* clock,
      observability::Log* log,
      std::string server,
      Told* told
  )
      : session_(session), clock_(clock), log_(log), server_(std::move(server)), told_(told) {}

  // The lists that the server says it has. Errors: Unavailable (the server went; they may be any).
  Async<Offerings> fetch(mcp::ServerCapabilities capabilities);

 private:
  Async<std::vector<Offering>> fetch_one(const mcp::ListMethod* list);
  Async<OfferingList> ask(const mcp::ListMethod* list);
  void tell(std::string_view method, Faults faults);

  McpSession* session_;
  async::Clock* clock_;
  observability::Log* log_;
  std::string server_;  // name, for logs
  Told* told_;
};

}  // namespace sluice::mcp_connector
