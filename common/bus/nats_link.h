// NatsLink: one nats.c connection whose socket is served by our loop. nats.c reads and writes only
// when told to; its synchronous subscriptions are drained on the loop after each read, so no
// message changes threads. Used inside the bus.
//
// nats.c keeps threads of its own for reconnecting, pings and notices. What they call here copies
// its arguments, posts to the loop and returns.
#pragma once

#include "common/async/async.h"
#include "common/bus/transport.h"
#include "common/observability/log.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// NOLINTBEGIN(bugprone-reserved-identifier): nats.c's own names
struct __natsConnection;
struct __natsMsg;
struct __natsStatistics;

// NOLINTEND(bugprone-reserved-identifier)

namespace sluice::bus {

// A message as it came; the views live until the sink returns. status: of JetStream's own notices
// ("404", "408", …).
struct NatsMessage {
  Delivery delivery;
  std::string_view status;
};

class NatsLink : public std::enable_shared_from_this<NatsLink> {
 public:
  using MessageSink = std::function<void(const NatsMessage&)>;

  NatsLink(Executor executor, observability::Log* log, NatsOptions options);
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;
  NatsLink(NatsLink&&) = delete;
  NatsLink& operator=(NatsLink&&) = delete;
  ~NatsLink();

  // Errors: Unavailable, Denied (authorization violation).
  Async<void> connect();
  Result<void> publish(std::string_view subject, std::string_view reply, std::string_view bytes);
  Result<std::unique_ptr<Subscription>> subscribe(
      const std::string& subject, const std::string& queue, MessageSink sink
  );
  // Hands out what nats.c holds for us.
  void deliver();
  Async<void> flush(std::chrono::milliseconds longest);
  // Ends the connection; nothing is delivered afterwards. May wait for a connection attempt under
  // way.
  void close();

  [[nodiscard]] bool connected() const;

  [[nodiscard]] std::size_t payload_bytes_max() const { return payload_bytes_max_; }

  [[nodiscard]] const NatsOptions& options() const { return options_; }

  [[nodiscard]] const Executor& executor() const { return executor_; }

  void on_violation(std::function<void(std::string_view)> callback) {
    on_violation_ = std::move(callback);
  }

  void on_connection(std::function<void(bool)> callback) { on_connection_ = std::move(callback); }

 private:
  class Anchor;
  class Poller;
  class NatsSubscription;
  struct Interest;

  void attached(__natsConnection* connection, int descriptor, std::uint64_t generation);
  void detached(std::uint64_t generation);
  void wait_readable();
  void write_now();
  void notice_connection(bool connected);
  void notice_error(const std::string& text, bool violation);
  void sweep();
  void free_finished();
  [[nodiscard]] std::uint64_t received();
  // Hands out what one subscription holds, at most left of it.
  void drain(Interest* interest, int* left);

  Executor executor_;
  observability::Log* log_;
  NatsOptions options_;
  std::shared_ptr<Anchor> anchor_;
  std::shared_ptr<Anchor>* anchor_of_events_ =
      nullptr;  // given to nats.c, freed after the connection
  __natsConnection* connection_ = nullptr;
  std::unique_ptr<Poller> poller_;
  std::vector<std::shared_ptr<Interest>> interests_;
  std::vector<__natsMsg*> finished_;  // delivered, not freed yet
  std::size_t finished_bytes_ = 0;
  std::size_t payload_bytes_max_ = std::size_t{1} << 20;
  std::string subject_;  // scratch, for terminated strings
  std::string reply_;
  __natsStatistics* statistics_ = nullptr;  // scratch
  std::uint64_t taken_ = 0;                 // messages received and dealt with
  bool delivering_ = false;
  bool delivery_posted_ = false;
  bool closed_ = false;
  bool was_connected_ = false;
  std::function<void(std::string_view)> on_violation_;
  std::function<void(bool)> on_connection_;
};

}  // namespace sluice::bus
