// jail_intruder: assumes that V8 has fallen. Runs hostile native code in the identical jail of a
// child, tries every system call and what can be made of them, and judges by what happened outside.
//
// jail_intruder [--jail executor|compiler] [--uid N] [--plant filter|landlock]
//   --uid    the attempts are made as this user
//   --plant  leaves that wall out: the program must say so, with exit code 1
// Exit code 0: nothing was had; 1: something was, each told in a line; 2: it could not try.
#include "services/codemode-sandbox/runner/jail/testing/sweep.h"
#include "services/codemode-sandbox/runner/jail/testing/tricks.h"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

constexpr std::string_view kCanary = "canary: nobody reads or changes this";

volatile std::sig_atomic_t& signals() {
  static volatile std::sig_atomic_t count = 0;
  return count;
}

void say(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

struct Options {
  bool compiler = false;
  uid_t uid = 0;
  Missing missing = Missing::Nothing;
};

// The world outside of the jail, and what was done to it.
class Outside {
 public:
  Outside() {
    std::array<char, 32> name{"/tmp/sluice-intruder-XXXXXX"};
    folder_ = ::mkdtemp(name.data()) == nullptr ? "" : name.data();
    std::filesystem::create_directory(folder_ + "/inner");
    std::ofstream(folder_ + "/canary") << kCanary;
    // Whoever the attempts are made as, the file system itself would let them.
    ::chmod(folder_.c_str(), 0777);
    ::chmod((folder_ + "/canary").c_str(), 0666);
    tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ready_ =
        ::bind(tcp_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && ::listen(tcp_, 8) == 0;
    socklen_t size = sizeof at;
    ::getsockname(tcp_, reinterpret_cast<sockaddr*>(&at), &size);
    unix_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    (folder_ + "/socket").copy(path.sun_path, sizeof path.sun_path - 1);
    ready_ = ready_ && ::bind(unix_, reinterpret_cast<sockaddr*>(&path), sizeof path) == 0 &&
             ::listen(unix_, 8) == 0;
    ::signal(SIGUSR1, [](int) { signals() = signals() + 1; });
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // whatever an attempt leaves behind comes here
    files_ = files();
    prey_ = {
        .parent = ::getpid(),
        .secret = &secret_,
        .folder = folder_,
        .canary = folder_ + "/canary",
        .unix_socket = folder_ + "/socket",
        .tcp_port = ntohs(at.sin_port),
    };
  }

  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;
  Outside(Outside&&) = delete;
  Outside& operator=(Outside&&) = delete;

  ~Outside() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  [[nodiscard]] const Prey& prey() const { return prey_; }

  [[nodiscard]] bool ready() const { return ready_ && !folder_.empty(); }

  // What an attempt has done out here since the last question; empty: nothing.
  [[nodiscard]] std::string done() {
    std::string what;
    std::ifstream canary(prey_.canary);
    const std::string text(std::istreambuf_iterator<char>(canary), {});
    if (text != kCanary || files() != files_) {
      what += " files";
    }
    std::array<pollfd, 2> listeners{{{tcp_, POLLIN, 0}, {unix_, POLLIN, 0}}};
    if (::poll(listeners.data(), listeners.size(), 0) != 0) {
      what += " connections";
    }
    if (std::exchange(signals(), 0) != 0) {
      what += " signals";
    }
    if (secret_ != kSecret) {
      what += " memory";
    }
    if (Cage::descriptors_received() != 0) {
      what += " descriptors";
    }
    if (::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD) {
      what += " processes";
    }
    return what;
  }

 private:
  [[nodiscard]] std::string files() const {
    std::set<std::string> names;
    for (const auto& one : std::filesystem::directory_iterator(folder_)) {
      names.insert(one.path().filename().string());
    }
    std::string all;
    for (const std::string& name : names) {
      all += name + " ";
    }
    return all;
  }

  static constexpr long kSecret = 0x5ec2e7;

  std::string folder_;
  std::string files_;
  bool ready_ = false;
  int tcp_ = -1;
  int unix_ = -1;
  long secret_ = kSecret;
  Prey prey_;
};

class Intrusion {
 public:
  explicit Intrusion(const Options& options) : options_(options) {}

  int run() {
    if (!outside_.ready()) {
      return 2;
    }
    if (options_.uid != 0 && ::geteuid() != 0) {
      say("not root: the attempts are made as user " + std::to_string(::geteuid()));
      options_.uid = 0;
    }
    const auto executable =
        options_.compiler ? ExecutableMemory::Allowed : ExecutableMemory::Refused;
    const Cage cage(executable, options_.missing, options_.uid);
    const bool filtered = options_.missing != Missing::Filter;
    // Without the filter nothing that could harm this machine is tried.
    sweep_calls(cage, filtered ? std::set<int>() : harmless_calls());
    try_all("files", file_tricks(), cage);
    if (filtered) {
      try_all("files and descriptors", deep_file_tricks(), cage);
      try_all("sockets", socket_tricks(), cage);
      try_all("processes", process_tricks(), cage);
      try_all("kernel", kernel_tricks(), cage);
      try_all("code", code_tricks(), cage, options_.compiler);
    }
    // Each wall alone: the files must be safe behind Landlock without the filter.
    const bool planted = options_.missing == Missing::Landlock;
    const Cage landlock(executable, planted ? Missing::Both : Missing::Filter, options_.uid);
    try_all("files behind Landlock alone", file_tricks(), landlock);
    say(name() + (": " + std::to_string(tricks_)) + " tricks, " + std::to_string(attempts_) +
        " attempts, had: " + std::to_string(had_));
    return had_ == 0 ? 0 : 1;
  }

 private:
  [[nodiscard]] const char* name() const { return options_.compiler ? "compiler" : "executor"; }

  void had(const std::string& what) {
    ++had_;
    say(name() + (": HAD " + what));
  }

  void sweep_calls(const Cage& cage, const std::set<int>& only) {
    const Sweep swept = sweep(cage, only);
    attempts_ += swept.tried;
    if (only.empty()) {
      for (const std::string& one : differences(swept)) {
        had(one);
      }
    } else if (!swept.carried.empty()) {
      had(std::to_string(swept.carried.size()) + " calls that are refused in every jail");
    }
    if (const std::string what = outside_.done(); !what.empty()) {
      had("by a system call:" + what);
    }
    std::string line = name();
    line += ": " + std::to_string(only.empty() ? kCallsTried + 1 : only.size()) + " numbers, " +
            std::to_string(swept.carried.size()) + " carried out, " +
            std::to_string(swept.not_there.size()) + " ENOENT, " +
            std::to_string(swept.not_permitted.size()) + " EPERM:";
    for (const int number : swept.carried) {
      char* const call = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
      line += std::string(" ") + (call == nullptr ? "?" : call);
      std::free(call);
    }
    say(line);
  }

  void try_all(
      const char* group, const std::vector<Trick>& tricks, const Cage& cage, bool allowed = false
  ) {
    const int before = had_;
    for (const Trick& trick : tricks) {
      ++attempts_;
      ++tricks_;
      const Attempt made = cage.attempt([&] { return trick.won(outside_.prey()) ? 1 : 0; });
      const bool won = made.end == Attempt::End::Returned && made.value == 1;
      if (made.end == Attempt::End::NotClosed) {
        had(std::string(trick.name) + ": the jail did not close");
      } else if (won != allowed) {
        had(std::string(trick.name) + (allowed ? ": NOT, though allowed" : ""));
      }
      if (const std::string what = outside_.done(); !what.empty()) {
        had(std::string(trick.name) + ", seen outside:" + what);
      }
    }
    say(name() + (": " + std::string(group)) + ": " + std::to_string(tricks.size()) +
        " tried, had " + std::to_string(had_ - before));
  }

  Options options_;
  Outside outside_;
  int tricks_ = 0;
  int attempts_ = 0;
  int had_ = 0;
};

bool read_options(int count, char** words, Options* options) {
  for (int i = 1; i < count; i += 2) {
    const std::string_view word = words[i];
    const std::string_view value = i + 1 < count ? words[i + 1] : "";
    if (word == "--jail" && (value == "executor" || value == "compiler")) {
      options->compiler = value == "compiler";
    } else if (word == "--plant" && (value == "filter" || value == "landlock")) {
      options->missing = value == "filter" ? Missing::Filter : Missing::Landlock;
    } else if (word == "--uid" &&
               std::from_chars(value.begin(), value.end(), options->uid).ec == std::errc()) {
      continue;
    } else {
      say("jail_intruder [--jail executor|compiler] [--uid N] [--plant filter|landlock]");
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace sluice::codemode_runner::jail

int main(int argc, char** argv) {
  namespace jail = sluice::codemode_runner::jail;
  jail::Options options;
  return jail::read_options(argc, argv, &options) ? jail::Intrusion(options).run() : 2;
}
