// Every route of ingress, once: what is answered, under which limits, by which handler.
#pragma once

#include "services/ingress/domain/virtual_servers.h"
#include "services/ingress/handlers/approvals.h"
#include "services/ingress/handlers/chat_completions.h"
#include "services/ingress/handlers/embeddings.h"
#include "services/ingress/handlers/execute_tool.h"
#include "services/ingress/handlers/manage_keys.h"
#include "services/ingress/handlers/manage_pins.h"
#include "services/ingress/handlers/manage_policy.h"
#include "services/ingress/handlers/manage_runs.h"
#include "services/ingress/handlers/manage_servers.h"
#include "services/ingress/handlers/mcp.h"
#include "services/ingress/handlers/mcp_sse.h"
#include "services/ingress/handlers/models.h"
#include "services/ingress/handlers/oauth_authorize.h"
#include "services/ingress/handlers/oauth_callback.h"
#include "services/ingress/handlers/protected_resource.h"
#include "services/ingress/handlers/servers.h"
#include "services/ingress/handlers/setup.h"
#include "services/ingress/limits.h"

#include "common/http/server.h"

#include <chrono>
#include <optional>
#include <vector>

namespace sluice::ingress {

struct Handlers {
  ChatCompletionsHandler& chat_completions;  // all outlive the server
  EmbeddingsHandler& embeddings;
  ModelsHandler& models;
  ExecuteToolHandler& execute_tool;
  ServersHandler& servers;
  ManageServersHandler& manage_servers;
  ManagePolicyHandler& manage_policy;
  ManagePinsHandler& manage_pins;
  ApprovalsHandler& approvals;
  McpHandler& mcp;
  OAuthAuthorizeHandler& oauth_authorize;
  OAuthCallbackHandler& oauth_callback;
  ManageKeysHandler& manage_keys;
  SetupHandler& setup;
  McpSseHandler* mcp_sse = nullptr;                        // null: not served
  ProtectedResourceHandler* protected_resource = nullptr;  // likewise
  ManageRunsHandler* runs = nullptr;                       // likewise
};

// GET of the metadata of /mcp, or of a virtual server: with its description.
inline http::Route metadata_route(
    ProtectedResourceHandler* handler, const std::string& path, const std::string& name
) {
  const http::Handler get = [handler, name](http::HttpRequest, RequestContext) {
    return (*handler)(name);
  };
  return {
      .method = "GET", .path = metadata_path(path), .timeout = kManagementTimeout, .handler = get
  };
}

// The transport of 2024-11-05.
inline void add_sse_routes(std::vector<http::Route>* table, McpSseHandler* sse) {
  const http::StreamHandler listen =
      [sse](http::HttpRequest request, http::ResponseWriter* writer, RequestContext context) {
        return sse->listen(std::move(request), writer, std::move(context));
      };
  const http::Handler post = [sse](http::HttpRequest request, RequestContext context) {
    return sse->post(std::move(request), std::move(context));
  };
  // clang-format off
  table->push_back({.method = "GET", .path = "/sse", .dialect = http::Dialect::JsonRpc,
                    .timeout = kManagementTimeout, .produces = {"text/event-stream"}, .stream_handler = listen});
  table->push_back({.method = "POST", .path = "/sse/message", .body_bytes_max = kBodyBytesMax,
                    .dialect = http::Dialect::JsonRpc, .timeout = kMcpTimeout, .handler = post});
  // clang-format on
}

// POST, GET and DELETE at the path of a virtual server; of /mcp for nullopt.
inline void add_mcp_routes(
    std::vector<http::Route>* table, McpHandler* mcp, const std::optional<VirtualServer>& server
) {
  const std::string path = server ? path_of(*server) : "/mcp";
  const auto narrow = [server](http::HttpRequest* request) {
    if (server) {
      narrow_to(*server, &request->headers);
    }
  };
  const http::StreamHandler post =
      [mcp,
       narrow](http::HttpRequest request, http::ResponseWriter* writer, RequestContext context) {
        narrow(&request);
        return mcp->post(std::move(request), writer, std::move(context));
      };
  const http::StreamHandler listen =
      [mcp,
       narrow](http::HttpRequest request, http::ResponseWriter* writer, RequestContext context) {
        narrow(&request);
        return mcp->listen(std::move(request), writer, std::move(context));
      };
  const http::Handler end = [mcp](http::HttpRequest request, RequestContext context) {
    return mcp->end(std::move(request), std::move(context));
  };
  // clang-format off
  table->push_back({.method = "POST", .path = path, .body_bytes_max = kBodyBytesMax,
                    .dialect = http::Dialect::JsonRpc, .timeout = kMcpTimeout, .stream_handler = post});
  table->push_back({.method = "GET", .path = path, .dialect = http::Dialect::JsonRpc,
                    .timeout = kManagementTimeout, .produces = {"text/event-stream"}, .stream_handler = listen});
  table->push_back({.method = "DELETE", .path = path, .dialect = http::Dialect::JsonRpc,
                    .timeout = kManagementTimeout, .handler = end});
  // clang-format on
}

inline void add_server_routes(std::vector<http::Route>* table, Handlers handlers) {
  using Method =
      Async<http::HttpResponse> (ManageServersHandler::*)(http::HttpRequest, RequestContext);
  const auto handler = [&manage = handlers.manage_servers](Method method) -> http::Handler {
    return [&manage, method](http::HttpRequest request, RequestContext context) {
      return (manage.*method)(std::move(request), std::move(context));
    };
  };
  const std::string one = "/api/mcp/client/{id}";
  // clang-format off
  table->push_back({.method = "POST", .path = "/api/mcp/client", .body_bytes_max = kServerBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = handler(&ManageServersHandler::add)});
  table->push_back({.method = "PUT", .path = one, .body_bytes_max = kServerBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = handler(&ManageServersHandler::update)});
  table->push_back({.method = "DELETE", .path = one,
                    .timeout = kManagementTimeout, .handler = handler(&ManageServersHandler::remove)});
  table->push_back({.method = "POST", .path = one + "/reconnect", .body_bytes_max = kServerBodyBytesMax,
                    .timeout = kManagementTimeout, .content_type = "",
                    .handler = handler(&ManageServersHandler::reconnect)});
  // clang-format on
}

inline void add_policy_routes(std::vector<http::Route>* table, ManagePolicyHandler* manage) {
  const http::Handler show = [manage](http::HttpRequest request, RequestContext context) {
    return manage->show(std::move(request), std::move(context));
  };
  const http::Handler reload = [manage](http::HttpRequest request, RequestContext context) {
    return manage->reload(std::move(request), std::move(context));
  };
  const http::Handler explain = [manage](http::HttpRequest request, RequestContext context) {
    return manage->explain(std::move(request), std::move(context));
  };
  const http::Handler limits = [manage](http::HttpRequest request, RequestContext context) {
    return manage->limits(std::move(request), std::move(context));
  };
  // clang-format off
  table->push_back({.method = "GET", .path = "/api/limits", .timeout = kManagementTimeout, .handler = limits});
  table->push_back({.method = "GET", .path = "/api/policy", .timeout = kManagementTimeout, .handler = show});
  table->push_back({.method = "POST", .path = "/api/policy/reload", .body_bytes_max = kServerBodyBytesMax,
                    .timeout = kManagementTimeout, .content_type = "", .handler = reload});
  table->push_back({.method = "POST", .path = "/api/policy/explain", .body_bytes_max = kBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = explain});
  // clang-format on
}

inline void add_key_routes(
    std::vector<http::Route>* table, ManageKeysHandler* keys, SetupHandler* setup
) {
  using Method =
      Async<http::HttpResponse> (ManageKeysHandler::*)(http::HttpRequest, RequestContext);
  const auto handler = [keys](Method method) -> http::Handler {
    return [keys, method](http::HttpRequest request, RequestContext context) {
      return (keys->*method)(std::move(request), std::move(context));
    };
  };
  const http::Handler first = [setup](http::HttpRequest request, RequestContext context) {
    return (*setup)(std::move(request), std::move(context));
  };
  const std::string all = "/api/keys";
  // clang-format off
  table->push_back({.method = "GET", .path = all, .timeout = kManagementTimeout, .handler = handler(&ManageKeysHandler::list)});
  table->push_back({.method = "POST", .path = all, .body_bytes_max = kServerBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = handler(&ManageKeysHandler::create)});
  table->push_back({.method = "GET", .path = all + "/{id}", .timeout = kManagementTimeout, .handler = handler(&ManageKeysHandler::get)});
  table->push_back({.method = "PUT", .path = all + "/{id}", .body_bytes_max = kServerBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = handler(&ManageKeysHandler::update)});
  table->push_back({.method = "DELETE", .path = all + "/{id}", .timeout = kManagementTimeout,
                    .handler = handler(&ManageKeysHandler::revoke)});
  table->push_back({.method = "POST", .path = "/api/setup", .body_bytes_max = kAnswerBodyBytesMax,
                    .timeout = kManagementTimeout, .content_type = "", .handler = first});
  // clang-format on
}

inline void add_pin_routes(std::vector<http::Route>* table, ManagePinsHandler* manage) {
  using Method =
      Async<http::HttpResponse> (ManagePinsHandler::*)(http::HttpRequest, RequestContext);
  const auto handler = [manage](Method method) -> http::Handler {
    return [manage, method](http::HttpRequest request, RequestContext context) {
      return (manage->*method)(std::move(request), std::move(context));
    };
  };
  const std::string one = "/api/pins/{server}";
  // clang-format off
  table->push_back({.method = "GET", .path = "/api/pins", .timeout = kManagementTimeout, .handler = handler(&ManagePinsHandler::list)});
  table->push_back({.method = "GET", .path = one, .timeout = kManagementTimeout, .handler = handler(&ManagePinsHandler::get)});
  table->push_back({.method = "POST", .path = one, .body_bytes_max = kAnswerBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = handler(&ManagePinsHandler::approve)});
  // clang-format on
}

inline void add_run_routes(std::vector<http::Route>* table, ManageRunsHandler* runs) {
  using Method =
      Async<http::HttpResponse> (ManageRunsHandler::*)(http::HttpRequest, RequestContext);
  const auto handler = [runs](Method method) -> http::Handler {
    return [runs, method](http::HttpRequest request, RequestContext context) {
      return (runs->*method)(std::move(request), std::move(context));
    };
  };
  const std::string all = "/api/runs";
  // clang-format off
  table->push_back({.method = "GET", .path = all, .timeout = kManagementTimeout, .handler = handler(&ManageRunsHandler::list)});
  table->push_back({.method = "GET", .path = all + "/{id}", .timeout = kManagementTimeout, .handler = handler(&ManageRunsHandler::get)});
  table->push_back({.method = "POST", .path = all + "/{id}/cancel", .body_bytes_max = kAnswerBodyBytesMax,
                    .timeout = kManagementTimeout, .content_type = "", .handler = handler(&ManageRunsHandler::cancel)});
  // clang-format on
}

inline void add_approval_routes(std::vector<http::Route>* table, ApprovalsHandler* approvals) {
  using Method = Async<http::HttpResponse> (ApprovalsHandler::*)(http::HttpRequest, RequestContext);
  const auto handler = [approvals](Method method) -> http::Handler {
    return [approvals, method](http::HttpRequest request, RequestContext context) {
      return (approvals->*method)(std::move(request), std::move(context));
    };
  };
  const http::StreamHandler events =
      [approvals](http::HttpRequest request, http::ResponseWriter* writer, RequestContext context) {
        return approvals->events(std::move(request), writer, std::move(context));
      };
  const std::string all = "/api/approvals";
  // clang-format off
  table->push_back({.method = "GET", .path = all, .timeout = kManagementTimeout, .handler = handler(&ApprovalsHandler::list)});
  table->push_back({.method = "GET", .path = all + "/events", .timeout = kManagementTimeout,
                    .produces = {"text/event-stream"}, .stream_handler = events});
  table->push_back({.method = "GET", .path = all + "/{id}", .timeout = kManagementTimeout, .handler = handler(&ApprovalsHandler::get)});
  table->push_back({.method = "POST", .path = all + "/{id}", .body_bytes_max = kAnswerBodyBytesMax,
                    .timeout = kManagementTimeout, .handler = handler(&ApprovalsHandler::answer)});
  // clang-format on
}

// execute_timeout: of what runs a tool, over the time of a tool or script.
[[nodiscard]] inline std::vector<http::Route> routes(
    Handlers handlers,
    std::chrono::milliseconds execute_timeout,
    const std::vector<VirtualServer>& virtual_servers
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
  table.push_back({.method = "POST", .path = "/api/mcp/client/{id}/authorize", .body_bytes_max = kAuthorizeBodyBytesMax,
                   .timeout = kManagementTimeout, .handler = plain(handlers.oauth_authorize)});
  table.push_back({.method = "GET", .path = "/api/mcp/oauth/callback", .timeout = kManagementTimeout,
                   .handler = plain(handlers.oauth_callback)});
  // clang-format on
  add_server_routes(&table, handlers);
  add_policy_routes(&table, &handlers.manage_policy);
  add_key_routes(&table, &handlers.manage_keys, &handlers.setup);
  add_pin_routes(&table, &handlers.manage_pins);
  add_approval_routes(&table, &handlers.approvals);
  if (handlers.runs != nullptr) {
    add_run_routes(&table, handlers.runs);
  }
  add_mcp_routes(&table, &handlers.mcp, std::nullopt);
  for (const VirtualServer& server : virtual_servers) {
    add_mcp_routes(&table, &handlers.mcp, server);
  }
  if (handlers.mcp_sse != nullptr) {
    add_sse_routes(&table, handlers.mcp_sse);
  }
  if (ProtectedResourceHandler* const metadata = handlers.protected_resource;
      metadata != nullptr && metadata->is_configured()) {
    table.push_back(metadata_route(metadata, "", ""));
    table.push_back(metadata_route(metadata, "/mcp", ""));
    for (const VirtualServer& server : virtual_servers) {
      table.push_back(metadata_route(metadata, path_of(server), server.description));
    }
  }
  return table;
}

}  // namespace sluice::ingress
