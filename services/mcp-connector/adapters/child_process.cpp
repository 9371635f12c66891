#include "services/mcp-connector/adapters/child_process.h"

#include "services/mcp-connector/limits.h"

#include "common/async/deadline.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace sluice::mcp_connector {
namespace {

constexpr auto kTuple = boost::asio::as_tuple(async::kAwait);

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

std::string error_text(int error) {
  std::array<char, 128> buffer{};
  return ::strerror_r(error, buffer.data(), buffer.size());
}

Error no_resources(std::string_view what, int error) {
  return Error(
             Code::Unavailable,
             "the MCP server cannot be started at the moment; check the limits of the system"
  )
      .with_detail(std::string(what) + ": " + error_text(error));
}

// Descriptors 0 to 2 are the child's: a pipe end that landed there would be overwritten.
Result<FileDescriptor> above_standard(int descriptor) {
  FileDescriptor owned(descriptor);
  if (descriptor > STDERR_FILENO) {
    return owned;
  }
  FileDescriptor moved(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (moved.get() < 0) {
    return no_resources("dup", errno);
  }
  return moved;
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return no_resources("pipe", errno);
  }
  Pipe pipe;
  auto read = above_standard(ends[0]);
  auto write = above_standard(ends[1]);
  SLUICE_TRY(pipe.read, std::move(read));
  SLUICE_TRY(pipe.write, std::move(write));
  return pipe;
}

bool is_program(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const ChildSpec& spec) {
  if (spec.command.find('/') != std::string::npos) {
    return spec.command;
  }
  const auto path = spec.environment.find("PATH");
  std::string_view rest =
      path == spec.environment.end() ? std::string_view("/usr/bin:/bin") : path->second;
  while (!rest.empty()) {
    const auto end = rest.find(':');
    const std::string_view folder = rest.substr(0, end);
    const std::string candidate = std::string(folder.empty() ? "." : folder) + "/" + spec.command;
    if (is_program(candidate)) {
      return candidate;
    }
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return Error(
      Code::Invalid,
      "the program \"" + spec.command + "\" was not found in PATH; install it or give its full path"
  );
}

// What the child needs after fork, made before it: nothing may allocate there.
struct Prepared {
  std::string program;
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const char* directory = nullptr;
  std::array<int, 3> standard{};
  int report = -1;
  pid_t parent = 0;
};

[[noreturn]] void report_and_exit(const Prepared& prepared) {
  const int error = errno;
  const auto written = ::write(prepared.report, &error, sizeof error);
  ::_exit(written == sizeof error ? 127 : 126);
}

// Runs in the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const Prepared& prepared) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) {  // the parent died before the line above
    ::_exit(126);
  }
  for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2}) {
    ::signal(signal, SIG_DFL);  // NOLINT: what the parent ignores would stay ignored over exec
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int target = 0; target < 3; ++target) {
    if (::dup2(prepared.standard.at(static_cast<std::size_t>(target)), target) < 0) {
      report_and_exit(prepared);
    }
  }
  if (prepared.directory != nullptr && ::chdir(prepared.directory) != 0) {
    report_and_exit(prepared);
  }
  ::syscall(
      SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC
  );  // also what a library opened without O_CLOEXEC
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  report_and_exit(prepared);
}

void prepare(const ChildSpec& spec, std::string program, Prepared* out) {
  out->program = std::move(program);
  out->words.push_back(spec.command);
  out->words.insert(out->words.end(), spec.arguments.begin(), spec.arguments.end());
  for (const auto& [name, value] : spec.environment) {
    out->variables.push_back(name + "=" + value);
  }
  for (std::string& word : out->words) {
    out->argv.push_back(word.data());
  }
  out->argv.push_back(nullptr);
  for (std::string& variable : out->variables) {
    out->envp.push_back(variable.data());
  }
  out->envp.push_back(nullptr);
  out->directory = spec.working_directory.empty() ? nullptr : spec.working_directory.c_str();
  out->parent = ::getpid();
}

// 0 when exec succeeded, else its errno.
Async<int> exec_result(Executor executor, FileDescriptor report) {
  boost::asio::posix::stream_descriptor pipe(executor, report.release());
  int error = 0;
  const auto [code, count] =
      co_await pipe.async_read_some(boost::asio::buffer(&error, sizeof error), kTuple);
  if (code == boost::asio::error::operation_aborted) {
    co_return Error(Code::Cancelled, "the start was given up");
  }
  co_return count == sizeof error ? error : 0;
}

Error cannot_run(const ChildSpec& spec, int error) {
  if (error == ENOENT || error == ENOTDIR || error == EACCES || error == ENOEXEC) {
    return Error(
               Code::Invalid,
               "the program \"" + spec.command +
                   "\" cannot be run; check path, mode and working directory"
    )
        .with_detail(error_text(error));
  }
  return no_resources("exec", error);
}

}  // namespace

ChildProcess::ChildProcess(Executor executor, int pid, FileDescriptor pidfd)
    : executor_(std::move(executor)), pid_(pid), pidfd_(std::move(pidfd)) {}

Async<std::unique_ptr<ChildProcess>> ChildProcess::start(
    Executor executor, async::Clock* clock, ChildSpec spec
) {
  SLUICE_CO_TRY(std::string program, find_program(spec));
  SLUICE_CO_TRY(Pipe input, make_pipe());
  SLUICE_CO_TRY(Pipe output, make_pipe());
  SLUICE_CO_TRY(Pipe errors, make_pipe());
  SLUICE_CO_TRY(Pipe report, make_pipe());
  Prepared prepared;
  prepare(spec, std::move(program), &prepared);
  prepared.standard = {input.read.get(), output.write.get(), errors.write.get()};
  prepared.report = report.write.get();

  const pid_t pid = ::fork();
  if (pid < 0) {
    co_return no_resources("fork", errno);
  }
  if (pid == 0) {
    become(prepared);
  }
  ::setpgid(pid, pid);  // here too: whoever comes first
  FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const int pidfd_error = errno;
  auto child = std::make_unique<ChildProcess>(executor, pid, std::move(pidfd));
  if (child->pidfd_.get() < 0) {
    co_return no_resources("pidfd", pidfd_error);
  }
  child->input_ = std::move(input.write);
  child->output_ = std::move(output.read);
  child->errors_ = std::move(errors.read);
  report.write.reset();
  const auto error = co_await async::with_deadline(
      clock, clock->now() + kExecTimeout, exec_result(executor, std::move(report.read))
  );
  if (!error.ok()) {
    co_return error.error();
  }
  if (error.value() != 0) {
    co_return cannot_run(spec, error.value());
  }
  co_return child;
}

ChildProcess::~ChildProcess() {
  if (!reaped_) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // in case it has no group yet
    ::waitpid(pid_, nullptr, 0);
  }
}

Async<void> ChildProcess::exited() {
  while (!reaped_) {
    const int watched = ::fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (watched < 0) {
      co_return no_resources("dup", errno);
    }
    boost::asio::posix::stream_descriptor descriptor(executor_, watched);
    const auto [code] =
        co_await descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read, kTuple);
    if (code) {
      co_return Error(Code::Cancelled, "the wait for a child was given up");
    }
    reap();
  }
  co_return Result<void>();
}

void ChildProcess::reap() {
  // While the child is not reaped its group cannot be given to anybody else.
  ::kill(-pid_, SIGKILL);
  siginfo_t info{};
  reaped_ = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) == 0 &&
            info.si_pid == pid_;
}

void ChildProcess::signal_group(int signal) {
  if (!reaped_) {
    ::kill(-pid_, signal);
  }
}

}  // namespace sluice::mcp_connector
