// FakeRunStore: documents of runs in memory. Fails where it is down; a test may hold its writes.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include "common/async/one_shot.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

class FakeRunStore final : public RunStore {
 public:
  Async<void> put(StoredRun run) override {
    ++puts;
    if (hold != nullptr) {
      SLUICE_CO_CHECK_OK(co_await std::exchange(hold, nullptr)->wait());
    }
    SLUICE_CO_CHECK_OK(up());
    const std::string run_id = run.run_id;
    runs[run_id] = std::move(run);
    co_return Result<void>();
  }

  Async<std::optional<std::string>> summary(std::string run_id) override {
    SLUICE_CO_CHECK_OK(up());
    const auto found = runs.find(run_id);
    co_return found != runs.end() ? std::optional(found->second.summary) : std::nullopt;
  }

  Async<std::optional<std::string>> document(std::string run_id) override {
    SLUICE_CO_CHECK_OK(up());
    const auto found = runs.find(run_id);
    co_return found != runs.end() ? std::optional(found->second.document) : std::nullopt;
  }

  Async<std::vector<std::string>> newest(
      std::string tenant, std::string principal, std::size_t limit
  ) override {
    SLUICE_CO_CHECK_OK(up());
    std::vector<const StoredRun*> found;
    for (const auto& [id, run] : runs) {
      if (run.tenant == tenant && (principal.empty() || run.principal == principal)) {
        found.push_back(&run);
      }
    }
    std::sort(found.begin(), found.end(), [](const StoredRun* a, const StoredRun* b) {
      return a->started_unix_ms > b->started_unix_ms;
    });
    std::vector<std::string> out;
    for (std::size_t i = 0; i < found.size() && i < limit; ++i) {
      out.push_back(found[i]->summary);
    }
    co_return out;
  }

  std::map<std::string, StoredRun> runs;
  int puts = 0;
  bool down = false;
  async::OneShot<void>* hold = nullptr;  // the next write waits for it

 private:
  [[nodiscard]] Result<void> up() const {
    if (down) {
      return Error(Code::Unavailable, "Redis is down");
    }
    return {};
  }
};

// Remembers what was to be cancelled.
class RecordingCanceller final : public RunCanceller {
 public:
  Result<void> cancel(const codemode::v1::RunCancelled& event) override {
    events.push_back(event);
    if (then) {
      then();
    }
    return {};
  }

  std::vector<codemode::v1::RunCancelled> events;
  std::function<void()> then;
};

}  // namespace sluice::codemode_sandbox
