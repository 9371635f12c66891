// Process: a child program of a test. Dies with the test, whatever happens to it.
#pragma once

#include "common/base/result.h"

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice::tests {

struct ProcessOptions {
  std::vector<std::string> argv;  // argv[0] is the program, found through PATH without a '/'
  std::map<std::string, std::string> environment;  // added to the test's own
  std::string output_file;        // both streams are appended here; empty: to the test's own
  std::string working_directory;  // empty: the test's own
};

// Thread: one.
class Process {
 public:
  static Result<std::unique_ptr<Process>> spawn(ProcessOptions options);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;
  Process& operator=(Process&&) = delete;
  ~Process();  // SIGKILL when it still runs

  [[nodiscard]] pid_t pid() const { return pid_; }

  [[nodiscard]] bool running();
  void kill(int signal = SIGKILL);
  // The exit status, or 128 + signal. Errors: Deadline (it still runs).
  Result<int> wait(std::chrono::milliseconds longest);

 private:
  struct Key {};  // only spawn has one

 public:
  Process(Key, pid_t pid, int descriptor) : pid_(pid), descriptor_(descriptor) {}

 private:
  pid_t pid_;
  int descriptor_;  // pidfd
  bool ended_ = false;
  int status_ = 0;
};

// The value of an environment variable, or fallback.
[[nodiscard]] std::string environment_or(const std::string& name, const std::string& fallback);
// The repository's root, from the environment ctest sets, else found upwards of the working
// directory.
[[nodiscard]] std::string source_directory();

// A fresh directory, removed with all it holds.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  TemporaryDirectory(TemporaryDirectory&&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The file's bytes, empty when it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);

// Asks every few milliseconds until it answers true. False when that took too long.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds longest);

}  // namespace sluice::tests
