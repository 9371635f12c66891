// McpMethods: what each request of an MCP client does, in both eras, whatever carried it here.
#pragma once

#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/code_execution.h"
#include "services/ingress/domain/mcp_exchange.h"
#include "services/ingress/domain/mcp_execution.h"
#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/domain/mcp_streams.h"
#include "services/ingress/domain/mcp_subscriptions.h"
#include "services/ingress/domain/trail.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

class McpMethods {
 public:
  struct Deps {
    CatalogSource* catalog;  // all outlive it
    McpExecution* executions;
    CodeExecution* code;
    McpStreams* streams;
    McpSubscriptions* subscriptions;
    McpSessionStore* sessions;
    Trail* trail;
    audit::Client* audit;
  };

  explicit McpMethods(Deps deps) : deps_(deps) {}

  // message: a request. A method that is not served is -32601. Errors: those of the catalog and of
  // ToolExecution; Invalid, NotFound.
  Async<RpcEnd> run(McpExchange* exchange, mcp::Message message);

  // How to use the caller's servers, for initialize and server/discover; empty where that cannot be
  // found out now. Errors: Cancelled.
  Async<std::string> instructions(McpExchange* exchange);

 private:
  Async<RpcEnd> list(McpExchange* exchange, std::string method, json::Value params);
  Async<RpcEnd> run_legacy(McpExchange* exchange, std::string method, json::Value params);
  Async<RpcEnd> run_modern(McpExchange* exchange, mcp::Message message, json::Value params);
  // subscriptions/listen.
  Async<RpcEnd> listen(McpExchange* exchange, mcp::RpcId id, json::Value params);
  // Those of the URIs whose changes will be told.
  Async<std::vector<std::string>> honoured(McpExchange* exchange, std::vector<std::string> uris);
  // resources/subscribe of a session.
  Async<RpcEnd> subscribe(McpExchange* exchange, std::string uri);
  Async<RpcEnd> call_tool(McpExchange* exchange, json::Value params);
  Async<RpcEnd> run_tool(
      McpExchange* exchange, Execution* execution, std::optional<InputRetry> retry
  );
  Async<RpcEnd> run_code(McpExchange* exchange, Execution* execution, Narrowing narrowing);
  Async<RpcEnd> read_code(Execution* execution, Narrowing narrowing);
  // resources/read, prompts/get, completion/complete.
  Async<RpcEnd> read(McpExchange* exchange, std::string method, json::Value params);
  // As the request's headers narrow it.
  Async<SnapshotPtr> snapshot(McpExchange* exchange);

  Deps deps_;
};

}  // namespace sluice::ingress
