// The first and last steps every child takes, whatever it was forked for.
#pragma once

#include "services/codemode-sandbox/runner/child/frames.h"

#include <chrono>

#include <sys/types.h>

namespace sluice::codemode_runner {

// The number of the child's socket, the same in every child: its system-call filter names it.
inline constexpr int kChildSocket = 3;

// Source: ours; children are forked ahead of need and wait for their work. A runner that ends takes
// them with it at once.
inline constexpr std::chrono::hours kFirstMessageWait{24};
// Source: ours; the supervisor kills 500 ms after the deadline.
inline constexpr std::chrono::milliseconds kLastMessageWait{300};

// Moves the socket to its number, closes the outer jail. Ends the process when that fails.
[[nodiscard]] FrameStream begin_child(int fd, pid_t zygote);

// The exit code for a first message that did not come or is another than expected.
[[nodiscard]] int first_message_missing(const Result<wire::ToChild>& first);

}  // namespace sluice::codemode_runner
