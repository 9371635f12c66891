// MCP over a child's standard input and output: one JSON-RPC message a line.
#pragma once

#include "services/mcp-connector/ports.h"

#include "common/config/config.h"
#include "common/observability/log.h"

#include <memory>

namespace sluice::mcp_connector {

class StdioOpener final : public LinkOpener {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    config::Environment
        environment;  // of this process; only the allow-list and what a server names reach a child
  };

  explicit StdioOpener(Deps deps);

  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override;

 private:
  Deps deps_;
};

}  // namespace sluice::mcp_connector
