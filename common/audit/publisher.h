// Publisher: sends what the outbox holds to JetStream in batches, several in flight, again until
// acknowledged; and the records of dead instances. One thread; the outbox belongs to the client.
#pragma once

#include "common/async/clock.h"
#include "common/async/task_group.h"
#include "common/audit/orphans.h"
#include "common/audit/outbox.h"
#include "common/bus/transport.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace sluice::audit {

class Publisher {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    bus::Transport* transport;
    Outbox* outbox;
    std::string service;
  };

  // What adoption found: for a record of it.
  struct Adopted {
    std::string instance;
    std::uint64_t records = 0;
    std::uint64_t torn = 0;
    std::uint64_t damaged = 0;
  };

  Publisher(Deps deps, std::chrono::milliseconds gather);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  Publisher(Publisher&&) = delete;
  Publisher& operator=(Publisher&&) = delete;
  ~Publisher() = default;  // after stop()

  // From here on pump() sends.
  void start();
  // Sends what is due: a full batch at once, less after the gather time. After every flush.
  void pump();
  // Stops gathering, sends the rest until the deadline, then gives up what is in flight (adoption
  // finds it).
  Async<void> stop(TimePoint deadline);
  // Publishes the records of every dead instance below root, one after the other. Errors:
  // Cancelled, Unavailable.
  Async<void> adopt(std::string root, std::function<void(const Adopted&)> on_adopted);

 private:
  struct Batch {
    std::string bytes;
    Acknowledgement records;
    std::size_t count = 0;
  };

  [[nodiscard]] bool due() const;
  Batch next_batch();
  Async<void> send(std::shared_ptr<Batch> batch);
  Async<void> publish(std::shared_ptr<Batch> batch);
  Async<void> adopt_one(Orphan* orphan, Adopted* adopted);

  Deps deps_;
  std::chrono::milliseconds gather_;
  async::TaskGroup senders_;
  bool started_ = false;
  bool stopping_ = false;
  bool gathered_ = false;
  bool failing_ = false;
  TimePoint give_up_ = TimePoint::max();
  std::size_t in_flight_ = 0;
  std::unique_ptr<async::Timer> timer_;
  observability::Counter& batches_;
  observability::Counter& failures_;
  observability::Counter& adopted_;
};

}  // namespace sluice::audit
