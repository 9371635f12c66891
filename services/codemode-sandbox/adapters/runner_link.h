// RunnerLink: the socket that runners connect to: ZeroMQ ROUTER on
// ipc://<directory>/<instance>.sock. Whole messages in and out; what they mean is the Dispatcher's
// business.
#pragma once

#include "services/codemode-sandbox/domain/dispatcher.h"

#include "common/async/async.h"
#include "common/observability/log.h"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// Thread: the executor's one thread. ZeroMQ has one thread of its own, for bytes only.
class RunnerLink final : public RunnerSender {
 public:
  struct Body;  // internal

  explicit RunnerLink(std::shared_ptr<Body> body);

  // Errors: Invalid (path too long), Unavailable (directory or socket cannot be made).
  [[nodiscard]] static Result<std::unique_ptr<RunnerLink>> open(
      Executor executor, observability::Log* log, std::string directory, const std::string& instance
  );

  RunnerLink(const RunnerLink&) = delete;
  RunnerLink& operator=(const RunnerLink&) = delete;
  RunnerLink(RunnerLink&&) = delete;
  RunnerLink& operator=(RunnerLink&&) = delete;
  ~RunnerLink() override;

  // Never waits. False: no such peer, or its queue is full.
  bool send(const std::string& peer, const runner::ToRunner& message) override;

  // Hands every message to the dispatcher until cancelled; it outlives the link. Errors: Cancelled,
  // Internal (the socket fails).
  Async<void> run(Dispatcher* dispatcher);

 private:
  std::shared_ptr<Body> body_;
};

// Calls dispatcher->tick() every kTick until cancelled.
Async<void> keep_time(Dispatcher* dispatcher, async::Clock* clock);

}  // namespace sluice::codemode_sandbox
