// A service instance as runners see it, for tests and benchmarks: speaks ZeroMQ as codemode-sandbox
// does.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include <zmq.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tests {

namespace wire = ::sluice::codemode::runner;

// One service instance: a ROUTER bound in the folder. Knows one runner.
// Thread: one. Nothing happens but in pump().
class RunnerService {
 public:
  RunnerService(const std::string& folder, const std::string& name);
  RunnerService(const RunnerService&) = delete;
  RunnerService& operator=(const RunnerService&) = delete;
  RunnerService(RunnerService&&) = delete;
  RunnerService& operator=(RunnerService&&) = delete;
  ~RunnerService();

  // A Run with the ordinary limits: 2 s, 64 MiB, 256 KiB of console, 100 calls, 1 MiB of value, and
  // the tools test.echo and test.wait.
  [[nodiscard]] static wire::Run ordinary(const std::string& source);

  // Returns the run's id.
  std::string ask(wire::Run run);

  std::string ask(const std::string& source) { return ask(ordinary(source)); }

  void cancel(const std::string& run_id);

  void proceed(const std::string& run_id);

  void park(const std::string& run_id, bool parked);

  // Whether what is checked is told to run, as it is from the start.
  void set_proceeds(bool proceeds) { proceeds_ = proceeds; }

  // Stops or resumes everything this service says: to the runner it is gone.
  void set_silent(bool silent) { silent_ = silent; }

  // Answers each call; a call that gets nothing stays open.
  void answer_calls(std::function<std::optional<wire::CallResult>(const wire::ToolCall&)> answer) {
    answer_ = std::move(answer);
  }

  // Receives what is there and beats when that is due. Waits for at most the time told.
  void pump(std::chrono::milliseconds longest);

  [[nodiscard]] const std::vector<wire::Ready>& introductions() const { return introductions_; }

  [[nodiscard]] const wire::Finished* finished(const std::string& run_id) const;

  [[nodiscard]] std::size_t finished_count() const { return finished_.size(); }

  [[nodiscard]] const std::map<std::string, wire::Finished>& all_finished() const {
    return finished_;
  }

  // What was found out about a run's script; null before that.
  [[nodiscard]] const wire::Checked* checked(const std::string& run_id) const;

  [[nodiscard]] const std::vector<wire::Refused>& refused() const { return refused_; }

  [[nodiscard]] const std::vector<wire::ToolCall>& calls() const { return calls_; }

  [[nodiscard]] const std::vector<wire::Console>& console() const { return console_; }

 private:
  void take(const std::string& peer, const wire::ToService& message);
  void send(const wire::ToRunner& message);
  void beat();

  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  std::string name_;
  std::string peer_;  // the runner's identity
  int last_run_ = 0;
  bool silent_ = false;
  bool proceeds_ = true;
  std::chrono::steady_clock::time_point next_beat_;
  std::function<std::optional<wire::CallResult>(const wire::ToolCall&)> answer_;
  std::vector<wire::Ready> introductions_;
  std::map<std::string, wire::Finished> finished_;
  std::map<std::string, wire::Checked> checked_;
  std::vector<wire::Refused> refused_;
  std::vector<wire::ToolCall> calls_;
  std::vector<wire::Console> console_;
};

// Serves all of them until it holds. False when that took too long.
bool serve_until(
    const std::vector<RunnerService*>& services,
    const std::function<bool()>& holds,
    std::chrono::milliseconds longest
);

}  // namespace sluice::tests
