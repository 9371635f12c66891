#include "services/codemode-sandbox/runner/jail/testing/tricks.h"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Trick>& process_tricks() {
  static const std::vector<Trick> kAll{
      {"fork", [](const Prey& /*p*/) { return ::fork() >= 0; }},
      {"vfork", [](const Prey& /*p*/) { return ::syscall(SYS_vfork) >= 0; }},
      {"clone",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0) >= 0;
       }},
      {"a thread",
       [](const Prey& /*p*/) {
         return ::syscall(
                    SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, nullptr, nullptr, nullptr, 0
                ) >= 0;
       }},
      {"clone3 with namespaces",
       [](const Prey& /*p*/) {
         std::array<unsigned long, 11> a{};
         a[0] = CLONE_NEWUSER | CLONE_NEWNET;
         a[4] = SIGCHLD;
         return ::syscall(SYS_clone3, a.data(), sizeof a) >= 0;
       }},
      {"a fork bomb",
       [](const Prey& /*p*/) {
         int made = 0;
         for (int i = 0; i < 4; ++i) {
           made += ::fork() >= 0 ? 1 : 0;
         }
         return made > 0;
       }},
      {"execve",
       [](const Prey& /*p*/) {
         std::array<char*, 1> none{nullptr};
         return ::execve("/bin/true", none.data(), none.data()) == 0;
       }},
      {"execveat",
       [](const Prey& /*p*/) {
         std::array<char*, 1> none{nullptr};
         return ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", none.data(), none.data(), 0) == 0;
       }},
      {"memfd and fexecve",
       [](const Prey& /*p*/) {
         const int f = ::memfd_create("x", 0);
         std::array<char*, 2> a{const_cast<char*>("x"), nullptr};
         return ::fexecve(f, a.data(), a.data() + 1) == 0;
       }},
      {"kill the parent", [](const Prey& p) { return ::kill(p.parent, SIGUSR1) == 0; }},
      {"is the parent there, by kill", [](const Prey& p) { return ::kill(p.parent, 0) == 0; }},
      {"is init there, by kill", [](const Prey& /*p*/) { return ::kill(1, 0) == 0; }},
      {"tgkill of the parent",
       [](const Prey& p) { return ::syscall(SYS_tgkill, p.parent, p.parent, SIGUSR1) == 0; }},
      {"tkill of the parent",
       [](const Prey& p) { return ::syscall(SYS_tkill, p.parent, SIGUSR1) == 0; }},
      {"rt_sigqueueinfo",
       [](const Prey& p) {
         siginfo_t i{};
         i.si_code = -1;
         return ::syscall(SYS_rt_sigqueueinfo, p.parent, SIGUSR1, &i) == 0;
       }},
      {"rt_tgsigqueueinfo",
       [](const Prey& p) {
         siginfo_t i{};
         i.si_code = -1;
         return ::syscall(SYS_rt_tgsigqueueinfo, p.parent, p.parent, SIGUSR1, &i) == 0;
       }},
      {"pidfd_open", [](const Prey& p) { return ::syscall(SYS_pidfd_open, p.parent, 0) >= 0; }},
      {"pidfd_getfd", [](const Prey& /*p*/) { return ::syscall(SYS_pidfd_getfd, 3, 0, 0) >= 0; }},
      {"pidfd_send_signal",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_pidfd_send_signal, 3, SIGUSR1, nullptr, 0) == 0;
       }},
      {"ptrace attach", [](const Prey& p) { return ::ptrace(PTRACE_ATTACH, p.parent, 0, 0) == 0; }},
      {"ptrace seize", [](const Prey& p) { return ::ptrace(PTRACE_SEIZE, p.parent, 0, 0) == 0; }},
      {"read the parent's memory",
       [](const Prey& p) {
         long got = 0;
         iovec l{&got, sizeof got};
         iovec r{p.secret, sizeof got};
         return ::process_vm_readv(p.parent, &l, 1, &r, 1, 0) > 0;
       }},
      {"write the parent's memory",
       [](const Prey& p) {
         long got = 0;
         iovec l{&got, sizeof got};
         iovec r{p.secret, sizeof got};
         return ::process_vm_writev(p.parent, &l, 1, &r, 1, 0) > 0;
       }},
      {"process_madvise",
       [](const Prey& /*p*/) { return ::syscall(SYS_process_madvise, 3, nullptr, 0, 0, 0) >= 0; }},
      {"kcmp", [](const Prey& p) { return ::syscall(SYS_kcmp, p.parent, p.parent, 0, 0, 0) >= 0; }},
      {"move_pages of the parent",
       [](const Prey& p) {
         return ::syscall(SYS_move_pages, p.parent, 0, nullptr, nullptr, nullptr, 0) >= 0;
       }},
      {"wait for others", [](const Prey& /*p*/) { return ::waitpid(-1, nullptr, WNOHANG) >= 0; }},
      {"a session of one's own", [](const Prey& /*p*/) { return ::setsid() >= 0; }},
      {"another process group", [](const Prey& /*p*/) { return ::setpgid(0, 0) == 0; }},
      {"limits of the parent",
       [](const Prey& p) {
         rlimit l{};
         return ::prlimit(p.parent, RLIMIT_NOFILE, nullptr, &l) == 0;
       }},
      {"priority of the parent",
       [](const Prey& p) {
         return ::setpriority(PRIO_PROCESS, static_cast<id_t>(p.parent), 19) == 0;
       }},
      {"a higher priority",
       [](const Prey& /*p*/) { return ::setpriority(PRIO_PROCESS, 0, -20) == 0; }},
      {"affinity of the parent",
       [](const Prey& p) {
         unsigned long mask = 1;
         return ::syscall(SYS_sched_setaffinity, p.parent, sizeof mask, &mask) == 0;
       }},
      {"real time",
       [](const Prey& /*p*/) {
         sched_param s{.sched_priority = 1};
         return ::sched_setscheduler(0, SCHED_FIFO, &s) == 0;
       }},
      {"input and output priority of the parent",
       [](const Prey& p) { return ::syscall(SYS_ioprio_set, 1, p.parent, 0x2000) == 0; }},
  };
  return kAll;
}

}  // namespace sluice::codemode_runner::jail
