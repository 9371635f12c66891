// Transport: moves frames between subjects. NatsTransport is the real one, InMemoryTransport the
// one of unit tests; both pass the suite in bus_contract.h. Everything above (calls, streams,
// credit, heartbeats) is in Bus.
#pragma once

#include "common/async/async.h"
#include "common/async/clock.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::bus {

// subject it came on, reply subject (may be empty), bytes. The views live until the sink returns.
// Runs on the shard's thread. no_responders is true for the transport's own answer that nobody
// listens on the subject of a request; it comes on the subscription that takes the reply, with that
// subscription's subject.
struct Delivery {
  std::string_view subject;
  std::string_view reply;
  std::string_view bytes;
  bool no_responders = false;
};

using Sink = std::function<void(const Delivery&)>;

// Ends when destroyed: no delivery after that.
class Subscription {
 public:
  Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  Subscription(Subscription&&) = delete;
  Subscription& operator=(Subscription&&) = delete;
  virtual ~Subscription() = default;
  // Asks for no more; what is on its way still comes. Transport::settle() tells when it has.
  virtual void stop() = 0;
};

// A message of a durable stream, to be acknowledged after it was dealt with.
struct DurableMessage {
  std::string bytes;
  std::uint64_t stream_sequence = 0;
  std::string ack_token;  // opaque
};

class DurableConsumer {
 public:
  // Gives back what was not acknowledged: the next consumer gets it at once. After a crash it comes
  // again when its acknowledgement is overdue.
  virtual ~DurableConsumer() = default;
  // Up to count messages; waits at most for wait, then answers what there is (maybe none). Errors:
  // Unavailable, Cancelled.
  virtual Async<std::vector<DurableMessage>> fetch(
      std::size_t count, std::chrono::milliseconds wait
  ) = 0;
  // Acknowledges each of these.
  virtual Async<void> acknowledge(std::vector<DurableMessage> messages) = 0;
  // Asks for no more; what is on its way still comes. Whatever is published afterwards is for the
  // next consumer, so that who stops this one first gives back all it leaves.
  virtual void stop() = 0;
  // Messages in the stream not delivered to this consumer yet, as last told by the server.
  [[nodiscard]] virtual std::uint64_t pending() const = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Queues a frame; everything queued in one turn of the loop leaves in one write. Errors: Invalid
  // (larger than payload_bytes_max), Unavailable (not connected), Exhausted (output buffer full).
  virtual Result<void> publish(
      std::string_view subject, std::string_view reply, std::string_view bytes
  ) = 0;
  // queue: "" every subscriber gets it, else one of the group.
  virtual Result<std::unique_ptr<Subscription>> subscribe(
      std::string subject, std::string queue, Sink sink
  ) = 0;
  // Publishes into a durable stream; returns when the server says it is stored. Errors:
  // Unavailable, Exhausted (stream full), Deadline.
  virtual Async<void> publish_durable(
      std::string subject, std::string bytes, TimePoint deadline
  ) = 0;
  // Creates stream and consumer when they are not there (file storage, discard new, explicit acks).
  virtual Async<std::unique_ptr<DurableConsumer>> consume(
      std::string stream, std::string subject, std::string consumer
  ) = 0;

  [[nodiscard]] virtual std::size_t payload_bytes_max() const = 0;
  [[nodiscard]] virtual bool connected() const = 0;
  // Called with every permission violation the server reports ("Permissions Violation for Publish
  // to …"). For tests and logs.
  virtual void on_violation(std::function<void(std::string_view)> callback) = 0;
  // Called when the connection was lost (false: what was under way may be lost) and when it is back
  // (true).
  virtual void on_connection(std::function<void(bool)> callback) = 0;
  // Returns when stopped subscriptions have been handed their last deliveries, or after half a
  // second. Errors: Cancelled.
  virtual Async<void> settle() = 0;
  // Writes what is queued (at most a second), then ends everything.
  virtual Async<void> close() = 0;
};

struct NatsOptions {
  std::string url = "nats://127.0.0.1:4222";
  std::string user;  // the service's name
  std::string password;
  std::string name;  // connection name: "<service>/<instance>"
  std::size_t output_bytes_max = std::size_t{16} << 20;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds ack_wait{30000
  };  // a durable message not acknowledged by then is delivered again
  std::int64_t stream_bytes_max = std::int64_t{4} << 30;
};

}  // namespace sluice::bus
