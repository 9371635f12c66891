// The programs themselves: the intruder in whole and in damaged jails, and a runner on a kernel
// that does not give it a wall.
#include "services/codemode-sandbox/runner/jail/jail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/prctl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

struct Ended {
  int code = -1;
  std::string output;  // both streams
};

// Runs before_exec in the process of the program.
Ended run(const std::vector<std::string>& words, const std::function<void()>& before_exec = {}) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::dup2(pipe[1], STDERR_FILENO);
    if (before_exec) {
      before_exec();
    }
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words) {
      argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  Ended ended;
  std::array<char, 4096> bytes{};
  for (ssize_t got = 1; got > 0;) {
    got = ::read(pipe[0], bytes.data(), bytes.size());
    ended.output.append(bytes.data(), static_cast<std::size_t>(got < 0 ? 0 : got));
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

class Intruder : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  static Ended intrude(std::vector<std::string> words) {
    words.insert(words.begin(), SLUICE_JAIL_INTRUDER);
    return run(words);
  }
};

TEST_P(Intruder, HasNothing) {
  const Ended ended = intrude(GetParam());
  std::fwrite(ended.output.data(), 1, ended.output.size(), stdout);

  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.output, ContainsRegex("471 numbers"));
  EXPECT_THAT(ended.output, ContainsRegex("had: 0\n"));
  EXPECT_THAT(ended.output, Not(HasSubstr("HAD")));
}

INSTANTIATE_TEST_SUITE_P(
    Jails,
    Intruder,
    ::testing::Values(
        std::vector<std::string>{"--jail", "executor"},
        std::vector<std::string>{"--jail", "compiler"},
        std::vector<std::string>{"--jail", "executor", "--uid", "65534"},
        std::vector<std::string>{"--jail", "compiler", "--uid", "65534"}
    )
);

TEST_F(Intruder, TellsOfAJailWithoutItsFilter) {
  const Ended ended = intrude({"--plant", "filter"});

  EXPECT_EQ(ended.code, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("HAD 9 calls that are refused in every jail"));
}

TEST_F(Intruder, TellsOfAJailWithoutLandlock) {
  const Ended ended = intrude({"--plant", "landlock"});

  EXPECT_EQ(ended.code, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("HAD unlink the canary, seen outside: files"));
}

// A system call that the kernel answers with a number instead of doing it.
struct Refusal {
  const char* name;
  int call;
  int number;       // 0: it says that it did it
  int argument;     // the call is refused where this one...
  long value;       // ...has this value; argument -1: always
  const char* why;  // in what the runner says
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

void refuse(const Refusal& refusal) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  const auto answer = SCMP_ACT_ERRNO(static_cast<unsigned int>(refusal.number));
  const scmp_arg_cmp when{
      .arg = static_cast<unsigned int>(refusal.argument < 0 ? 0 : refusal.argument),
      .op = SCMP_CMP_EQ,
      .datum_a = static_cast<scmp_datum_t>(refusal.value),
      .datum_b = 0,
  };
  if (seccomp_rule_add_array(filter, answer, refusal.call, refusal.argument < 0 ? 0 : 1, &when) !=
          0 ||
      seccomp_load(filter) != 0) {
    ::_exit(126);
  }
}

class RefusedWall : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedWall, TheRunnerDoesNotServeAndSaysWhy) {
  std::string folder = ::testing::TempDir() + "sluice-refused-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);

  const Ended ended = run({SLUICE_CODEMODE_RUNNER, "--sockets", folder}, [] {
    ::alarm(20);  // should it serve after all
    refuse(GetParam());
  });
  ::rmdir(folder.c_str());

  EXPECT_EQ(ended.code, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("jail-refused"));
  EXPECT_THAT(ended.output, HasSubstr("codemode-runner cannot start: scripts cannot be run here"));
  EXPECT_THAT(ended.output, HasSubstr(GetParam().why));
  EXPECT_THAT(ended.output, Not(HasSubstr("runner-ready")));
}

constexpr int kAlways = -1;

INSTANTIATE_TEST_SUITE_P(
    Walls,
    RefusedWall,
    ::testing::Values(
        Refusal{"SeccompEperm", SCMP_SYS(seccomp), EPERM, 0, 1, "filter could not be loaded"},
        Refusal{"SeccompEnosys", SCMP_SYS(seccomp), ENOSYS, 0, 1, "filter could not be loaded"},
        Refusal{"SeccompLies", SCMP_SYS(seccomp), 0, 0, 1, "filter does not hold"},
        Refusal{
            "NoLandlock", SCMP_SYS(landlock_create_ruleset), ENOSYS, kAlways, 0, "Landlock, which"
        },
        Refusal{
            "LandlockOff", SCMP_SYS(landlock_create_ruleset), EOPNOTSUPP, kAlways, 0, "Landlock"
        },
        Refusal{
            "LandlockNotForUs",
            SCMP_SYS(landlock_restrict_self),
            EPERM,
            kAlways,
            0,
            "landlock_restrict_self"
        },
        Refusal{
            "LandlockFull",
            SCMP_SYS(landlock_restrict_self),
            E2BIG,
            kAlways,
            0,
            "landlock_restrict_self"
        },
        Refusal{
            "LandlockLies",
            SCMP_SYS(landlock_restrict_self),
            0,
            kAlways,
            0,
            "Landlock does not hold"
        },
        Refusal{"NoNewPrivileges", SCMP_SYS(prctl), EINVAL, 0, PR_SET_NO_NEW_PRIVS, "NO_NEW_PRIVS"},
        Refusal{"Dumpable", SCMP_SYS(prctl), EPERM, 0, PR_SET_DUMPABLE, "DUMPABLE"},
        Refusal{"DumpableLies", SCMP_SYS(prctl), 0, 0, PR_SET_DUMPABLE, "dumpable"},
        Refusal{"ParentDeathSignal", SCMP_SYS(prctl), EPERM, 0, PR_SET_PDEATHSIG, "PDEATHSIG"},
        Refusal{"Descriptors", SCMP_SYS(prlimit64), EPERM, 1, RLIMIT_NOFILE, "setrlimit"},
        Refusal{"DescriptorsLie", SCMP_SYS(prlimit64), 0, 1, RLIMIT_NOFILE, "RLIMIT_NOFILE"},
        Refusal{"AddressSpace", SCMP_SYS(prlimit64), EPERM, 1, RLIMIT_AS, "setrlimit"},
        Refusal{"NoMemoryForTheFilter", SCMP_SYS(memfd_create), ENOSYS, kAlways, 0, "memfd_create"}
    ),
    [](const auto& info) { return std::string(info.param.name); }
);

}  // namespace
}  // namespace sluice::codemode_runner::jail
