// RunKeeper: writes the documents of a RunList to the store: at their start, after the check and at
// their end at once, else at most once a second while they change and every 10 s while they do not.
// A document that cannot be written is lost, and counted; the run goes on. Single thread.
#pragma once

#include "services/codemode-sandbox/domain/run_list.h"
#include "services/codemode-sandbox/ports.h"

#include "common/async/clock.h"
#include "common/async/task_group.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <map>
#include <string>

namespace sluice::codemode_sandbox {

class RunKeeper final : public RunWatcher {
 public:
  struct Deps {
    Executor executor;
    RunList* list;  // all outlive the keeper
    RunStore* store;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
  };

  // From here on the list's runs are kept.
  explicit RunKeeper(Deps deps);
  RunKeeper(const RunKeeper&) = delete;
  RunKeeper& operator=(const RunKeeper&) = delete;
  RunKeeper(RunKeeper&&) = delete;
  RunKeeper& operator=(RunKeeper&&) = delete;
  ~RunKeeper() override;

  // Until it is cancelled.
  Async<void> run();
  // Waits for what is being written. Before destruction.
  Async<void> close();

  void changed(const std::string& run_id, Urgency urgency) override;

  [[nodiscard]] std::int64_t now_unix_ms() const override { return deps_.clock->unix_ms(); }

 private:
  struct State {
    TimePoint written;
    bool is_dirty = false;
    bool is_urgent = false;
    bool is_writing = false;
  };

  void look();
  void write_soon(const std::string& run_id, State* state);
  Async<void> write(std::string run_id, State* state);
  // Whether its document is complete.
  [[nodiscard]] bool is_over(const RunDocument& run) const;

  Deps deps_;
  observability::Counter* lost_;
  bool failing_ = false;  // the first of failures in a row is logged
  std::map<std::string, State> states_;
  async::TaskGroup writes_;
};

}  // namespace sluice::codemode_sandbox
