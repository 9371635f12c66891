// Every route of ingress, once: what is answered, under which limits, by which handler.
#pragma once

#include "services/ingress/handlers/chat_completions.h"
#include "services/ingress/handlers/embeddings.h"
#include "services/ingress/handlers/execute_tool.h"
#include "services/ingress/handlers/mcp.h"
#include "services/ingress/handlers/models.h"
#include "services/ingress/handlers/servers.h"
#include "services/ingress/limits.h"

#include "common/http/server.h"

#include <chrono>
#include <vector>

namespace sluice::ingress {

struct Handlers {
  ChatCompletionsHandler& chat_completions;  // all outlive the server
  EmbeddingsHandler& embeddings;
  ModelsHandler& models;
  ExecuteToolHandler& execute_tool;
  ServersHandler& servers;
  McpHandler& mcp;
};

// execute_timeout: of what runs a tool, over the time of a tool or script.
[[nodiscard]] inline std::vector<http::Route> routes(
    Handlers handlers, std::chrono::milliseconds execute_timeout
) {
  const auto plain = [](auto& handler) -> http::Handler {
    return [&handler](http::HttpRequest request, RequestContext context) {
      return handler(std::move(request), std::move(context));
    };
  };
  const http::StreamHandler chat =
      [&handler = handlers.chat_completions](
          http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
      ) { return handler(std::move(request), writer, std::move(context)); };
  const http::StreamHandler mcp_post =
      [&handler = handlers.mcp](
          http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
      ) { return handler.post(std::move(request), writer, std::move(context)); };
  const http::StreamHandler mcp_listen =
      [&handler = handlers.mcp](
          http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
      ) { return handler.listen(std::move(request), writer, std::move(context)); };
  const http::Handler mcp_end = [&handler = handlers.mcp](
                                    http::HttpRequest request, RequestContext context
                                ) { return handler.end(std::move(request), std::move(context)); };
  std::vector<http::Route> table;
  for (const std::string prefix : {"/v1", "/openai/v1"}) {
    // clang-format off
    table.push_back({.method = "POST", .path = prefix + "/chat/completions", .body_bytes_max = kBodyBytesMax,
                     .timeout = kChatTimeout, .stream_handler = chat});
    table.push_back({.method = "POST", .path = prefix + "/embeddings", .body_bytes_max = kBodyBytesMax,
                     .timeout = kEmbedTimeout, .handler = plain(handlers.embeddings)});
    table.push_back({.method = "GET", .path = prefix + "/models",
                     .timeout = kManagementTimeout, .handler = plain(handlers.models)});
    // clang-format on
  }
  // clang-format off
  table.push_back({.method = "POST", .path = "/v1/mcp/tool/execute", .body_bytes_max = kBodyBytesMax,
                   .timeout = execute_timeout, .handler = plain(handlers.execute_tool)});
  table.push_back({.method = "GET", .path = "/api/mcp/clients",
                   .timeout = kManagementTimeout, .handler = plain(handlers.servers)});
  table.push_back({.method = "POST", .path = "/mcp", .body_bytes_max = kBodyBytesMax,
                   .dialect = http::Dialect::JsonRpc, .timeout = kMcpTimeout, .stream_handler = mcp_post});
  table.push_back({.method = "GET", .path = "/mcp", .dialect = http::Dialect::JsonRpc,
                   .timeout = kManagementTimeout, .produces = {"text/event-stream"}, .stream_handler = mcp_listen});
  table.push_back({.method = "DELETE", .path = "/mcp", .dialect = http::Dialect::JsonRpc,
                   .timeout = kManagementTimeout, .handler = mcp_end});
  // clang-format on
  return table;
}

}  // namespace sluice::ingress
