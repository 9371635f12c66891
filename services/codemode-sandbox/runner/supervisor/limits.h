// Every constant that bounds something in the supervisor of a runner, with the source of each
// number.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/scheduling.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::codemode_runner {

// Runs at a time. Source: a run that computes takes a core; most wait for tools, which costs 1 MB.
inline constexpr std::uint32_t kSlotsDefault = 8;
inline constexpr std::uint32_t kSlotsMax = 128;

// Service instances at a time; more sockets are left alone. Source: ours.
inline constexpr std::size_t kServicesMax = 64;

// Source: runner_messages.proto, Beat.
inline constexpr std::chrono::milliseconds kBeatEvery{500};
inline constexpr std::chrono::milliseconds kSilenceMax{2'000};
// A beat that found no connection is tried again after.
inline constexpr std::chrono::milliseconds kBeatRetry{50};
// How often the folder of sockets is read.
inline constexpr std::chrono::milliseconds kScanEvery{500};

// What runs when SIGTERM comes gets this long.
inline constexpr std::chrono::milliseconds kDrainTimeout{5'000};
// Checking and stripping a script; after it the child is killed. Source: v8.md 7.2.
inline constexpr std::chrono::milliseconds kCompileTimeout{2'000};
// From Checked to Proceed: policy decides on the calls meanwhile. Source: design, decide in 250 ms.
inline constexpr std::chrono::milliseconds kProceedTimeout{5'000};
// Runs that wait for people take no slot; above this their time goes on. Source: v8.md 7.7.
inline constexpr std::uint32_t kParkedRunsMax = 200;
// The service parks a run for less; this ends what it forgot.
inline constexpr std::chrono::milliseconds kParkedMax{600'000};
// From the wall limit, which the child keeps itself, to SIGKILL. Source: v8.md 7.4.
inline constexpr std::chrono::milliseconds kKillAfter{500};
// A run waits this long for an idle child, then goes back. Source: a compiler zygote that had to be
// started again is warm after 1.5 s on one busy core.
inline constexpr std::chrono::milliseconds kChildWaitMax{5'000};
// From SIGKILL to the zygote's word on how the child ended.
inline constexpr std::chrono::milliseconds kReapTimeout{1'000};

// Bounds of a Run and of its child's frames. Source: runner_messages.proto where it tells one.
inline constexpr std::size_t kRunIdBytesMax = 64;
inline constexpr std::size_t kSourceBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kDeclarationsBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kJavascriptBytesMax = 2 * kSourceBytesMax;  // same columns: no growth
inline constexpr int kNamespacesMax = 256;
inline constexpr std::size_t kFunctionsMax = 8'192;  // over all namespaces
inline constexpr std::size_t kNameBytesMax = 256;
inline constexpr std::size_t kCallSiteBytesMax = 32;
inline constexpr std::size_t kArgumentsBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kConsoleLineBytesMax = std::size_t{16} << 10;
inline constexpr std::size_t kConsoleBytesMax = std::size_t{256} << 10;
inline constexpr std::size_t kValueBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kErrorMessageBytesMax = std::size_t{4} << 10;
inline constexpr std::size_t kErrorStackBytesMax = std::size_t{8} << 10;
inline constexpr std::size_t kErrorHintBytesMax = std::size_t{4} << 10;
// Source: codemode.proto, Check; a character of an excerpt has at most 4 bytes.
inline constexpr int kDiagnosticsMax = 20;
inline constexpr int kCallSitesMax = 256;
inline constexpr std::size_t kCheckTextBytesMax = std::size_t{1} << 10;
inline constexpr std::size_t kExcerptBytesMax = 800;
inline constexpr std::uint32_t kWallMsMax = 600'000;
inline constexpr std::uint64_t kHeapBytesMax = std::uint64_t{1} << 30;
inline constexpr std::uint32_t kCallsMax = 100'000;

// A child that has computed for longer gives way to others. Source: ours; most scripts that were
// compiled before need less for all of their run.
inline constexpr std::chrono::milliseconds kBusyAfter{5};
// Between looks at what a child has used: while it computes; and, doubled each time up to the
// second, while it does not.
inline constexpr std::chrono::milliseconds kLookEvery{3};
inline constexpr std::chrono::milliseconds kLookSeldom{1'000};
// Who goes first. A message held up in the supervisor holds up every run; a check takes a multiple
// of what most scripts take, and nobody talks to it meanwhile. Turns: the kernel's own is 0.7 to
// 2.8 ms; those of whom others may interrupt are longer, but not by much, since a process that has
// had more than its share waits for the end of one. Source: measured beside the attacks of
// v8/attacks, p99 of ordinary runs.
inline constexpr Scheduling kOfSupervisor{.nice = 0, .turn = std::chrono::microseconds(200)};
inline constexpr Scheduling kOfExecutors{};
inline constexpr Scheduling kOfCompilers{.nice = 10, .turn = std::chrono::milliseconds(4)};
inline constexpr Scheduling kOfBusy{.nice = 15, .turn = std::chrono::milliseconds(4)};

// Results a child has not read yet; more ends its run. Source: eight of the largest values.
inline constexpr std::size_t kChildQueueBytesMax = 8 * kValueBytesMax;
// Messages a service has not read yet; more and it is taken for gone. Source: what one service can
// be owed while reading is paused is one frame and one read per slot.
inline constexpr std::size_t kServiceQueueBytesMax = std::size_t{128} << 20;
// Messages within ZeroMQ, which counts them only; the rest waits here, where bytes count.
inline constexpr int kDealerMessagesMax = 64;
inline constexpr std::int64_t kDealerBytesMax = std::int64_t{8} << 20;

// Scripts that were compiled, with what was found out about them. Source: ours; a repeated script
// is the rule for an agent in a loop.
inline constexpr std::size_t kCacheEntriesMax = 256;
inline constexpr std::size_t kCacheBytesMax = std::size_t{8} << 20;

// Children forked ahead. Source: v8.md 4: 1 MB each executor, 10 MB each compiler.
inline constexpr std::size_t kIdleExecutors = 4;
inline constexpr std::size_t kIdleCompilers = 2;
// Declarations the compiler zygote keeps. Source: runner_messages.proto, ToZygote.Prepare.
inline constexpr std::size_t kPreparedMax = 8;
// Declarations that ended a compiler zygote, which it is not given again. Source: ours.
inline constexpr std::size_t kPreparedRefusedMax = 256;
// Orders a zygote has not answered yet.
inline constexpr std::size_t kSpawnsPendingMax = 16;
// Then a fresh process takes over, whose addresses and hash seeds are others. Source: v8.md 4.
inline constexpr std::uint64_t kChildrenPerZygote = 5'000;
// A zygote that answers no order for this long is killed; and one that does not get warm.
inline constexpr std::chrono::milliseconds kSpawnTimeout{5'000};
inline constexpr std::chrono::milliseconds kWarmTimeout{60'000};
// Between starts of a zygote that dies.
inline constexpr std::chrono::milliseconds kRestartWaitMin{100};
inline constexpr std::chrono::milliseconds kRestartWaitMax{5'000};

}  // namespace sluice::codemode_runner
