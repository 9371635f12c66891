#include "tests/integration/runner_rig.h"

#include "common/base/check.h"

#include <filesystem>
#include <sstream>
#include <utility>

namespace sluice::tests {

RunnerProcess::RunnerProcess(
    const std::vector<std::string>& options, const std::map<std::string, std::string>& environment
) {
  std::filesystem::create_directories(sockets());
  std::vector<std::string> argv{
      environment_or("SLUICE_BUILD_DIR", "build/dev") + "/bin/codemode-runner",
      "--sockets",
      sockets(),
      "--run-directory",
      run_file_folder(),
  };
  argv.insert(argv.end(), options.begin(), options.end());
  auto process = Process::spawn(
      {.argv = argv,
       .environment = environment,
       .output_file = folder_.file("log"),
       .working_directory = {}}
  );
  SLUICE_CHECK(process.ok(), "a runner can be started");
  process_ = std::move(process).value();
}

std::vector<pid_t> RunnerProcess::children_of(pid_t pid) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    std::istringstream pids(read_text(task.path().string() + "/children"));
    for (pid_t child = 0; pids >> child;) {
      found.push_back(child);
    }
  }
  return found;
}

std::vector<pid_t> RunnerProcess::zygotes(const std::string& kind) const {
  std::vector<pid_t> found;
  for (const pid_t child : children_of(process_->pid())) {
    const std::string words = read_text("/proc/" + std::to_string(child) + "/cmdline");
    if (words.find(std::string("--zygote") + '\0' + kind + '\0') != std::string::npos) {
      found.push_back(child);
    }
  }
  return found;
}

}  // namespace sluice::tests
