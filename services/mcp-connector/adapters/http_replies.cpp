#include "services/mcp-connector/adapters/http_replies.h"

#include "services/mcp-connector/limits.h"

#include <algorithm>
#include <string>

namespace sluice::mcp_connector {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;

}  // namespace

bool is_success(int status) {
  return status >= 200 && status < 300;
}

bool is_type(const http::BodyStream& response, std::string_view type) {
  std::string given(response.headers().get("content-type"));
  given.resize(std::min(given.size(), given.find(';')));
  while (!given.empty() && given.back() == ' ') {
    given.pop_back();
  }
  std::transform(given.begin(), given.end(), given.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return given == type;
}

bool is_event_stream(const http::BodyStream& response) {
  return is_success(response.status()) && is_type(response, "text/event-stream");
}

Error status_error(int status) {
  if (status == kUnauthorized || status == kForbidden) {
    return Error(
        Code::Denied,
        "the MCP server refused the gateway's credentials with HTTP status " +
            std::to_string(status) + "; check headers in its configuration"
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

Result<void> check_auth_type(const ServerConfig& server) {
  if (server.auth_type == "none" || server.auth_type == "headers") {
    return {};
  }
  return Error(
      Code::Invalid,
      "auth_type " + server.auth_type +
          " is not available in this version; use headers with a fixed credential"
  );
}

}  // namespace sluice::mcp_connector
