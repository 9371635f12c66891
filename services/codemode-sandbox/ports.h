// What codemode-sandbox needs of the outside world: interfaces filled with ZeroMQ and bus adapters
// in main.cpp and with fakes in tests.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include "common/async/async.h"
#include "common/async/request_context.h"
#include "common/bus/bus.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/codemode/v1/codemode.pb.h"
#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::codemode_sandbox {

namespace runner = codemode::runner;

using ConsoleWriter = bus::ChunkWriter<codemode::v1::RunProgress>;

// What a script does next. The first is Checked, or Finished where it does not compile; a script
// that is given to another runner is checked again. The last is Finished; its outcome is never
// UNSPECIFIED.
using ScriptEvent =
    std::variant<runner::ToolCall, runner::Console, runner::Finished, runner::Checked>;

// One script under way. Destroying it before its Finished ends the script.
class Script {
 public:
  Script() = default;
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  Script(Script&&) = delete;
  Script& operator=(Script&&) = delete;
  virtual ~Script() = default;

  // Events in their order, within the bounds of runner_messages.proto; call ids are 1, 2, 3, …
  // Errors: Unavailable (no runner took it; nothing ran), Deadline, Cancelled.
  virtual Async<ScriptEvent> next() = 0;
  // After Checked: the script may run.
  virtual void proceed() = 0;
  // Its wall time stands still while it is parked, and it takes no slot of its runner.
  virtual void park(bool parked) = 0;
  // Ends it: what comes next is a Finished with that. Does nothing once the script has ended.
  virtual void stop(codemode::v1::Outcome outcome, codemode::v1::ScriptError error) = 0;
  // Settles one call. Does nothing once the script has ended.
  virtual void answer(runner::CallResult result) = 0;
};

// The runners this instance is connected to.
class Runners {
 public:
  Runners() = default;
  Runners(const Runners&) = delete;
  Runners& operator=(const Runners&) = delete;
  Runners(Runners&&) = delete;
  Runners& operator=(Runners&&) = delete;
  virtual ~Runners() = default;

  // Errors: Exhausted (too many scripts are under way).
  virtual Result<std::unique_ptr<Script>> start(runner::Run run, TimePoint deadline) = 0;
};

class PolicyEngine {
 public:
  virtual ~PolicyEngine() = default;
  virtual Async<policy::v1::VisibleReply> visible(
      policy::v1::VisibleRequest request, RequestContext context
  ) = 0;
  virtual Async<policy::v1::DecideReply> decide(
      policy::v1::DecideRequest request, RequestContext context
  ) = 0;
};

class ToolServers {
 public:
  virtual ~ToolServers() = default;
  // Carries out one granted request and waits for its end; progress is dropped.
  virtual Async<connector::v1::Final> request(
      connector::v1::Request request, RequestContext context
  ) = 0;
  // The definitions of all servers.
  virtual Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) = 0;
};

class AuditJournal {
 public:
  virtual ~AuditJournal() = default;
  virtual Async<audit::v1::JournalReply> journal(
      audit::v1::JournalRequest request, RequestContext context
  ) = 0;
};

class RunAnnouncer {
 public:
  virtual ~RunAnnouncer() = default;
  virtual void run_changed(const codemode::v1::RunChanged& event) = 0;
};

// To every replica: whoever runs it ends it.
class RunCanceller {
 public:
  RunCanceller() = default;
  RunCanceller(const RunCanceller&) = delete;
  RunCanceller& operator=(const RunCanceller&) = delete;
  RunCanceller(RunCanceller&&) = delete;
  RunCanceller& operator=(RunCanceller&&) = delete;
  virtual ~RunCanceller() = default;
  virtual Result<void> cancel(const codemode::v1::RunCancelled& event) = 0;
};

// A run as it is kept for people.
struct StoredRun {
  std::string run_id;
  std::string tenant;
  std::string principal;
  std::int64_t started_unix_ms = 0;
  std::string summary;   // JSON object, RunDocument::summary()
  std::string document;  // JSON object, RunDocument::json()
};

// Documents of the runs of all instances, for kRunKeptFor. Errors of all: Unavailable, Deadline.
class RunStore {
 public:
  RunStore() = default;
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;
  RunStore(RunStore&&) = delete;
  RunStore& operator=(RunStore&&) = delete;
  virtual ~RunStore() = default;

  // Takes the place of what was there of that run.
  virtual Async<void> put(StoredRun run) = 0;
  virtual Async<std::optional<std::string>> summary(std::string run_id) = 0;
  virtual Async<std::optional<std::string>> document(std::string run_id) = 0;
  // Summaries, newest first; an empty principal: of the whole tenant.
  virtual Async<std::vector<std::string>> newest(
      std::string tenant, std::string principal, std::size_t limit
  ) = 0;
};

}  // namespace sluice::codemode_sandbox
