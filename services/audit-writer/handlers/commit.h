// Commits intents: durable in Postgres, with the use of their grant, when the reply says so.
#pragma once

#include "services/audit-writer/domain/batcher.h"
#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/async/request_context.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <memory>

namespace sluice::audit_writer {

// Errors: Invalid (no intent, malformed), Conflict (the event id is there with other bytes),
// Exhausted (too many wait), Unavailable, Deadline. A grant that is used or void is a normal reply
// with committed = false.
class CommitHandler {
 public:
  struct Deps {
    AuditStore* store;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
  };

  explicit CommitHandler(Deps deps);
  CommitHandler(const CommitHandler&) = delete;
  CommitHandler& operator=(const CommitHandler&) = delete;
  CommitHandler(CommitHandler&&) = delete;
  CommitHandler& operator=(CommitHandler&&) = delete;
  ~CommitHandler() = default;

  Async<audit::v1::CommitReply> operator()(
      audit::v1::CommitRequest request, RequestContext context
  );
  // Commits what waits, batch after batch, until cancelled.
  Async<void> run();

 private:
  struct Waiting {
    Intent intent;
    TimePoint deadline;
    async::OneShot<IntentResult> done;
  };

  Async<void> commit(std::vector<std::shared_ptr<Waiting>> batch);

  Deps deps_;
  Batcher<std::shared_ptr<Waiting>> queue_;
  async::OneShot<void>* wake_ = nullptr;
  observability::Counter& committed_;
  observability::Counter& refused_;
  observability::Histogram& batch_size_;
};

}  // namespace sluice::audit_writer
