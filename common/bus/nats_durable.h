// JetStream on a NatsLink, by its plain API subjects: publishing with an acknowledgement, and one
// pull consumer. No thread of its own. Used inside the bus.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/bus/nats_link.h"

#include <memory>
#include <string>
#include <unordered_map>

namespace sluice::bus {

class NatsDurable {
 public:
  NatsDurable(std::shared_ptr<NatsLink> link, async::Clock* clock, std::string inbox);

  Async<void> publish(std::string subject, std::string bytes, TimePoint deadline);
  Async<std::unique_ptr<DurableConsumer>> consume(
      std::string stream, std::string subject, std::string consumer
  );
  // Answers under way end with Unavailable.
  void connection_lost();

 private:
  // Sends one request and returns the answer's bytes. Errors: Unavailable (nobody there, connection
  // lost), Deadline.
  Async<std::string> request(std::string subject, std::string bytes, TimePoint deadline);
  Result<void> subscribe_inbox();
  void on_answer(const NatsMessage& message);
  void fail_all(const char* why);

  std::shared_ptr<NatsLink> link_;
  async::Clock* clock_;
  std::string inbox_;  // "_INBOX.<service>.jetstream.<instance>."
  std::unique_ptr<Subscription> subscription_;
  std::uint64_t next_ = 0;
  std::unordered_map<std::uint64_t, async::OneShot<std::string>*> waiting_;
};

}  // namespace sluice::bus
