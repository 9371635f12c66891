#include "services/mcp-connector/adapters/client_link.h"

#include <string>
#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;

}  // namespace

ClientLink::ClientLink(
    ClientLinkDeps deps,
    const ServerConfig& server,
    std::shared_ptr<const http::AddressGuard> guard,
    std::shared_ptr<oauth::Authorization> authorization
)
    : deps_(deps),
      name_(server.name),
      url_(server.address.reveal()),
      guard_(std::move(guard)),
      authorization_(std::move(authorization)),
      tasks_(deps.executor, [log = deps.log](std::string_view name, const Error& error) {
        log->error("http-link-task-failed", {{"task", name}, {"error", error.to_log()}});
      }) {
  for (const auto& [name, value] : server.headers) {
    headers_.add(name, value.reveal());
  }
}

Result<void> ClientLink::send(Outbound outbound) {
  if (ended()) {
    return Error(
        Code::Unavailable, "the connection to the MCP server is lost; it is made anew, retry later"
    );
  }
  if (queued_bytes_ + outbound.message.size() > kOutputBytesMax) {
    return Error(Code::Exhausted, "the MCP server takes no messages at the moment; retry later");
  }
  queued_bytes_ += outbound.message.size();
  queue_.push_back(std::move(outbound));
  send_queued();
  return {};
}

std::optional<ServerLink::Outbound> ClientLink::next_queued() {
  if (queue_.empty()) {
    return std::nullopt;
  }
  Outbound next = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= next.message.size();
  return next;
}

http::ClientRequest ClientLink::request(
    std::string method, std::string url, std::string body, TimePoint deadline
) const {
  http::ClientRequest request{
      .method = std::move(method),
      .url = std::move(url),
      .headers = headers_,
      .body = std::move(body),
      .deadline = deadline,
      .guard = guard_
  };
  if (!request.body.empty()) {
    request.headers.set("content-type", "application/json");
  }
  if (!version_.empty()) {
    request.headers.set(mcp::kVersionHeader, version_);
  }
  return request;
}

Async<std::unique_ptr<http::BodyStream>> ClientLink::open(http::ClientRequest request) {
  if (!authorization_) {
    co_return co_await deps_.client->open(std::move(request));
  }
  for (bool is_repeated = false;; is_repeated = true) {
    SLUICE_CO_TRY(const auto header, co_await authorization_->header());
    http::ClientRequest attempt = request;
    if (!header.empty()) {
      attempt.headers.set("authorization", header.reveal());
    }
    SLUICE_CO_TRY(auto response, co_await deps_.client->open(std::move(attempt)));
    const int status = response->status();
    if ((status != kUnauthorized && status != kForbidden) || is_repeated) {
      co_return response;
    }
    const auto renewed = co_await authorization_->refused(status, response->headers(), header);
    if (!renewed.ok()) {
      if (renewed.error().code() == Code::Unauthenticated && status == kUnauthorized &&
          is_negotiated()) {
        lose(renewed.error().message());
      }
      co_return renewed.error();
    }
    if (!renewed.value()) {
      co_return response;
    }
    co_await read_off(response.get());
  }
}

Async<void> ClientLink::push(Inbound inbound) {
  const auto taken = co_await inbound_.push(std::move(inbound));
  co_return ended() ? Result<void>() : taken;
}

Async<void> ClientLink::deliver(std::string message, std::optional<std::int64_t> during) {
  return push(Received{.text = std::move(message), .during = during});
}

Async<void> ClientLink::leave_unanswered(std::int64_t request, Error why) {
  return push(Unanswered{request, std::move(why)});
}

bool is_success(int status) {
  return status >= 200 && status < 300;
}

bool is_event_stream(const http::BodyStream& response) {
  return is_success(response.status()) &&
         http::has_media_type(response.headers(), "text/event-stream");
}

bool is_message(const http::SseEvent& event) {
  return !event.data.empty() && (event.event.empty() || event.event == "message");
}

Error status_error(int status) {
  if (status == kUnauthorized || status == kForbidden) {
    return Error(
        Code::Denied,
        "the MCP server refused the gateway's credentials with HTTP status " +
            std::to_string(status) + "; check headers or oauth_config in its configuration"
    );
  }
  return Error(
      Code::Unavailable,
      "the MCP server answered with HTTP status " + std::to_string(status) +
          " and no MCP message; check connection_string, or look at the server's own logs"
  );
}

async::Plain<void> read_off(http::BodyStream* response) {
  for (std::size_t bytes = 0; bytes <= kIgnoredBodyBytesMax;) {
    const auto piece = co_await response->read();
    if (!piece.ok() || piece.value().empty()) {
      break;
    }
    bytes += piece.value().size();
  }
}

Result<std::shared_ptr<const http::AddressGuard>> guard_of(const ServerConfig& server) {
  return http::AddressGuard::make(
      server.allowed_private_networks, "allowed_private_networks in the server's configuration"
  );
}

Result<void> check_auth_type(const ServerConfig& server) {
  if (server.auth_type == "none" || server.auth_type == "headers" || server.uses_oauth()) {
    return {};
  }
  return Error(
      Code::Invalid,
      "auth_type " + server.auth_type +
          " is not available in this version; use oauth, or headers with a fixed credential"
  );
}

Async<std::shared_ptr<oauth::Authorization>> authorization_of(
    ClientLinkDeps deps, const ServerConfig* server
) {
  if (!server->uses_oauth()) {
    co_return std::shared_ptr<oauth::Authorization>();
  }
  SLUICE_CHECK(deps.authorizations != nullptr, "whoever opens links to servers has authorizations");
  co_return co_await deps.authorizations->open(server);
}

}  // namespace sluice::mcp_connector
