// Every constant that bounds something in codemode-sandbox, with the source of each number.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::codemode_sandbox {

// Requests.
// Source: codemode.proto, RunRequest.source.
inline constexpr std::size_t kSourceBytesMax = std::size_t{64} << 10;
// Source: ours; "servers/<server>/<tool>.d.ts" with names of at most 32 and 128 bytes.
inline constexpr std::size_t kFileNameBytesMax = 256;
// Source: ours; run ids are "run_" and 32 hexadecimal digits.
inline constexpr std::size_t kRunIdBytesMax = 64;
// Source: ingress, which lets no longer one through.
inline constexpr std::size_t kToolCallIdBytesMax = 256;
inline constexpr int kFilterEntriesMax = 1'024;
inline constexpr std::size_t kFilterBytesMax = std::size_t{512} << 10;

// Runs.
// Kept of a run's time for its last record and the answer.
inline constexpr std::chrono::milliseconds kAnswerReserve{500};
// Source: runner_messages.proto, Limits.value_bytes and CallResult.value.
inline constexpr std::size_t kValueBytesMax = std::size_t{4} << 20;
// Nesting of a value or a tool's result. Source: that of tool messages in ingress.
inline constexpr std::size_t kValueDepthMax = 256;
// Runs an instance remembers for `runs`. Source: ours; ~300 bytes each.
inline constexpr std::size_t kRunsRemembered = 256;
inline constexpr std::size_t kRunsListed = 50;
// Records of one tool call: two decisions, each with intent and outcome, and a refusal.
inline constexpr std::uint32_t kHopsPerCall = 8;
// Of the script kept in the run's record. Source: half of what the audit library keeps of a body
// (16 KiB): escaping may double it.
inline constexpr std::size_t kRecordSourceBytesMax = 8 << 10;

// What a script may name. Source: policy-engine's limit on servers; what a runner takes.
inline constexpr int kNamespacesMax = 256;
inline constexpr int kFunctionsMax = 8'192;
// Names listed in the hint about a function nobody has.
inline constexpr std::size_t kNamesInHintMax = 20;

// Calls.
// Source: policy.proto, DecideRequest.decision_id.
inline constexpr std::size_t kDecisionIdBytes = 16;
// Calls named in the message about a script that does not run.
inline constexpr std::size_t kCallsInMessageMax = 8;
// Compiled schemas kept. Source: ours; both of 256 tools.
inline constexpr std::size_t kSchemasKeptMax = 512;
// How often an approval is looked at beside its events, which may be lost.
inline constexpr std::chrono::milliseconds kApprovalLook{5'000};
// Tool calls of one run that are under way at once; further ones wait their turn.
inline constexpr std::size_t kCallsAtOnceMax = 16;
// A policy change between decision and use is met by deciding once more, not again and again.
inline constexpr int kDecisionsMax = 2;

// Runners. Source: runner_messages.proto, where a number is named there.
inline constexpr std::uint32_t kMessagesVersion = 2;
inline constexpr std::size_t kRunnersMax = 64;
inline constexpr std::uint32_t kSlotsMax = 1'024;
inline constexpr std::size_t kRunnerIdBytesMax = 64;
inline constexpr std::chrono::milliseconds kBeatInterval{500};
inline constexpr std::chrono::milliseconds kSilenceMax{2'000};
inline constexpr std::chrono::milliseconds kTick{250};
// How long a script waits for a free slot, and for any runner at all (one is being restarted).
inline constexpr std::chrono::milliseconds kWaitForSlot{5'000};
inline constexpr std::chrono::milliseconds kWaitForRunner{2'000};
// Runners one script is given to.
inline constexpr int kAttemptsMax = 3;
// Over the script's own time: a runner ends it within 0.5 s; later it does not do its work.
inline constexpr std::chrono::milliseconds kRunnerGrace{3'000};
// Before a script's own time begins: waiting for a child, its check, the answer to that.
inline constexpr std::chrono::milliseconds kCheckTime{12'000};
inline constexpr std::size_t kCallArgumentsBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kCallNameBytesMax = 256;
inline constexpr std::size_t kCallSiteBytesMax = 32;
inline constexpr std::size_t kConsoleLineBytesMax = 16 << 10;
// Console lines of one run waiting for its caller; further ones are dropped and counted.
inline constexpr std::size_t kConsoleLinesQueuedMax = 4'096;
inline constexpr std::size_t kErrorMessageBytesMax = 4 << 10;
inline constexpr std::size_t kErrorStackBytesMax = 8 << 10;
inline constexpr std::size_t kErrorHintBytesMax = 2 << 10;
// Source: codemode.proto, Diagnostic.excerpt and Check.
inline constexpr std::size_t kExcerptBytesMax = 800;
inline constexpr int kDiagnosticsMax = 20;
inline constexpr int kCallSitesMax = 256;
// One message of a runner: the largest value and what is around it.
inline constexpr std::size_t kRunnerMessageBytesMax = kValueBytesMax + (std::size_t{64} << 10);
// Messages waiting per runner, each way, before the peer counts as stuck.
inline constexpr int kRunnerQueueMessages = 256;
// Messages handled before other work of the loop gets its turn.
inline constexpr int kMessagesPerTurnMax = 64;

// Documents of runs, for people. Source: ours; the trail has the essentials of every run, these are
// kept for a day and fit what a page shows.
inline constexpr std::size_t kRunDocumentBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kRunValueShownMax = std::size_t{64} << 10;
inline constexpr std::size_t kRunConsoleShownMax = std::size_t{256} << 10;
inline constexpr std::size_t kRunCallsShownMax = 500;
inline constexpr std::size_t kRunCallSetShownMax = 256;
// Of one call, masked; of all calls of a run.
inline constexpr std::size_t kRunCallArgumentsShownMax = 4 << 10;
inline constexpr std::size_t kRunArgumentsShownMax = std::size_t{256} << 10;
inline constexpr std::size_t kRunMessageShownMax = 1 << 10;
inline constexpr std::chrono::hours kRunKeptFor{24};
// Of one caller, and of one tenant, that are listed.
inline constexpr std::size_t kRunsIndexedMax = 1'000;
// Source: codemode.proto, RunsRequest.ListRuns.
inline constexpr std::uint32_t kRunsPageDefault = 50;
inline constexpr std::uint32_t kRunsPageMax = 200;
// A document that changes is written this often; one that does not, this often while its run goes
// on; one that was not for so long is of an instance that died.
inline constexpr std::chrono::milliseconds kRunWriteInterval{1'000};
inline constexpr std::chrono::milliseconds kRunBeatInterval{10'000};
inline constexpr std::int64_t kRunLostAfterMs = 30'000;
inline constexpr std::chrono::milliseconds kRunLookInterval{250};
// Calls that outlast their run are told in its document for so long.
inline constexpr std::chrono::milliseconds kRunCallsAwaitedFor{60'000};
// What a cancel waits for the run's end, and how often it looks.
inline constexpr std::chrono::milliseconds kCancelWait{3'000};
inline constexpr std::chrono::milliseconds kCancelLook{50};

// Source: ours; the longest a script may run, and a little.
inline constexpr std::chrono::milliseconds kDrainTimeout{10'000};

}  // namespace sluice::codemode_sandbox
