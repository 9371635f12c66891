// Takes records out of the stream into Postgres: parsed, inserted idempotently, acknowledged after
// the commit.
#pragma once

#include "services/audit-writer/domain/fetch_size.h"
#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/audit/client.h"
#include "common/bus/transport.h"
#include "common/crypto/seal.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::audit_writer {

// One run() per shard. A record is in the trail at most once however often it is delivered; bytes
// that cannot become a record, and event ids that come back with other content, are kept in
// audit.rejected and do not stop the others.
class RecordHandler {
 public:
  struct Deps {
    AuditStore* store;
    bus::Transport* transport;
    audit::Client* audit;  // for records about the trail itself
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    crypto::SealingKey key;  // of exact results
  };

  explicit RecordHandler(Deps deps);

  // Until cancelled.
  Async<void> run();
  // Takes nothing more from the stream; what is on its way still comes and is stored. Before the
  // end of run(), so that the next writer need not wait until its acknowledgement is overdue.
  void stop();
  // One round: fetch, insert, acknowledge. Errors: Unavailable, Deadline, Cancelled; nothing is
  // acknowledged then.
  Async<void> round(bus::DurableConsumer* consumer);

  // Why records do not reach the trail at the moment; empty: they do.
  [[nodiscard]] const std::string& interruption() const { return interruption_; }

 private:
  Async<void> consume(bus::DurableConsumer* consumer);
  [[nodiscard]] Insertion unpack(const std::vector<bus::DurableMessage>& messages) const;
  [[nodiscard]] SealedResult seal(StoredRecord& record) const;
  Async<void> store(std::shared_ptr<const std::vector<bus::DurableMessage>> messages);
  Async<void> insert_all(Insertion insertion);
  Async<void> insert(Insertion insertion);
  void interrupted(const Error& error);
  void resumed();
  void report_changed(const audit::v1::Record& changed);

  Deps deps_;
  FetchSize fetch_size_;
  std::string interruption_;
  bus::DurableConsumer* consumer_ = nullptr;  // while run() has one
  bool stopped_ = false;
  observability::Counter& records_;
  observability::Counter& repeats_;
  observability::Counter& rejected_;
  observability::Counter& changed_;
  observability::Gauge& pending_;
};

}  // namespace sluice::audit_writer
