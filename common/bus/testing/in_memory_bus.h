// InMemoryBroker and InMemoryTransport: the bus of unit tests. Several transports on one broker are
// several processes; deliveries are posted to the receiver's executor, and a test may drop, double,
// hold back or reorder them.
//
//   InMemoryBroker broker;
//   InMemoryTransport transport(loop.get_executor(), &broker);
//   Bus bus({executor, &clock, &log, metrics.get(), &transport, "ingress", "i1"});
#pragma once

#include "common/bus/transport.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::bus {

class InMemoryTransport;

// Subjects follow NATS: tokens between dots, "*" for one, ">" for the rest.
[[nodiscard]] bool subject_matches(std::string_view pattern, std::string_view subject);

class InMemoryBroker {
 public:
  struct Packet {
    std::string subject;
    std::string reply;
    std::string bytes;
    bool no_responders = false;
  };

  enum class Fate : std::uint8_t { Deliver, Drop, Duplicate, Hold };

  InMemoryBroker() = default;
  InMemoryBroker(const InMemoryBroker&) = delete;
  InMemoryBroker& operator=(const InMemoryBroker&) = delete;
  InMemoryBroker(InMemoryBroker&&) = delete;
  InMemoryBroker& operator=(InMemoryBroker&&) = delete;
  ~InMemoryBroker() = default;

  // Asked for each delivery to each subscriber; without one everything is delivered.
  void judge_by(std::function<Fate(const Packet&)> judge) { judge_ = std::move(judge); }

  // Delivers what was held, in order or the other way round.
  void release_held();
  void release_held_reversed();

  [[nodiscard]] std::size_t held() const { return held_.size(); }

  // Every message published so far, with nobody's permission needed.
  [[nodiscard]] std::size_t published() const { return published_; }

  // A durable stream without its consumer; consume() makes one, too.
  void add_stream(const std::string& stream, const std::string& subject);
  // Messages it holds (acknowledged ones stay, as in JetStream's limits retention).
  [[nodiscard]] std::vector<std::string> stream_messages(const std::string& stream) const;

  // From then on publish_durable answers Exhausted (true), or stores again (false).
  void set_streams_full(bool full) { streams_full_ = full; }

 private:
  friend class InMemoryTransport;
  class Interest;
  class Consumer;

  struct Stream {
    std::string subject;
    std::vector<std::string> messages;                      // sequence 1 is the first
    std::vector<std::string> subjects;                      // of the messages
    std::map<std::string, std::vector<bool>> acknowledged;  // by consumer, by message
  };

  struct Held {
    std::weak_ptr<Interest> interest;
    Packet packet;
  };

  void route(InMemoryTransport* from, Packet packet);
  void deliver(const std::shared_ptr<Interest>& interest, const Packet& packet);

  // Those that take the subject, in no order.
  [[nodiscard]] std::vector<std::shared_ptr<Interest>> takers(const std::string& subject);

  std::unordered_multimap<std::string, std::weak_ptr<Interest>> literal_;
  std::vector<std::weak_ptr<Interest>> patterns_;
  std::map<std::string, std::size_t> turns_;  // of queue groups
  std::function<Fate(const Packet&)> judge_;
  std::deque<Held> held_;
  std::map<std::string, Stream> streams_;
  std::size_t published_ = 0;
  bool streams_full_ = false;
};

class InMemoryTransport final : public Transport {
 public:
  InMemoryTransport(Executor executor, InMemoryBroker* broker);
  InMemoryTransport(const InMemoryTransport&) = delete;
  InMemoryTransport& operator=(const InMemoryTransport&) = delete;
  InMemoryTransport(InMemoryTransport&&) = delete;
  InMemoryTransport& operator=(InMemoryTransport&&) = delete;
  ~InMemoryTransport() override;

  Result<void> publish(std::string_view subject, std::string_view reply, std::string_view bytes)
      override;
  Result<std::unique_ptr<Subscription>> subscribe(std::string subject, std::string queue, Sink sink)
      override;
  Async<void> publish_durable(std::string subject, std::string bytes, TimePoint deadline) override;
  Async<std::unique_ptr<DurableConsumer>> consume(
      std::string stream, std::string subject, std::string consumer
  ) override;

  [[nodiscard]] std::size_t payload_bytes_max() const override { return payload_bytes_max_; }

  [[nodiscard]] bool connected() const override { return connected_; }

  void on_violation(std::function<void(std::string_view)> callback) override;
  void on_connection(std::function<void(bool)> callback) override;
  Async<void> settle() override;
  Async<void> close() override;

  // Cuts or restores the connection: nothing is sent or delivered in between.
  void set_connected(bool connected);

  void set_payload_bytes_max(std::size_t bytes) { payload_bytes_max_ = bytes; }

 private:
  friend class InMemoryBroker;

  Executor executor_;
  InMemoryBroker* broker_;
  bool connected_ = true;
  std::size_t payload_bytes_max_ = std::size_t{8} << 20;
  std::function<void(std::string_view)> on_violation_;
  std::function<void(bool)> on_connection_;
  std::shared_ptr<InMemoryTransport*> self_;
};

}  // namespace sluice::bus
