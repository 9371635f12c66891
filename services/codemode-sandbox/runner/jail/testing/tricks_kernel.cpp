#include "services/codemode-sandbox/runner/jail/testing/tricks.h"

#include <array>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/io.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

void* map(std::size_t bytes, int protection) {
  return ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Trick>& kernel_tricks() {
  static const std::vector<Trick> kAll{
      {"unshare of users", [](const Prey& /*p*/) { return ::unshare(CLONE_NEWUSER) == 0; }},
      {"unshare of the network", [](const Prey& /*p*/) { return ::unshare(CLONE_NEWNET) == 0; }},
      {"setns", [](const Prey& /*p*/) { return ::setns(3, 0) == 0; }},
      {"setuid", [](const Prey& /*p*/) { return ::syscall(SYS_setuid, 0) == 0; }},
      {"setresuid", [](const Prey& /*p*/) { return ::syscall(SYS_setresuid, 0, 0, 0) == 0; }},
      {"setgroups", [](const Prey& /*p*/) { return ::syscall(SYS_setgroups, 0, nullptr) == 0; }},
      {"capset", [](const Prey& /*p*/) { return ::syscall(SYS_capset, nullptr, nullptr) == 0; }},
      {"dumpable again", [](const Prey& /*p*/) { return ::prctl(PR_SET_DUMPABLE, 1) == 0; }},
      {"new privileges again",
       [](const Prey& /*p*/) { return ::prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0; }},
      {"outlive the parent", [](const Prey& /*p*/) { return ::prctl(PR_SET_PDEATHSIG, 0) == 0; }},
      {"a tracer of one's own", [](const Prey& /*p*/) { return ::prctl(PR_SET_PTRACER, -1) == 0; }},
      {"a filter of one's own by prctl",
       [](const Prey& /*p*/) {
         sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
         sock_fprog f{1, &all};
         return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f) == 0;
       }},
      {"a filter of one's own by seccomp",
       [](const Prey& /*p*/) {
         sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
         sock_fprog f{1, &all};
         return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f) == 0;
       }},
      {"a listener of the filter",
       [](const Prey& /*p*/) {
         return ::syscall(
                    SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, nullptr
                ) >= 0;
       }},
      {"strict seccomp",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, nullptr) == 0;
       }},
      {"more descriptors",
       [](const Prey& /*p*/) {
         const rlimit l{64, 64};
         return ::setrlimit(RLIMIT_NOFILE, &l) == 0;
       }},
      {"more memory",
       [](const Prey& /*p*/) {
         const rlimit l{RLIM_INFINITY, RLIM_INFINITY};
         return ::setrlimit(RLIMIT_AS, &l) == 0;
       }},
      {"more computing time",
       [](const Prey& /*p*/) {
         rlimit l{RLIM_INFINITY, RLIM_INFINITY};
         return ::prlimit(0, RLIMIT_CPU, &l, nullptr) == 0;
       }},
      {"personality", [](const Prey& /*p*/) { return ::personality(ADDR_NO_RANDOMIZE) >= 0; }},
      {"arch_prctl",
       [](const Prey& /*p*/) {
         unsigned long got = 0;
         return ::syscall(SYS_arch_prctl, 0x1003, &got) == 0;
       }},
      {"modify_ldt", [](const Prey& /*p*/) { return ::syscall(SYS_modify_ldt, 0, nullptr, 0) >= 0; }
      },
      {"ports", [](const Prey& /*p*/) { return ::ioperm(0x80, 1, 1) == 0 || ::iopl(3) == 0; }},
      {"io_uring",
       [](const Prey& /*p*/) {
         std::array<char, 120> o{};
         return ::syscall(SYS_io_uring_setup, 1, o.data()) >= 0;
       }},
      {"io_uring_enter",
       [](const Prey& /*p*/) { return ::syscall(SYS_io_uring_enter, 3, 1, 0, 0, nullptr, 0) >= 0; }
      },
      {"asynchronous input and output",
       [](const Prey& /*p*/) {
         unsigned long c = 0;
         return ::syscall(SYS_io_setup, 1, &c) == 0;
       }},
      {"userfaultfd", [](const Prey& /*p*/) { return ::syscall(SYS_userfaultfd, 1) >= 0; }},
      {"bpf",
       [](const Prey& /*p*/) {
         std::array<char, 128> a{};
         return ::syscall(SYS_bpf, 0, a.data(), sizeof a) >= 0;
       }},
      {"perf",
       [](const Prey& /*p*/) {
         std::array<char, 128> a{};
         return ::syscall(SYS_perf_event_open, a.data(), 0, -1, -1, 0) >= 0;
       }},
      {"keyctl", [](const Prey& /*p*/) { return ::syscall(SYS_keyctl, 0, -3, 1) >= 0; }},
      {"add_key",
       [](const Prey& /*p*/) { return ::syscall(SYS_add_key, "user", "x", "x", 1, -3) >= 0; }},
      {"request_key",
       [](const Prey& /*p*/) { return ::syscall(SYS_request_key, "user", "x", nullptr, -3) >= 0; }},
      {"init_module",
       [](const Prey& /*p*/) { return ::syscall(SYS_init_module, nullptr, 0, "") == 0; }},
      {"finit_module", [](const Prey& /*p*/) { return ::syscall(SYS_finit_module, 3, "", 0) == 0; }
      },
      {"the kernel's log",
       [](const Prey& /*p*/) { return ::syscall(SYS_syslog, 3, nullptr, 0) >= 0; }},
      {"landlock anew",
       [](const Prey& /*p*/) { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) >= 0; }
      },
      {"timer_create",
       [](const Prey& /*p*/) { return ::syscall(SYS_timer_create, 0, nullptr, nullptr) == 0; }},
      {"timerfd", [](const Prey& /*p*/) { return ::timerfd_create(CLOCK_MONOTONIC, 0) >= 0; }},
      {"eventfd", [](const Prey& /*p*/) { return ::eventfd(0, 0) >= 0; }},
      {"signalfd",
       [](const Prey& /*p*/) {
         sigset_t s{};
         return ::signalfd(-1, &s, 0) >= 0;
       }},
      {"epoll", [](const Prey& /*p*/) { return ::epoll_create1(0) >= 0; }},
      {"the timer of computing time off",
       [](const Prey& /*p*/) {
         const itimerval none{};
         return ::setitimer(ITIMER_PROF, &none, nullptr) == 0;
       }},
      {"set the clock",
       [](const Prey& /*p*/) {
         timespec t{};
         return ::clock_settime(CLOCK_REALTIME, &t) == 0;
       }},
      {"another handler for SIGXCPU",
       [](const Prey& /*p*/) { return ::signal(SIGXCPU, SIG_IGN) != SIG_ERR; }},
      {"an alternate stack",
       [](const Prey& /*p*/) {
         stack_t s{};
         return ::sigaltstack(nullptr, &s) == 0;
       }},
      {"System V shared memory",
       [](const Prey& /*p*/) { return ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0; }},
      {"System V messages",
       [](const Prey& /*p*/) { return ::msgget(IPC_PRIVATE, IPC_CREAT | 0600) >= 0; }},
      {"System V semaphores",
       [](const Prey& /*p*/) { return ::semget(IPC_PRIVATE, 1, IPC_CREAT | 0600) >= 0; }},
      {"POSIX messages",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, nullptr) >= 0;
       }},
      {"lock all memory", [](const Prey& /*p*/) { return ::mlockall(MCL_CURRENT) == 0; }},
      {"more memory than there may be",
       [](const Prey& /*p*/) { return map(std::size_t{2} << 30, PROT_READ) != MAP_FAILED; }},
      {"poison a page",
       [](const Prey& /*p*/) {
         void* m = map(4096, PROT_READ | PROT_WRITE);
         return ::madvise(m, 4096, MADV_HWPOISON) == 0;
       }},
      {"protection keys", [](const Prey& /*p*/) { return ::pkey_alloc(0, 0) >= 0; }},
      {"memory of a file",
       [](const Prey& /*p*/) {
         return ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, 0, 0) != MAP_FAILED;
       }},
      {"memory of the channel",
       [](const Prey& /*p*/) {
         return ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, 3, 0) != MAP_FAILED;
       }},
      {"raise by abort",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), SIGABRT) == 0;
       }},
      {"name of this machine",
       [](const Prey& /*p*/) {
         utsname u{};
         return ::uname(&u) == 0;
       }},
      {"memory of this machine",
       [](const Prey& /*p*/) {
         struct sysinfo i{};
         return ::sysinfo(&i) == 0;
       }},
      {"processors of this machine",
       [](const Prey& /*p*/) {
         unsigned long mask = 0;
         return ::syscall(SYS_sched_getaffinity, 0, sizeof mask, &mask) > 0;
       }},
  };
  return kAll;
}

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Trick>& code_tricks() {
  static const std::vector<Trick> kAll{
      {"memory to execute",
       [](const Prey& /*p*/) { return map(4096, PROT_READ | PROT_EXEC) != MAP_FAILED; }},
      {"memory to write and execute",
       [](const Prey& /*p*/) { return map(4096, PROT_READ | PROT_WRITE | PROT_EXEC) != MAP_FAILED; }
      },
      {"data made code by mprotect",
       [](const Prey& /*p*/) {
         void* m = map(4096, PROT_READ | PROT_WRITE);
         return ::mprotect(m, 4096, PROT_READ | PROT_EXEC) == 0;
       }},
      {"the stack made code",
       [](const Prey& /*p*/) {
         alignas(4096) std::array<char, 4096> here{};
         void* m = here.data();
         return ::mprotect(m, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
       }},
  };
  return kAll;
}

}  // namespace sluice::codemode_runner::jail
