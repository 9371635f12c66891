// A runner as a process of a test.
#pragma once

#include "tests/integration/runner_service.h"
#include "tests/support/process.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::tests {

class RunnerProcess {
 public:
  // Starts it on a folder of its own; options are added to its arguments, environment to the
  // test's.
  explicit RunnerProcess(
      const std::vector<std::string>& options = {},
      const std::map<std::string, std::string>& environment = {}
  );

  [[nodiscard]] std::string sockets() const { return folder_.file("sockets"); }

  [[nodiscard]] Process& process() { return *process_; }

  [[nodiscard]] std::string log() const { return read_text(folder_.file("log")); }

  [[nodiscard]] std::string run_file_folder() const { return folder_.file("run"); }

  // Process ids of its zygotes of that kind ("compiler" or "executor").
  [[nodiscard]] std::vector<pid_t> zygotes(const std::string& kind) const;
  // Process ids below the process.
  [[nodiscard]] static std::vector<pid_t> children_of(pid_t pid);

 private:
  TemporaryDirectory folder_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::tests
