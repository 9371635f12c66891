// /mcp: the gateway as an MCP server over Streamable HTTP, for clients of both eras on one
// endpoint. They see what policy shows them and use it under grants, as the other surfaces do.
//
// Legacy (2024-11-05 … 2025-11-25): initialize opens a session, GET listens for changes, DELETE
// ends it. A disconnect does not end a call, notifications/cancelled does; the client comes back by
// GET with Last-Event-ID. What a server asks is a request to the client, answered by another POST.
// Modern (2026-07-28): stateless, server/discover, subscriptions/listen; a client that closes its
// stream ends its request. What a server asks is a result, answered by the request sent again.
// Answers are JSON; a request becomes an event stream with the first thing its client is told
// before the end.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/mcp_calls.h"
#include "services/ingress/domain/mcp_event_log.h"
#include "services/ingress/domain/mcp_methods.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/domain/mcp_request.h"
#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/domain/mcp_streams.h"
#include "services/ingress/domain/protected_resource.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"
#include "common/observability/metrics.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

class McpHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    McpSessionStore* sessions;
    McpMethods* methods;
    McpStreams* streams;
    McpCalls* calls;
    McpEventLog* events;
    observability::Metrics* metrics;
    std::vector<std::string> allowed_origins;     // http.allowed_origins
    const ProtectedResource* resource = nullptr;  // where tokens come from; null: not told
  };

  explicit McpHandler(Deps deps) : deps_(std::move(deps)) {}

  // What carries the answers. Streams of HTTP+SSE cannot be resumed.
  enum class Transport : std::uint8_t { StreamableHttp, HttpSse };

  Async<void> post(
      http::HttpRequest request,
      http::ResponseWriter* writer,
      RequestContext context,
      Transport transport = Transport::StreamableHttp
  );
  // GET: the stream of a session, or what followed Last-Event-ID on the one that this names.
  Async<void> listen(
      http::HttpRequest request,
      http::ResponseWriter* writer,
      RequestContext context,
      Transport transport = Transport::StreamableHttp
  );
  // DELETE: ends a session.
  Async<http::HttpResponse> end(http::HttpRequest request, RequestContext context);

 private:
  Async<http::HttpResponse> answer(
      http::HttpRequest* request, McpReply* reply, RequestContext context, Transport transport
  );
  // What a request of a legacy client that goes to a server needs for as long as it runs.
  struct LegacyCall;

  Async<http::HttpResponse> answer_legacy(
      http::HttpRequest* request,
      McpExchange* exchange,
      McpReply* reply,
      std::vector<mcp::Message> messages,
      bool is_batch
  );
  Async<http::HttpResponse> answer_apart(
      http::HttpRequest* request, McpExchange* exchange, McpReply* reply, mcp::Message message
  );
  Async<http::HttpResponse> answer_call(std::shared_ptr<LegacyCall> call, McpEvents* events);
  Async<http::HttpResponse> initialize(McpExchange* exchange, mcp::Message message);
  Async<http::HttpResponse> answer_batch(McpExchange* exchange, std::vector<mcp::Message> messages);
  Async<http::HttpResponse> answer_request(McpExchange* exchange, mcp::Message message);
  Async<http::HttpResponse> answer_listen(
      const http::HttpRequest* request, McpReply* reply, RequestContext context, Transport transport
  );
  void count(McpEra era, std::string_view method, const RpcEnd& end);

  Deps deps_;
};

}  // namespace sluice::ingress
