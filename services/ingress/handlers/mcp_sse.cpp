#include "services/ingress/handlers/mcp_sse.h"

#include "services/ingress/domain/event_stream.h"
#include "services/ingress/domain/query.h"
#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/http/error_map.h"
#include "common/http/sse.h"
#include "common/mcp/json_rpc.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::size_t kIdBytes = 16;

Error no_session() {
  return Error(
      Code::NotFound, "this session is unknown or has ended; open the event stream again with GET"
  );
}

http::Headers stream_headers() {
  http::Headers headers;
  headers.add("content-type", "text/event-stream");
  headers.add("cache-control", "no-store");
  headers.add("x-accel-buffering", "no");  // proxies hand on each event at once
  return headers;
}

// The same request for /mcp: a client of this transport knows neither its sessions nor what it
// wants to hear of Accept.
http::HttpRequest for_mcp(
    const http::HttpRequest& request, std::string method, const std::string& session
) {
  http::HttpRequest made;
  made.method = std::move(method);
  made.target = made.path = "/mcp";
  made.headers = request.headers;
  made.remote_address = request.remote_address;
  made.headers.set("accept", "application/json, text/event-stream");
  made.headers.remove(mcp::kSessionHeader);
  if (!session.empty()) {
    made.headers.add(std::string(mcp::kSessionHeader), session);
  }
  return made;
}

bool is_initialize(const mcp::Message& message) {
  return message.kind == mcp::Message::Kind::Request && message.method == "initialize";
}

bool same(const Owner& a, const Owner& b) {
  return a.tenant == b.tenant && a.principal == b.principal;
}

}  // namespace

Async<Admitted> McpSseHandler::admit(const http::HttpRequest* request, RequestContext context) {
  if (!is_allowed_origin(request->headers, deps_.allowed_origins)) {
    co_return Error(
        Code::Denied, "this Origin may not use the gateway; add it to http.allowed_origins"
    );
  }
  co_return co_await deps_.admission->admit(request, std::move(context));
}

http::HttpResponse McpSseHandler::refused(const Error& error, const http::HttpRequest& request)
    const {
  auto response = http::error_response(error, http::Dialect::JsonRpc);
  const bool by_origin = !is_allowed_origin(request.headers, deps_.allowed_origins);
  if (std::string header = Challenge(deps_.resource, request).header_for(error);
      !header.empty() && !by_origin) {
    response.headers.add("www-authenticate", std::move(header));
  }
  return response;
}

bool McpSseHandler::has_room(const Owner& owner) const {
  const auto of_owner = std::count_if(streams_.begin(), streams_.end(), [&owner](const auto& one) {
    return same(one.second->owner(), owner);
  });
  return streams_.size() < kSseStreamsMax && static_cast<std::size_t>(of_owner) < kMcpStreamsMax;
}

Async<void> McpSseHandler::listen(
    http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
) {
  auto admitted = co_await admit(&request, context);
  if (admitted.ok() && (stopped_ || !has_room(admitted.value().owner()))) {
    admitted =
        Error(Code::Exhausted, "too many event streams are open; close some of them, or use /mcp");
  }
  if (!admitted.ok()) {
    if (admitted.error().code() == Code::Cancelled) {
      co_return std::move(admitted).error();
    }
    co_return co_await writer->respond(refused(admitted.error(), request));
  }
  const auto stream = std::make_shared<McpSseStream>(
      to_hex(crypto::random_bytes(kIdBytes)), admitted.value().owner()
  );
  streams_.emplace(stream->id(), stream);
  auto ended = co_await serve(stream, &request, writer, context);
  close(stream, request, std::move(context));
  if (!ended.ok() && ended.error().code() == Code::Cancelled) {
    co_return ended;
  }
  co_return co_await writer->end();
}

Async<void> McpSseHandler::serve(
    StreamPtr stream,
    const http::HttpRequest* request,
    http::ResponseWriter* writer,
    RequestContext context
) {
  SLUICE_CO_CHECK_OK(co_await writer->begin(200, stream_headers()));
  SLUICE_CO_CHECK_OK(
      co_await writer->write(http::format_sse("/sse/message?session=" + stream->id(), "endpoint"))
  );
  const EventStream sent{
      .events = stream->events(),
      .admission = deps_.admission,
      .clock = deps_.clock,
      .request = request,
      .on_renew = {},
  };
  co_return co_await send_events(&sent, writer, std::move(context));
}

void McpSseHandler::close(
    const StreamPtr& stream, const http::HttpRequest& request, RequestContext context
) {
  streams_.erase(stream->id());
  stream->close();
  if (!stream->session().empty()) {
    context.deadline = deps_.clock->now() + kManagementTimeout;
    deps_.tasks->spawn(
        "mcp-sse-end",
        end_session(for_mcp(request, "DELETE", stream->session()), std::move(context))
    );
  }
}

Async<http::HttpResponse> McpSseHandler::post(http::HttpRequest request, RequestContext context) {
  const auto admitted = co_await admit(&request, context);
  if (!admitted.ok()) {
    co_return refused(admitted.error(), request);
  }
  const auto id = query_text(request.query, "session");
  const auto found =
      streams_.find(id.ok() && id.value() ? std::string_view(*id.value()) : std::string_view());
  if (found == streams_.end() || !same(found->second->owner(), admitted.value().owner())) {
    co_return no_session();
  }
  const StreamPtr stream = found->second;
  const auto messages = mcp::parse_messages(request.body);
  if (!messages.ok()) {
    co_return messages.error();
  }
  if (stream->requests >= kSseRequestsMax) {
    co_return Error(
        Code::Exhausted, "too many requests of this session are under way; wait for some of them"
    );
  }
  http::HttpRequest inner =
      for_mcp(request, "POST", is_initialize(messages.value().front()) ? "" : stream->session());
  inner.body = std::move(request.body);
  ++stream->requests;
  deps_.tasks->spawn("mcp-sse-request", answer(stream, std::move(inner), std::move(context)));
  co_return http::HttpResponse{.status = 202, .headers = {}, .body = {}};
}

Async<void> McpSseHandler::answer(
    StreamPtr stream, http::HttpRequest request, RequestContext context
) {
  McpSseWriter writer(stream);
  const bool had_session = !stream->session().empty();
  http::HttpRequest listening = for_mcp(request, "GET", "");
  auto answered = co_await deps_.mcp->post(
      std::move(request), &writer, context, McpHandler::Transport::HttpSse
  );
  --stream->requests;
  if (!had_session && !stream->session().empty() && !stream->closed()) {
    listening.headers.set(mcp::kSessionHeader, stream->session());
    deps_.tasks->spawn("mcp-sse-listen", tell(stream, std::move(listening), std::move(context)));
  }
  co_return answered;
}

Async<void> McpSseHandler::tell(
    StreamPtr stream, http::HttpRequest request, RequestContext context
) {
  McpSseWriter writer(stream);
  const auto ended = co_await deps_.mcp->listen(
      std::move(request), &writer, std::move(context), McpHandler::Transport::HttpSse
  );
  stream->close();  // its session ended
  co_return ended;
}

Async<void> McpSseHandler::end_session(http::HttpRequest request, RequestContext context) {
  const auto ended = co_await deps_.mcp->end(std::move(request), std::move(context));
  co_return ended.ok() ? Result<void>() : Result<void>(ended.error());
}

void McpSseHandler::stop() {
  stopped_ = true;
  for (const auto& [id, stream] : streams_) {
    stream->close();
  }
}

}  // namespace sluice::ingress
