// What native code in a child can do: each test plants it in a process of its own.
#include "services/codemode-sandbox/runner/jail/jail.h"

#include "services/codemode-sandbox/runner/jail/proof.h"
#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

using Planted = int (*)();

constexpr int kSocket = 3;
constexpr int kSurvived = 10;
constexpr int kJailOpen = 99;

// The wait status of a process that closes the jail and then runs the planted code; its answer is
// the exit code.
int ends_with(Planted planted, ExecutableMemory executable = ExecutableMemory::Refused) {
  auto program = SeccompProgram::make(kSocket, executable);
  EXPECT_THAT(program, testing::IsOk());
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    const Limits limits{.address_space_bytes = std::uint64_t{4} << 30, .cpu_s = 2};
    if (::dup2(STDERR_FILENO, kSocket) < 0 || !close_outer(parent).ok() ||
        !close_inner(limits, program.value()).ok()) {
      ::_exit(kJailOpen);
    }
    ::_exit(planted());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

int killed_by(int status) {
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Jail, OrdinaryWorkGoesOn) {
  const int status = ends_with([] {
    void* const memory =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && ::getpid() > 0 ? kSurvived : 0;
  });

  EXPECT_EQ(exit_code(status), kSurvived);
}

TEST(Jail, FilesAreNotThere) {
  EXPECT_EQ(
      exit_code(ends_with([] { return ::open("/etc/passwd", O_RDONLY) < 0 ? errno : 0; })), ENOENT
  );
  EXPECT_EQ(
      exit_code(ends_with([] { return ::open("/tmp/x", O_CREAT | O_WRONLY, 0600) < 0 ? errno : 0; })
      ),
      ENOENT
  );
  EXPECT_EQ(exit_code(ends_with([] { return ::access("/", F_OK) < 0 ? errno : 0; })), ENOENT);
}

TEST(Jail, OnlyTheSocketIsReadAndWritten) {
  EXPECT_EQ(
      exit_code(ends_with([] { return ::write(STDOUT_FILENO, "x", 1) < 0 ? errno : 0; })), EBADF
  );
  EXPECT_EQ(
      exit_code(ends_with([] {
        std::array<char, 1> byte{};
        return ::read(STDIN_FILENO, byte.data(), 1) < 0 ? errno : 0;
      })),
      EBADF
  );
  EXPECT_EQ(
      exit_code(ends_with([] { return ::write(kSocket, "", 0) == 0 ? kSurvived : errno; })),
      kSurvived
  );
}

TEST(Jail, OtherProcessesAreOutOfReach) {
  EXPECT_EQ(killed_by(ends_with([] { return ::fork() >= 0 ? kSurvived : errno; })), SIGSYS);
  EXPECT_EQ(
      killed_by(ends_with([] {
        std::array<char*, 1> none{nullptr};
        return ::execve("/bin/true", none.data(), none.data());
      })),
      SIGSYS
  );
  EXPECT_EQ(killed_by(ends_with([] { return ::kill(::getppid(), 0); })), SIGSYS);
  EXPECT_EQ(
      killed_by(ends_with([] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, 0, 0)); })),
      SIGSYS
  );
}

TEST(Jail, ThereIsNoNetwork) {
  EXPECT_EQ(killed_by(ends_with([] { return ::socket(AF_INET, SOCK_STREAM, 0); })), SIGSYS);
  EXPECT_EQ(killed_by(ends_with([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); })), SIGSYS);
  EXPECT_EQ(
      killed_by(ends_with([] { return static_cast<int>(::send(kSocket, "x", 1, 0)); })), SIGSYS
  );
}

TEST(Jail, AnExecutorHasNoExecutableMemory) {
  const Planted map = [] {
    return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                   MAP_FAILED
               ? kSurvived
               : errno;
  };
  const Planted protect = [] {
    void* const memory =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ::mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0 ? kSurvived : errno;
  };

  EXPECT_EQ(killed_by(ends_with(map)), SIGSYS);
  EXPECT_EQ(killed_by(ends_with(protect)), SIGSYS);
  EXPECT_EQ(exit_code(ends_with(map, ExecutableMemory::Allowed)), kSurvived);
}

TEST(Jail, TheWallTimerIsTheOnlyOneAndNoPriorityCanBeSet) {
  EXPECT_EQ(
      exit_code(ends_with([] {
        const itimerval none{};
        return ::setitimer(ITIMER_REAL, &none, nullptr) == 0 ? kSurvived : errno;
      })),
      kSurvived
  );
  EXPECT_EQ(
      killed_by(ends_with([] {
        const itimerval none{};
        return ::setitimer(ITIMER_PROF, &none, nullptr);
      })),
      SIGSYS
  );
  EXPECT_EQ(killed_by(ends_with([] { return ::setpriority(PRIO_PROCESS, 0, 10); })), SIGSYS);
}

TEST(Jail, HoldsHereWithAndWithoutExecutableMemory) {
  EXPECT_THAT(prove(ExecutableMemory::Refused), testing::IsOk());
  EXPECT_THAT(prove(ExecutableMemory::Allowed), testing::IsOk());
}

TEST(Jail, TheReadmePublishesEveryCallThatDoesNotKill) {
  const std::string readme = [] {
    std::ifstream file(SLUICE_JAIL_README);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  ASSERT_FALSE(readme.empty());

  std::size_t carried = 0;
  for (const ListedCall& call : listed_calls()) {
    char* const name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, call.number);
    ASSERT_NE(name, nullptr) << call.number;
    EXPECT_NE(readme.find("`" + std::string(name) + "`"), std::string::npos) << name;
    std::free(name);
    carried +=
        call.answer == ListedCall::Answer::Carries || call.answer == ListedCall::Answer::CarriesSome
            ? 1
            : 0;
  }
  EXPECT_LE(carried, 45U);
}

TEST(Jail, TimeAndMemoryHaveLimits) {
  EXPECT_EQ(
      killed_by(ends_with([] {
        volatile bool on = true;
        while (on) {
        }
        return 0;
      })),
      SIGXCPU
  );
  EXPECT_EQ(
      exit_code(ends_with([] {
        void* const memory =
            ::mmap(nullptr, std::size_t{5} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return memory == MAP_FAILED ? errno : kSurvived;
      })),
      ENOMEM
  );
}

}  // namespace
}  // namespace sluice::codemode_runner::jail
