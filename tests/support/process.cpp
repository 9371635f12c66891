#include "tests/support/process.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::tests {
namespace {

constexpr int kNotStarted = 127;
constexpr int kSignalled = 128;

// Everything the child needs, made before fork, because only system calls are safe after it.
struct Image {
  std::vector<char*> argv;
  std::vector<std::string> environment_text;
  std::vector<char*> environment;
};

Image image_of(ProcessOptions& options) {
  Image image;
  for (std::string& argument : options.argv) {
    image.argv.push_back(argument.data());
  }
  image.argv.push_back(nullptr);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!options.environment.contains(text.substr(0, text.find('=')))) {
      image.environment_text.push_back(text);
    }
  }
  for (const auto& [name, value] : options.environment) {
    image.environment_text.push_back(name + "=" + value);
  }
  for (std::string& text : image.environment_text) {
    image.environment.push_back(text.data());
  }
  image.environment.push_back(nullptr);
  return image;
}

[[noreturn]] void become(const ProcessOptions& options, const Image& image, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(kNotStarted);  // the test ended in between
  }
  if (!options.output_file.empty()) {
    constexpr mode_t kMode = 0600;
    const int output = open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, kMode);
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
      _exit(kNotStarted);
    }
  }
  if (!options.working_directory.empty() && chdir(options.working_directory.c_str()) != 0) {
    _exit(kNotStarted);
  }
  execvpe(image.argv[0], image.argv.data(), image.environment.data());
  _exit(kNotStarted);
}

}  // namespace

Result<std::unique_ptr<Process>> Process::spawn(ProcessOptions options) {
  SLUICE_CHECK(!options.argv.empty(), "a program has a name");
  const Image image = image_of(options);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    become(options, image, parent);
  }
  if (child < 0) {
    return Error(Code::Exhausted, "no process can be started").with_detail(std::strerror(errno));
  }
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  return std::make_unique<Process>(Key{}, child, descriptor);
}

Process::~Process() {
  if (running()) {
    kill(SIGKILL);
    constexpr std::chrono::seconds kLongest{10};
    static_cast<void>(wait(kLongest).ok());
  }
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

bool Process::running() {
  return !ended_ && !wait(std::chrono::milliseconds(0)).ok();
}

void Process::kill(int signal) {
  if (!ended_) {
    ::kill(pid_, signal);
  }
}

Result<int> Process::wait(std::chrono::milliseconds longest) {
  if (!ended_) {
    pollfd ended{descriptor_, POLLIN, 0};
    if (poll(&ended, 1, static_cast<int>(longest.count())) <= 0) {
      return Error(Code::Deadline, "the process still runs");
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
    ended_ = true;
  }
  return status_;
}

std::string environment_or(const std::string& name, const std::string& fallback) {
  const char* value =
      std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): tests have one thread here
  return value != nullptr && value[0] != '\0' ? value : fallback;
}

std::string source_directory() {
  namespace fs = std::filesystem;
  const std::string told = environment_or("SLUICE_SOURCE_DIR", "");
  if (!told.empty()) {
    return told;
  }
  for (fs::path here = fs::current_path(); here.has_relative_path(); here = here.parent_path()) {
    if (fs::exists(here / "CMakePresets.json")) {
      return here.string();
    }
  }
  return ".";
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = environment_or("TMPDIR", "/tmp") + "/sluice-test-XXXXXX";
  SLUICE_CHECK(mkdtemp(pattern.data()) != nullptr, "tests need a temporary directory");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds longest) {
  constexpr int kPauseMs = 5;
  for (std::int64_t waited_ms = 0; waited_ms <= longest.count(); waited_ms += kPauseMs) {
    if (holds()) {
      return true;
    }
    poll(nullptr, 0, kPauseMs);
  }
  return holds();
}

}  // namespace sluice::tests
