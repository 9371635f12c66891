#include "services/codemode-sandbox/runner/jail/testing/sweep.h"

#include <array>
#include <cerrno>

#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

constexpr long kX32Bit = 0x40000000;
// uretprobe and uprobe: the kernel's own trampolines, about which no filter is asked. For anybody
// else they end the process or answer ENXIO. Source: kernel/seccomp.c, arch/x86/kernel/uprobes.c.
constexpr int kUretprobe = 335;
constexpr int kUprobe = 336;

// Something to point at.
std::array<char, 4096>& page() {
  alignas(64) static std::array<char, 4096> bytes{};
  return bytes;
}

using Arguments = std::array<long, 6>;

// Nothing, the channel with memory, memory, a small number.
std::array<Arguments, 4> ways() {
  const auto memory = reinterpret_cast<long>(page().data());
  return {{
      {0, 0, 0, 0, 0, 0},
      {3, memory, 1, 0, 0, 0},
      {memory, 1, 1, 0, 0, 0},
      {0, 0, 10, 0, 0, 0},
  }};
}

long call(long number, const Arguments& a) {
  return ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// The 32-bit way in. Its numbers are others: 1 exit, 2 fork, 5 open, 20 getpid, 102 socketcall.
long call_ia32(long number) {
  long answer = number;
  asm volatile("int $0x80"
               : "+a"(answer)
               : "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
               : "memory", "r8", "r9", "r10", "r11");
  return answer;
}

void note(Sweep& swept, int number, const Attempt& made, bool* denied, bool* absent) {
  if (made.end == Attempt::End::NotClosed) {
    swept.else_.push_back("the jail did not close for " + std::to_string(number));
    return;
  }
  if (made.end == Attempt::End::Jailed) {
    return;
  }
  if ((number == kUretprobe || number == kUprobe) &&
      (made.end == Attempt::End::Ended || made.number == ENXIO)) {
    return;
  }
  const bool failed = made.end == Attempt::End::Returned && made.value == -1;
  if (failed && made.number == EPERM) {
    *denied = true;
  } else if (failed && made.number == ENOENT) {
    *absent = true;
  } else {
    swept.carried.insert(number);
  }
}

}  // namespace

Sweep sweep(const Cage& cage, const std::set<int>& only) {
  Sweep swept;
  for (int number = 0; number <= kCallsTried; ++number) {
    if (!only.empty() && !only.contains(number)) {
      continue;
    }
    bool denied = false;
    bool absent = false;
    for (const Arguments& arguments : ways()) {
      ++swept.tried;
      note(swept, number, cage.attempt([&] { return call(number, arguments); }), &denied, &absent);
    }
    if (!swept.carried.contains(number) && (denied || absent)) {
      (denied ? swept.not_permitted : swept.not_there).insert(number);
    }
    swept.tried += 2;
    if (cage.attempt([&] { return call(number | kX32Bit, ways()[0]); }).end !=
        Attempt::End::Jailed) {
      swept.else_.push_back("x32 call " + std::to_string(number));
    }
    // A kernel without 32-bit programs answers with SIGSEGV: not carried out either.
    const Attempt ia32 = cage.attempt([&] { return call_ia32(number); });
    if (ia32.end == Attempt::End::Returned || ia32.slow) {
      swept.else_.push_back("ia32 call " + std::to_string(number));
    }
  }
  return swept;
}

const std::set<int>& harmless_calls() {
  static const std::set<int> kCalls{
      SYS_getppid,
      SYS_getuid,
      SYS_geteuid,
      SYS_uname,
      SYS_sysinfo,
      SYS_times,
      SYS_getpgrp,
      SYS_getpriority,
      SYS_sched_get_priority_max,
  };
  return kCalls;
}

std::vector<std::string> differences(const Sweep& swept) {
  std::vector<std::string> found = swept.else_;
  std::set<int> listed;
  for (const ListedCall& one : listed_calls()) {
    listed.insert(one.number);
    const bool answers =
        one.answer == ListedCall::Answer::NotThere       ? swept.not_there.contains(one.number)
        : one.answer == ListedCall::Answer::NotPermitted ? swept.not_permitted.contains(one.number)
                                                         : swept.carried.contains(one.number);
    if (!answers) {
      found.push_back("listed call " + std::to_string(one.number) + " does not answer so");
    }
  }
  for (const auto* group : {&swept.carried, &swept.not_there, &swept.not_permitted}) {
    for (const int number : *group) {
      if (!listed.contains(number)) {
        found.push_back("call " + std::to_string(number) + " is not refused");
      }
    }
  }
  return found;
}

}  // namespace sluice::codemode_runner::jail
