// Runs: what happens to each script of this runner, from Run to Finished. Sans-I/O: events and the
// time come in, messages and orders go out through ports.h. The ports never call back from within.
//
//   Run ─ refused when no slot is free or the runner drains
//    │    (a script compiled before skips the next two)
//    ├ waits for a compiler child ─ none in time: refused, for nothing has happened yet
//    ├ compiling ─ no answer in time, errors: TYPE_ERROR
//    ├ waits for Proceed ─ the service has what the compiler found; none in time: KILLED
//    ├ waits for an executor child ─ as for a compiler child
//    ├ executing ─ calls, results, console; every frame of the child is checked. Parked: its wall
//    │    time stands still and it takes no slot
//    └ ending ─ the child was killed or has finished; its usage completes Finished
//
// A run whose caller left (Cancel, or its service is gone) ends without a word. The slot is free
// when the executor child is gone.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/ports.h"
#include "services/codemode-sandbox/runner/supervisor/script_cache.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluice::codemode_runner {

class Runs {
 public:
  struct Deps {
    Services* services;  // all outlive this
    Children* children;
    observability::Log* log;
    std::uint32_t slots;
  };

  explicit Runs(const Deps& deps);
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  Runs(Runs&&) = delete;
  Runs& operator=(Runs&&) = delete;
  ~Runs();

  void from_service(ServiceId service, wire::ToRunner message, TimePoint now);
  void service_lost(ServiceId service, TimePoint now);
  void service_writable(ServiceId service);

  void child_idle(ChildKind kind, TimePoint now);
  void from_child(ChildId child, wire::FromChild message, TimePoint now);
  // It sent bytes that are no message.
  void child_broke(ChildId child, std::string_view why, TimePoint now);
  // Nothing told: its zygote died with it.
  void child_ended(ChildId child, std::optional<ChildUsage> usage, TimePoint now);

  // Everything whose time is over.
  void tick(TimePoint now);
  // TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint next_deadline() const;

  // From here on every Run is refused.
  void drain() { draining_ = true; }

  [[nodiscard]] std::uint32_t free_slots() const;

  [[nodiscard]] std::size_t size() const { return runs_.size(); }

 private:
  struct Run;
  using Key = std::pair<ServiceId, std::string>;

  void admit(ServiceId service, wire::Run request, TimePoint now);
  void refuse(ServiceId service, const std::string& run_id, const std::string& reason);
  void await_child(Run& run, ChildKind kind, TimePoint now);
  bool start_with_child(Run& run, ChildKind kind, TimePoint now);
  void withdraw(const Run& run);
  enum class Cached { No, Yes };
  void await_proceed(Run& run, const CompiledScript& script, Cached cached, TimePoint now);
  void compile(Run& run, TimePoint now);
  void execute(Run& run, TimePoint now);
  void compiled(Run& run, wire::Compiled compiled, TimePoint now);
  void called(Run& run, wire::ToolCall call, TimePoint now);
  void wrote(Run& run, wire::Console line, TimePoint now);
  void finished(Run& run, wire::Finished finished, TimePoint now);
  void deliver(ServiceId service, wire::CallResult result, TimePoint now);
  void park(Run& run, bool parked, TimePoint now);
  void cancel(Run& run, TimePoint now);
  void overdue(Run& run, TimePoint now);
  void fail(Run& run, codemode::v1::Outcome outcome, std::string_view why, TimePoint now);
  void end(Run& run, TimePoint now);
  void report(Run& run, const std::optional<ChildUsage>& usage);
  void send(Run& run, const wire::ToService& message);
  void erase(Run& run);
  [[nodiscard]] Run* of_child(ChildId child);
  [[nodiscard]] Run* find(ServiceId service, const std::string& run_id);

  Deps deps_;
  bool draining_ = false;
  std::uint32_t parked_ = 0;  // of the runs below
  ScriptCache cache_;
  std::map<Key, std::unique_ptr<Run>> runs_;
  std::unordered_map<ChildId, Run*> by_child_;
  std::deque<Run*> waiting_for_compiler_;
  std::deque<Run*> waiting_for_executor_;
};

}  // namespace sluice::codemode_runner
