// What has to happen from time to time: partitions ahead of their day, results removed when their
// day is over.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

namespace sluice::audit_writer {

class Housekeeping {
 public:
  Housekeeping(AuditStore* store, async::Clock* clock, observability::Log* log)
      : store_(store), clock_(clock), log_(log) {}

  // Once, now. Errors: Unavailable, Deadline, Internal.
  Async<void> round();
  // The first round, before anything is served: a database that is slow is Unavailable too, so that
  // it is asked again instead of given up. Errors: Unavailable, Internal.
  Async<void> begin();
  // Until cancelled; failures are logged and tried again.
  Async<void> run();

 private:
  AuditStore* store_;
  async::Clock* clock_;
  observability::Log* log_;
};

}  // namespace sluice::audit_writer
