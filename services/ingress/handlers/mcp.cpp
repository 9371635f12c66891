#include "services/ingress/handlers/mcp.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/limits.h"

#include "common/http/error_map.h"
#include "common/json/scan.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kLastEventId = "last-event-id";
constexpr std::string_view kBatchVersion = "2025-03-26";  // the one revision with batches
constexpr std::array<std::string_view, 15> kMethods{
    "initialize",
    "ping",
    "logging/setLevel",
    "server/discover",
    "subscriptions/listen",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete"
};

http::HttpResponse accepted() {
  return {.status = 202, .headers = {}, .body = {}};
}

http::HttpResponse refused(int status, std::string message) {
  return refusal_response(
      std::nullopt,
      {.status = status,
       .error = {.code = mcp::kInvalidRequest, .message = std::move(message), .data = {}}}
  );
}

http::HttpResponse no_session_id() {
  return refused(
      400, "there is no Mcp-Session-Id; send initialize first and then the id it answers with"
  );
}

http::HttpResponse no_session() {
  return refused(404, "this session is unknown or has ended; send initialize again");
}

http::HttpResponse foreign_origin() {
  return refused(403, "this Origin may not use the gateway; add it to http.allowed_origins");
}

http::HttpResponse modern_has_no_session() {
  return refused(405, "this protocol version has no sessions; send each request by POST");
}

http::HttpResponse error_response(const Error& error, const Challenge& challenge) {
  auto response = http::error_response(error, http::Dialect::JsonRpc);
  if (std::string header = challenge.header_for(error); !header.empty()) {
    response.headers.add("www-authenticate", std::move(header));
  }
  return response;
}

Async<void> finish(McpReply* reply, Result<http::HttpResponse> response, Challenge challenge) {
  if (!response.ok()) {
    if (response.error().code() == Code::Cancelled) {
      co_return std::move(response).error();
    }
    response = error_response(response.error(), challenge);
  }
  co_return co_await reply->finish(std::move(response).value());
}

bool is_batch(std::string_view body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && body[first] == '[';
}

// -32700 for what is no JSON, -32600 for JSON that is no message.
http::HttpResponse unreadable(const std::string& body, const Error& error) {
  std::string copy = body;
  const bool json = is_batch(body) || json::Scan::object(copy).ok();
  return refusal_response(
      std::nullopt,
      {.status = 400,
       .error =
           {.code = json ? mcp::kInvalidRequest : mcp::kParseError,
            .message = error.message(),
            .data = {}}}
  );
}

// Whether a server carries it out.
bool goes_to_server(std::string_view method) {
  return method == mcp::kToolsCall ||
         (mcp::is_read_method(method) && method != mcp::kResourcesSubscribe);
}

McpResuming resuming_in(std::string_view session, bool has_stream) {
  return has_stream ? resuming_of(version_of_session(session)) : McpResuming::No;
}

bool is_request(const mcp::Message& message) {
  return message.kind == mcp::Message::Kind::Request;
}

}  // namespace

Async<void> McpHandler::post(
    http::HttpRequest request,
    http::ResponseWriter* writer,
    RequestContext context,
    Transport transport
) {
  const Challenge challenge(deps_.resource, request);
  McpReply reply(writer);
  auto response = co_await answer(&request, &reply, std::move(context), transport);
  co_return co_await finish(&reply, std::move(response), challenge);
}

Async<void> McpHandler::listen(
    http::HttpRequest request,
    http::ResponseWriter* writer,
    RequestContext context,
    Transport transport
) {
  const Challenge challenge(deps_.resource, request);
  McpReply reply(writer);
  auto response = co_await answer_listen(&request, &reply, std::move(context), transport);
  if (reply.begun() && !response.ok() && response.error().code() != Code::Cancelled) {
    response = http::HttpResponse{};  // there is no request an error could belong to
  }
  co_return co_await finish(&reply, std::move(response), challenge);
}

Async<http::HttpResponse> McpHandler::answer(
    http::HttpRequest* request, McpReply* reply, RequestContext context, Transport transport
) {
  if (!is_allowed_origin(request->headers, deps_.allowed_origins)) {
    co_return foreign_origin();
  }
  McpExchange exchange;
  exchange.request = request;
  exchange.reply = reply;
  exchange.has_stream = transport == Transport::StreamableHttp;
  SLUICE_CO_TRY(Admitted admitted, co_await deps_.admission->admit(request, std::move(context)));
  exchange.owner = admitted.owner();
  exchange.caller = std::move(admitted.caller);
  exchange.context = std::move(admitted.context);
  if (const auto refusal = refuse_accept(request->headers)) {
    co_return refusal_response(std::nullopt, *refusal);
  }
  auto messages = mcp::parse_messages(request->body);
  if (!messages.ok()) {
    co_return unreadable(request->body, messages.error());
  }
  exchange.era = era_of(request->headers, messages.value());
  if (exchange.era == McpEra::Legacy) {
    const bool batch = is_batch(request->body);
    co_return co_await answer_legacy(request, &exchange, reply, std::move(messages).value(), batch);
  }
  if (is_batch(request->body)) {
    co_return refused(400, "this protocol version has no batches; send one message at a time");
  }
  mcp::Message& message = messages.value().front();
  if (!is_request(message)) {
    co_return accepted();  // a client has nothing to notify of: closing the stream cancels
  }
  if (const auto refusal = refuse_modern(request->headers, message)) {
    co_return refusal_response(message.id, *refusal);
  }
  exchange.cancellable = true;  // by closing the stream
  co_return co_await answer_request(&exchange, std::move(message));
}

Async<http::HttpResponse> McpHandler::answer_legacy(
    http::HttpRequest* request,
    McpExchange* exchange,
    McpReply* reply,
    std::vector<mcp::Message> messages,
    bool is_batch
) {
  const http::Headers& headers = exchange->request->headers;
  if (!is_batch && is_request(messages.front()) && messages.front().method == "initialize") {
    co_return co_await initialize(exchange, std::move(messages.front()));
  }
  exchange->session = std::string(headers.get(mcp::kSessionHeader));
  if (exchange->session.empty()) {
    co_return no_session_id();
  }
  const std::string version(version_of_session(exchange->session));
  if (version.empty() || !is_session_at(exchange->request->path, exchange->session)) {
    co_return no_session();
  }
  SLUICE_CO_TRY(
      const bool alive, co_await deps_.sessions->touch(exchange->owner, exchange->session)
  );
  if (!alive) {
    co_return no_session();
  }
  if (const auto refusal = refuse_legacy(headers)) {
    co_return refusal_response(messages.front().id, *refusal);
  }
  if (is_batch) {
    if (version != kBatchVersion || messages.size() > kMcpBatchMessagesMax) {
      co_return refused(400, "this batch is not taken; send one message at a time");
    }
    co_return co_await answer_batch(exchange, std::move(messages));
  }
  if (!is_request(messages.front())) {
    deps_.calls->take({exchange->owner, exchange->session}, messages.front());
    co_return accepted();
  }
  if (goes_to_server(messages.front().method)) {
    co_return co_await answer_apart(request, exchange, reply, std::move(messages.front()));
  }
  co_return co_await answer_request(exchange, std::move(messages.front()));
}

struct McpHandler::LegacyCall {
  http::HttpRequest request;
  McpExchange exchange;
  mcp::Message message;
};

// The request goes on when the client leaves, so it has all it needs for itself.
Async<http::HttpResponse> McpHandler::answer_apart(
    http::HttpRequest* request, McpExchange* exchange, McpReply* reply, mcp::Message message
) {
  const auto call = std::make_shared<LegacyCall>();
  call->request = std::move(*request);
  call->request.body.clear();
  call->exchange = std::move(*exchange);
  call->exchange.request = &call->request;
  call->exchange.cancellable = true;  // by notifications/cancelled
  McpCalls::Start start{
      .by = {.owner = call->exchange.owner, .session = call->exchange.session},
      .id = *message.id,
      .resuming = resuming_in(call->exchange.session, call->exchange.has_stream),
      .reply = reply
  };
  call->message = std::move(message);
  const McpCalls::Work work = [this, call](McpEvents* events) { return answer_call(call, events); };
  co_return co_await deps_.calls->run(std::move(start), work);
}

Async<http::HttpResponse> McpHandler::answer_call(
    std::shared_ptr<LegacyCall> call, McpEvents* events
) {
  call->exchange.reply = events;
  co_return co_await answer_request(&call->exchange, std::move(call->message));
}

Async<http::HttpResponse> McpHandler::initialize(McpExchange* exchange, mcp::Message message) {
  const auto params = params_of(message);
  if (!params.ok()) {
    co_return rpc_response(*message.id, mcp::to_rpc_error(params.error()), exchange->era);
  }
  const std::string version = negotiated_version(params.value());
  const std::string session = new_session_id(version, exchange->request->path);
  auto capabilities = capabilities_in(params.value());
  if (!capabilities.ok()) {
    co_return rpc_response(*message.id, mcp::to_rpc_error(capabilities.error()), exchange->era);
  }
  SLUICE_CO_CHECK_OK(
      co_await deps_.sessions->open(exchange->owner, session, std::move(capabilities).value())
  );
  SLUICE_CO_TRY(const std::string instructions, co_await deps_.methods->instructions(exchange));
  const RpcEnd end = initialize_result(version, instructions);
  count(exchange->era, message.method, end);
  auto response = rpc_response(*message.id, end, exchange->era);
  response.headers.add(std::string(mcp::kSessionHeader), session);
  co_return response;
}

// One after the other. Nothing is told before the end of all.
Async<http::HttpResponse> McpHandler::answer_batch(
    McpExchange* exchange, std::vector<mcp::Message> messages
) {
  std::string body;
  exchange->alone = false;
  for (mcp::Message& message : messages) {
    if (!is_request(message)) {
      deps_.calls->take({exchange->owner, exchange->session}, message);
      continue;
    }
    SLUICE_CO_TRY(
        const http::HttpResponse one, co_await answer_request(exchange, std::move(message))
    );
    body.append(body.empty() ? "[" : ",").append(one.body);
  }
  co_return body.empty() ? accepted() : json_response(200, body + "]");
}

Async<http::HttpResponse> McpHandler::answer_request(McpExchange* exchange, mcp::Message message) {
  const mcp::RpcId id = *message.id;
  const std::string method = message.method;
  auto end = co_await deps_.methods->run(exchange, std::move(message));
  if (!end.ok()) {
    if (end.error().code() == Code::Cancelled) {
      co_return std::move(end).error();
    }
    end = RpcEnd(mcp::to_rpc_error(end.error()));
  }
  count(exchange->era, method, end.value());
  co_return rpc_response(id, end.value(), exchange->era);
}

Async<http::HttpResponse> McpHandler::answer_listen(
    const http::HttpRequest* request, McpReply* reply, RequestContext context, Transport transport
) {
  if (!is_allowed_origin(request->headers, deps_.allowed_origins)) {
    co_return foreign_origin();
  }
  SLUICE_CO_TRY(Admitted admitted, co_await deps_.admission->admit(request, std::move(context)));
  if (mcp::is_modern_version(request->headers.get(mcp::kVersionHeader))) {
    co_return modern_has_no_session();
  }
  const std::string session(request->headers.get(mcp::kSessionHeader));
  if (session.empty()) {
    co_return no_session_id();
  }
  SLUICE_CO_TRY(const bool lives, co_await deps_.sessions->touch(admitted.owner(), session));
  if (!lives || !is_session_at(request->path, session)) {
    co_return no_session();
  }
  const bool has_stream = transport == Transport::StreamableHttp;
  std::optional<McpEventId> after;
  if (has_stream && request->headers.has(kLastEventId)) {
    SLUICE_CO_TRY(after, parse_event_id(request->headers.get(kLastEventId)));
  }
  if (after && !after->lists) {
    SLUICE_CO_CHECK_OK(
        co_await deps_.events->resume(admitted.owner(), session, std::move(*after), reply)
    );
    co_return http::HttpResponse{};
  }
  const McpResuming resuming = resuming_in(session, has_stream);
  McpListener listener{
      .request = request,
      .owner = admitted.owner(),
      .context = admitted.context,
      .reply = reply,
      .first = {},
      .changes = changes_of(std::nullopt, kEveryKind),
      .session = session,
      .subscription = {},
      .resources = {},
      .numbered = resuming == McpResuming::No ? nullptr : reply,
      .primed = resuming == McpResuming::Primed,
      .known = after ? after->lists : std::nullopt,
      .id = {},
      .updates = {},
      .renewal = {}
  };
  SLUICE_CO_CHECK_OK(co_await deps_.streams->run(&listener));
  co_return http::HttpResponse{};
}

Async<http::HttpResponse> McpHandler::end(http::HttpRequest request, RequestContext context) {
  if (!is_allowed_origin(request.headers, deps_.allowed_origins)) {
    co_return foreign_origin();
  }
  const auto admitted = co_await deps_.admission->admit(&request, std::move(context));
  if (!admitted.ok()) {
    co_return error_response(admitted.error(), Challenge(deps_.resource, request));
  }
  if (mcp::is_modern_version(request.headers.get(mcp::kVersionHeader))) {
    co_return modern_has_no_session();
  }
  const std::string session(request.headers.get(mcp::kSessionHeader));
  if (session.empty()) {
    co_return no_session_id();
  }
  if (!is_session_at(request.path, session)) {
    co_return no_session();
  }
  SLUICE_CO_TRY(
      const bool ended, co_await deps_.sessions->close(admitted.value().owner(), session)
  );
  co_return ended ? http::HttpResponse{.status = 200, .headers = {}, .body = {}} : no_session();
}

void McpHandler::count(McpEra era, std::string_view method, const RpcEnd& end) {
  const bool known = std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
  deps_.metrics
      ->counter(
          "sluice_ingress_mcp_requests_total",
          "Requests of MCP clients",
          {{"era", era == McpEra::Modern ? "modern" : "legacy"},
           {"method", known ? std::string(method) : "other"},
           {"result", std::holds_alternative<std::string>(end) ? "result" : "error"}}
      )
      .add();
}

}  // namespace sluice::ingress
