#include "services/mcp-connector/domain/server_state.h"

#include "common/base/check.h"

#include <utility>

namespace sluice::mcp_connector {

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::None:
      return "";
    case Stage::Connect:
      return "connect";
    case Stage::Authorize:
      return "authorize";
    case Stage::Initialize:
      return "initialize";
    case Stage::ListTools:
      return "list_tools";
    case Stage::Ping:
      return "ping";
    case Stage::TransportLost:
      return "transport_lost";
  }
  SLUICE_UNREACHABLE("every stage is listed");
}

std::string_view name_of(connector::v1::ServerState state) {
  switch (state) {
    case connector::v1::SERVER_STATE_CONNECTED:
      return "connected";
    case connector::v1::SERVER_STATE_CONNECTING:
      return "connecting";
    case connector::v1::SERVER_STATE_DISCONNECTED:
      return "disconnected";
    case connector::v1::SERVER_STATE_ERROR:
      return "error";
    default:
      return "unspecified";
  }
}

void ServerStatus::enter(connector::v1::ServerState state, std::int64_t now_unix_ms) {
  if (state_ != state) {
    state_ = state;
    since_unix_ms_ = now_unix_ms;
  }
}

void ServerStatus::connecting(std::int64_t now_unix_ms) {
  enter(connector::v1::SERVER_STATE_CONNECTING, now_unix_ms);
}

void ServerStatus::connected(std::int64_t now_unix_ms) {
  stage_ = Stage::None;
  message_.clear();
  enter(connector::v1::SERVER_STATE_CONNECTED, now_unix_ms);
}

void ServerStatus::failed(Stage stage, std::string message, std::int64_t now_unix_ms) {
  stage_ = stage;
  message_ = std::move(message);
  enter(connector::v1::SERVER_STATE_ERROR, now_unix_ms);
}

void ServerStatus::lost(Stage stage, std::string message, std::int64_t now_unix_ms) {
  stage_ = stage;
  message_ = std::move(message);
  enter(connector::v1::SERVER_STATE_DISCONNECTED, now_unix_ms);
}

}  // namespace sluice::mcp_connector
