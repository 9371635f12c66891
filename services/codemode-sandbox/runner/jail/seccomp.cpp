#include "services/codemode-sandbox/runner/jail/seccomp.h"

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

using Filter = std::unique_ptr<void, Release>;

Error failed(const char* what, int number) {
  return Error(Code::Unavailable, "the kernel's system-call filter (seccomp) cannot be set up")
      .with_detail(std::string(what) + ": " + std::generic_category().message(number));
}

// What a warm V8 needs; measured with strace over scripts with garbage collection and JIT.
// mremap: realloc of large blocks. getrandom: the C library's allocator, once. tgkill answers
// EPERM: no signal may leave, not even abort's own.
constexpr std::array kAllowed{
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

// ICU looks for time zones, V8 for the number of processors: not there is an answer both know.
constexpr std::array kNotThere{
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(getcwd),
};

constexpr std::array kNotPermitted{SCMP_SYS(tgkill), SCMP_SYS(prctl), SCMP_SYS(sched_getaffinity)};

constexpr std::array kOnSocket{SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev)};
constexpr std::array kMapping{SCMP_SYS(mmap), SCMP_SYS(mprotect)};

// MASKED_EQ: the bits of value are 0.
scmp_arg_cmp argument(unsigned int index, scmp_compare how, scmp_datum_t value) {
  return {.arg = index, .op = how, .datum_a = value, .datum_b = 0};
}

// 0, or the first error of libseccomp as a negative number.
int add_rules(scmp_filter_ctx filter, int socket, ExecutableMemory executable) {
  int worst = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  const auto keep = [&worst](int answer) { worst = worst == 0 ? answer : worst; };
  for (const int call : kAllowed) {
    keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0));
  }
  for (const int call : kNotThere) {
    keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), call, 0));
  }
  for (const int call : kNotPermitted) {
    keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0));
  }
  const auto number = static_cast<scmp_datum_t>(socket);
  for (const int call : kOnSocket) {
    keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, argument(0, SCMP_CMP_EQ, number)));
    keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EBADF), call, 1, argument(0, SCMP_CMP_NE, number))
    );
  }
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(poll), 1, argument(1, SCMP_CMP_EQ, 1)));
  // From MADV_HWPOISON on, advice is for those who test the kernel.
  const auto ordinary = argument(2, SCMP_CMP_LT, MADV_HWPOISON);
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1, ordinary));
  const auto wall = argument(0, SCMP_CMP_EQ, ITIMER_REAL);
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setitimer), 1, wall));
  for (const int call : kMapping) {
    if (executable == ExecutableMemory::Allowed) {
      keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0));
    } else {
      const auto none = argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC);
      keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, none));
    }
  }
  return worst;
}

// libseccomp writes programs to descriptors only.
Result<std::vector<sock_filter>> exported(scmp_filter_ctx filter) {
  const int file = ::memfd_create("seccomp", MFD_CLOEXEC);
  if (file < 0) {
    return failed("memfd_create", errno);
  }
  std::vector<sock_filter> program;
  int number = -seccomp_export_bpf(filter, file);
  if (number == 0) {
    constexpr std::size_t kInstructionsMax = 4096;  // Source: BPF_MAXINSNS of the kernel
    program.resize(kInstructionsMax);
    const ssize_t got = ::pread(file, program.data(), program.size() * sizeof(sock_filter), 0);
    number = got < 0 ? errno : 0;
    program.resize(got < 0 ? 0 : static_cast<std::size_t>(got) / sizeof(sock_filter));
  }
  ::close(file);
  if (number != 0 || program.empty()) {
    return failed("seccomp_export_bpf", number);
  }
  return program;
}

}  // namespace

std::vector<ListedCall> listed_calls() {
  using Answer = ListedCall::Answer;
  std::vector<ListedCall> all;
  const auto add = [&all](const auto& calls, Answer answer) {
    for (const int call : calls) {
      all.push_back({.number = call, .answer = answer});
    }
  };
  add(kAllowed, Answer::Carries);
  add(kOnSocket, Answer::CarriesSome);
  add(kMapping, Answer::CarriesSome);
  add(std::array{SCMP_SYS(poll), SCMP_SYS(madvise), SCMP_SYS(setitimer)}, Answer::CarriesSome);
  add(kNotThere, Answer::NotThere);
  add(kNotPermitted, Answer::NotPermitted);
  return all;
}

Result<SeccompProgram> SeccompProgram::make(int socket, ExecutableMemory executable) {
  const Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) {
    return failed("seccomp_init", ENOMEM);
  }
  if (const int answer = add_rules(filter.get(), socket, executable); answer != 0) {
    return failed("seccomp_rule_add", -answer);
  }
  SLUICE_TRY(std::vector<sock_filter> program, exported(filter.get()));
  return SeccompProgram(std::move(program));
}

Result<void> SeccompProgram::load() const {
  // The kernel copies the program and does not write to it.
  sock_fprog program{
      .len = static_cast<unsigned short>(program_.size()),
      .filter = const_cast<sock_filter*>(program_.data()),
  };
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return Error(Code::Internal, "the system-call filter could not be loaded")
        .with_detail(std::generic_category().message(errno));
  }
  return {};
}

}  // namespace sluice::codemode_runner::jail
