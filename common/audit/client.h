// audit::Client: how a service leaves records. Each record is completed, appended to the outbox
// file, sent in batches to JetStream, and dropped from the outbox at the acknowledgement. One per
// shard.
#pragma once

#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/async/task_group.h"
#include "common/bus/bus.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <memory>
#include <string>

namespace sluice::audit {

struct Options {
  std::string outbox_directory;  // of the service; one subdirectory per running instance, locked
  std::size_t outbox_bytes_max = std::size_t{256} << 20;
  std::chrono::milliseconds gather{20};         // how long a batch waits for more
  std::chrono::milliseconds adopt_every{5000};  // scan for directories of dead instances
};

// Sequence, boot and ids are filled by the client; the caller fills what happened.
class Client {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    bus::Transport* transport;
    bus::Bus* bus;
    std::string service;
  };

  // Creates and locks the outbox directory of this instance. Errors: Unavailable (directory not
  // writable). run(), commit() and written() have ended before the client is destroyed.
  [[nodiscard]] static Result<std::unique_ptr<Client>> open(Deps deps, Options options);
  virtual ~Client() = default;

  // Queues one record; returns its event id. Free text is bounded, the body bounded (16 KiB) and
  // redacted; the body of a write's or delete's tool.outcome is its exact result and kept up to 1
  // MiB (beyond, it is cut and body_truncated set). Errors: Unavailable when the outbox is full
  // (the service then answers 503).
  virtual Result<std::string> record(v1::Record&& record) = 0;
  // Returns when everything recorded so far is in the outbox file: before the step the records
  // describe is answered. One write(2) per turn of the loop serves everyone who waits.
  virtual Async<void> written() = 0;
  // Commits an intent: durable in Postgres when it returns committed. Retries with the same event
  // id until the context's deadline. An intent without deadline_unix_ms gets the context's. An
  // intent not committed reaches the trail all the same, as one that was never sent. Errors:
  // Unavailable, Deadline, Conflict (the event id came with other bytes).
  virtual Async<v1::CommitReply> commit(
      v1::Record intent, std::string grant_id, RequestContext context
  ) = 0;
  [[nodiscard]] virtual bool full() const = 0;
  // Records not acknowledged yet.
  [[nodiscard]] virtual std::uint64_t backlog() const = 0;
  // Sends batches and adopts orphans until cancelled; then one last attempt to empty the outbox.
  virtual Async<void> run() = 0;
};

// A record of who and which conversation, from the context.
[[nodiscard]] v1::Record record_of(const RequestContext& context, std::string_view action);
// The same in a record used before, whose memory serves again.
void begin(v1::Record& record, const RequestContext& context, std::string_view action);

}  // namespace sluice::audit
