// McpSubscriptions: asks servers, under grants, to tell of changes of single resources, and finds
// out whom a change concerns.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/domain/tool_execution.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::ingress {

// What changed: server id and the server's own URI.
using ResourceUpdates = std::set<std::pair<std::string, std::string>>;

// The subscribed URIs that name one of these resources.
[[nodiscard]] std::vector<std::string> updated_among(
    const std::vector<std::string>& subscribed,
    const Offerings& offerings,
    const ResourceUpdates& updates
);

// Whoever wants to be told.
struct McpSubscriber {
  const http::HttpRequest* request = nullptr;  // carries the credential
  Owner owner;
  CallerPtr caller;
  RequestContext context;
  std::string session;  // legacy
  McpEra era = McpEra::Legacy;
};

class McpSubscriptions {
 public:
  struct Deps {
    ToolExecution* tools;  // all outlive it
    async::Clock* clock;
    observability::Log* log;
  };

  explicit McpSubscriptions(Deps deps) : deps_(deps) {}

  // "{}", or why the resource's changes cannot be told: nobody offers it, its server does not tell
  // (-32601), policy withholds it. Errors: those of ToolExecution.
  Async<RpcEnd> subscribe(const McpSubscriber* by, SnapshotPtr snapshot, std::string uri);
  // The same for several, before the servers forget. What fails is tried again the next time.
  // Errors: Cancelled.
  Async<void> renew(const McpSubscriber* by, SnapshotPtr snapshot, std::vector<std::string> uris);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
