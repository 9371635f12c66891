#include "services/codemode-sandbox/runner/zygote/namespaces.h"

#include <array>
#include <cerrno>
#include <string>

#include <sched.h>

namespace sluice::codemode_runner {
namespace {

struct Namespace {
  int flag;
  const char* name;
};

// Alone each, for systems that allow some only. The user namespace goes first: within it the others
// are allowed to everybody, and root outside is nobody there.
constexpr std::array<Namespace, 5> kNamespaces{{
    {CLONE_NEWUSER, "user"},
    {CLONE_NEWNET, "network"},
    {CLONE_NEWNS, "mount"},
    {CLONE_NEWIPC, "ipc"},
    {CLONE_NEWUTS, "uts"},
}};

}  // namespace

void enter_namespaces(observability::Log& log) {
  int all = 0;
  for (const Namespace& one : kNamespaces) {
    all |= one.flag;
  }
  if (::unshare(all) == 0) {
    return;
  }
  std::string missing;
  int error = 0;
  for (const Namespace& one : kNamespaces) {
    if (::unshare(one.flag) != 0) {
      error = errno;
      missing += (missing.empty() ? "" : " ") + std::string(one.name);
    }
  }
  if (!missing.empty()) {
    log.info("namespaces-missing", {{"names", missing}, {"errno", error}});
  }
}

}  // namespace sluice::codemode_runner
