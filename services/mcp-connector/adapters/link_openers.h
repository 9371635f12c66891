// LinkOpeners: connections to servers of every type.
#pragma once

#include "services/mcp-connector/adapters/http_transport.h"
#include "services/mcp-connector/adapters/sse_transport.h"
#include "services/mcp-connector/adapters/stdio_transport.h"
#include "services/mcp-connector/limits.h"

#include <memory>

namespace sluice::mcp_connector {

class LinkOpeners final : public LinkOpener {
 public:
  LinkOpeners(StdioOpener::Deps deps, oauth::Authorizations* authorizations)
      : client_(http::Client::make(
            deps.executor, deps.clock, {.connections_per_origin_max = kHttpConnectionsMax}
        )),
        http_(
            {.executor = deps.executor,
             .clock = deps.clock,
             .log = deps.log,
             .client = client_.get(),
             .authorizations = authorizations}
        ),
        sse_(
            {.executor = deps.executor,
             .clock = deps.clock,
             .log = deps.log,
             .client = client_.get(),
             .authorizations = authorizations}
        ),
        stdio_(std::move(deps)) {}

  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override {
    switch (server->type) {
      case ConnectionType::Stdio:
        return stdio_.open(server);
      case ConnectionType::Http:
        return http_.open(server);
      case ConnectionType::Sse:
        return sse_.open(server);
    }
    SLUICE_UNREACHABLE("every connection type is listed");
  }

 private:
  std::unique_ptr<http::Client> client_;
  HttpOpener http_;
  SseOpener sse_;
  StdioOpener stdio_;
};

}  // namespace sluice::mcp_connector
