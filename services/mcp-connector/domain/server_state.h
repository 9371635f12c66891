// What the gateway says about a server's connection: connected, connecting, disconnected or error,
// since when and why.
#pragma once

#include "proto/sluice/connector/v1/connector.pb.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// Where a connection failed; the names appear in the management API.
enum class Stage { None, Connect, Authorize, Initialize, ListTools, Ping, TransportLost };

[[nodiscard]] std::string_view name_of(Stage stage);
[[nodiscard]] std::string_view name_of(connector::v1::ServerState state);

class ServerStatus {
 public:
  // not yet tried
  explicit ServerStatus(std::int64_t now_unix_ms) : since_unix_ms_(now_unix_ms) {}

  // A first attempt is disconnected → connecting; an attempt after a failure keeps stage and
  // message until it ends.
  void connecting(std::int64_t now_unix_ms);
  void connected(std::int64_t now_unix_ms);
  // The connection could not be made, or is unusable.
  void failed(Stage stage, std::string message, std::int64_t now_unix_ms);
  // It was there and is gone.
  void lost(Stage stage, std::string message, std::int64_t now_unix_ms);

  [[nodiscard]] connector::v1::ServerState state() const { return state_; }

  [[nodiscard]] Stage stage() const { return stage_; }

  [[nodiscard]] const std::string& message() const { return message_; }

  [[nodiscard]] std::int64_t since_unix_ms() const { return since_unix_ms_; }

 private:
  void enter(connector::v1::ServerState state, std::int64_t now_unix_ms);

  connector::v1::ServerState state_ = connector::v1::SERVER_STATE_DISCONNECTED;
  Stage stage_ = Stage::None;
  std::string message_;
  std::int64_t since_unix_ms_;
};

}  // namespace sluice::mcp_connector
