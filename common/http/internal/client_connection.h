// One connection of the client to an origin: idle in the pool, or in the hands of one exchange.
#pragma once

#include "common/http/internal/wire.h"

#include <optional>
#include <string>

namespace sluice::http {

class ClientConnection;

// Who keeps the idle connections.
class ConnectionOwner {
 public:
  ConnectionOwner() = default;
  ConnectionOwner(const ConnectionOwner&) = delete;
  ConnectionOwner& operator=(const ConnectionOwner&) = delete;
  ConnectionOwner(ConnectionOwner&&) = delete;
  ConnectionOwner& operator=(ConnectionOwner&&) = delete;
  virtual ~ConnectionOwner() = default;
  // An idle connection ended, or sent bytes nobody asked for.
  virtual void on_idle_ended(ClientConnection* connection) = 0;
  virtual void on_deadline_set(TimePoint when) = 0;
};

class ClientConnection final : public Wire {
 public:
  ClientConnection(
      Executor loop, async::Clock* clock, ConnectionOwner* owner, std::string pool_key
  );

  [[nodiscard]] const std::string& pool_key() const { return pool_key_; }

  // Starts an exchange that ends by the deadline.
  void begin(TimePoint deadline);
  // Back into the pool, until the deadline.
  void rest(TimePoint deadline);

  [[nodiscard]] bool idle() const { return idle_; }

  [[nodiscard]] bool reused() const { return exchanges_ > 1; }

  // Nothing of the current exchange's request was taken by the socket.
  [[nodiscard]] bool nothing_sent() const { return bytes_sent() == sent_before_; }

  [[nodiscard]] bool nothing_received() const { return bytes_received() == received_before_; }

  // Waits for bytes() or ended(). Errors: Cancelled, Deadline.
  Async<void> more();

  [[nodiscard]] std::string_view bytes() const { return unread(); }

  void used(std::size_t count) { consume(count); }

  [[nodiscard]] bool ended() const { return ended_; }

  // The peer closed in order (and not by a reset).
  [[nodiscard]] bool ended_cleanly() const { return ended_cleanly_; }

  [[nodiscard]] TimePoint deadline() const { return std::min(deadline_, write_deadline()); }

  // The deadline passed.
  void expire();
  // The owner goes away.
  void disown();

  [[nodiscard]] bool expired() const { return expired_; }

 private:
  void on_bytes() override;
  void on_peer_gone(bool clean) override;
  void on_write_pending() override;
  void wake();

  ConnectionOwner* owner_;
  std::string pool_key_;
  bool idle_ = false;
  bool ended_ = false;
  bool ended_cleanly_ = false;
  bool expired_ = false;
  TimePoint deadline_ = TimePoint::max();
  std::uint64_t exchanges_ = 0;
  std::uint64_t sent_before_ = 0;
  std::uint64_t received_before_ = 0;
  std::optional<async::OneShot<void>> waiter_;
};

}  // namespace sluice::http
