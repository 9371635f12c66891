// ChildProcess: one program as a child, in a process group of its own, with pipes. Never a shell.
// Linux: pidfd instead of SIGCHLD, so that nobody else's wait() is disturbed.
#pragma once

#include "services/mcp-connector/adapters/file_descriptor.h"

#include "common/async/clock.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::mcp_connector {

struct ChildSpec {
  std::string command;                 // looked up in PATH of `environment` unless it holds a '/'
  std::vector<std::string> arguments;  // without argv[0]
  std::map<std::string, std::string> environment;  // all of it; nothing is inherited
  std::string working_directory;                   // empty: the parent's
};

// Life: start(); exited() until it returns; then destroy. The destructor kills and reaps what still
// runs.
class ChildProcess {
 public:
  // Returns when the program runs. Errors: Invalid (no such program or directory, not executable),
  // Unavailable (no processes or descriptors left).
  static Async<std::unique_ptr<ChildProcess>> start(
      Executor executor, async::Clock* clock, ChildSpec spec
  );

  // Use start(); this one takes over a child that exists.
  ChildProcess(Executor executor, int pid, FileDescriptor pidfd);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ChildProcess(ChildProcess&&) = delete;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  // Returns when the child ended and is reaped; what it left in its group is killed. One waiter.
  // Errors: Cancelled.
  Async<void> exited();
  // To the whole group; nothing happens after the end.
  void signal_group(int signal);

  [[nodiscard]] bool running() const { return !reaped_; }

  [[nodiscard]] int pid() const { return pid_; }

  // The parent's ends, to be taken once.
  [[nodiscard]] FileDescriptor take_input() { return std::move(input_); }

  [[nodiscard]] FileDescriptor take_output() { return std::move(output_); }

  [[nodiscard]] FileDescriptor take_errors() { return std::move(errors_); }

 private:
  void reap();

  Executor executor_;
  int pid_;
  FileDescriptor pidfd_;
  FileDescriptor input_;
  FileDescriptor output_;
  FileDescriptor errors_;
  bool reaped_ = false;
};

}  // namespace sluice::mcp_connector
