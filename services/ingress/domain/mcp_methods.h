// McpMethods: what each request of an MCP client does, in both eras, whatever carried it here.
#pragma once

#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/code_execution.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/domain/mcp_request.h"
#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/domain/mcp_streams.h"
#include "services/ingress/domain/tool_execution.h"
#include "services/ingress/domain/trail.h"

#include "common/observability/log.h"

#include <string>

namespace sluice::ingress {

// One request under way: an admitted caller, and where answers go.
struct McpExchange {
  const http::HttpRequest* request = nullptr;
  Owner owner;
  CallerPtr caller;
  RequestContext context;
  McpEra era = McpEra::Legacy;
  std::string session;  // legacy
  McpReply* reply = nullptr;
};

class McpMethods {
 public:
  struct Deps {
    CatalogSource* catalog;  // all outlive it
    ChainFinder* chains;
    ToolExecution* tools;
    CodeExecution* code;
    McpStreams* streams;
    Trail* trail;
    audit::Client* audit;
    observability::Log* log;
  };

  explicit McpMethods(Deps deps) : deps_(deps) {}

  // message: a request. A method that is not served is -32601. Errors: those of the catalog and of
  // ToolExecution; Invalid, NotFound.
  Async<RpcEnd> run(McpExchange* exchange, mcp::Message message);

 private:
  Async<RpcEnd> list(McpExchange* exchange, std::string method, json::Value params);
  Async<RpcEnd> subscribe(McpExchange* exchange, mcp::RpcId id, json::Value params);
  Async<RpcEnd> call_tool(McpExchange* exchange, json::Value params);
  Async<RpcEnd> run_tool(McpExchange* exchange, Execution* execution);
  Async<RpcEnd> run_code(McpExchange* exchange, Execution* execution, Narrowing narrowing);
  // resources/read, prompts/get, completion/complete.
  Async<RpcEnd> read(McpExchange* exchange, std::string method, json::Value params);
  // In the conversation it belongs to, with progress where the client asked for it.
  Async<Execution> begin(McpExchange* exchange, ToolCall call, json::Value params);
  Async<void> finish(McpExchange* exchange, const Execution* execution);
  Async<SnapshotPtr> snapshot(McpExchange* exchange, Narrowing narrowing);

  Deps deps_;
};

}  // namespace sluice::ingress
