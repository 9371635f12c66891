#include "services/codemode-sandbox/runner/jail/jail.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

Error failed(const char* what) {
  return Error(Code::Internal, "the script's jail could not be closed")
      .with_detail(std::string(what) + ": " + std::generic_category().message(errno));
}

struct Limit {
  __rlimit_resource resource;
  rlim_t soft;
  rlim_t hard;
};

Result<void> set_limits(std::initializer_list<Limit> limits) {
  for (const Limit& limit : limits) {
    const rlimit values{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (::setrlimit(limit.resource, &values) != 0) {
      return failed("setrlimit");
    }
  }
  return {};
}

// Source: linux/landlock.h; each version adds rights the older ones refuse to hear of.
std::uint64_t file_rights(int version) {
  constexpr int kOfVersion1 = 13;
  constexpr int kRefer = 2;
  constexpr int kTruncate = 3;
  constexpr int kDeviceIoctl = 5;
  const int bits = kOfVersion1 + (version >= kRefer ? 1 : 0) + (version >= kTruncate ? 1 : 0) +
                   (version >= kDeviceIoctl ? 1 : 0);
  return (std::uint64_t{1} << bits) - 1;
}

}  // namespace

int landlock_version() {
  const auto version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

Result<void> bind_to(pid_t zygote) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return failed("PR_SET_PDEATHSIG");
  }
  if (::getppid() != zygote) {  // it died before the request above
    return Error(Code::Internal, "the zygote is gone");
  }
  return {};
}

Result<void> give_up_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return failed("PR_SET_NO_NEW_PRIVS");
  }
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) {
    return failed("PR_SET_DUMPABLE");
  }
  return {};
}

Result<void> deny_files() {
  const int version = landlock_version();
  if (version <= 0) {
    return failed("Landlock, which the kernel needs (5.13 or later, lsm=landlock)");
  }
  const landlock_ruleset_attr rules{.handled_access_fs = file_rights(version)};
  const auto ruleset =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0));
  if (ruleset < 0) {
    return failed("landlock_create_ruleset");
  }
  const auto denied = ::syscall(SYS_landlock_restrict_self, ruleset, 0);
  const int number = errno;
  ::close(ruleset);
  errno = number;
  if (denied != 0) {
    return failed("landlock_restrict_self");
  }
  return {};
}

Result<void> deny_resources() {
  // One descriptor number, which standard input holds: poll counts its descriptors against it.
  return set_limits({
      {RLIMIT_NOFILE, 1, 1},
      {RLIMIT_NPROC, 0, 0},
      {RLIMIT_FSIZE, 0, 0},
      {RLIMIT_CORE, 0, 0},
      {RLIMIT_MEMLOCK, 0, 0},
      {RLIMIT_MSGQUEUE, 0, 0},
  });
}

Result<void> close_outer(pid_t zygote) {
  SLUICE_CHECK_OK(bind_to(zygote));
  SLUICE_CHECK_OK(give_up_privileges());
  SLUICE_CHECK_OK(deny_files());
  return deny_resources();
}

Result<void> close_inner(const Limits& limits, const SeccompProgram& system_calls) {
  SLUICE_CHECK_OK(set_limits({
      {RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes},
      {RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1},
  }));
  return system_calls.load();
}

}  // namespace sluice::codemode_runner::jail
