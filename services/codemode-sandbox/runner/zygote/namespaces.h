// Namespaces of a zygote, inherited by its children: no network, no mounts or message queues of
// others. Best effort: containers forbid them by default, and then the jail of each child
// (runner/jail) and the container itself are what holds.
#pragma once

#include "common/observability/log.h"

namespace sluice::codemode_runner {

// Enters as many of user, network, mount, IPC and UTS namespaces as the system allows; logs the
// rest. The process must have one thread.
void enter_namespaces(observability::Log& log);

}  // namespace sluice::codemode_runner
