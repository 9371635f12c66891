// Every bound of the audit library, each with where its number comes from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::audit {

// Bodies are for reading a story, not for keeping payloads. Source: design section 6, "bounded".
inline constexpr std::size_t kBodyBytesMax = 16 << 10;
// Exact results of writes and deletes, so that a repeat can be answered. Source: an eighth of the
// bus's 8 MB payload.
inline constexpr std::size_t kResultBytesMax = std::size_t{1} << 20;
// Free text a caller may put into one field. Source: longer than any message of ours, shorter than
// an abuse.
inline constexpr std::size_t kTextBytesMax = 4 << 10;
// One serialized record: the largest result plus all other fields at their bounds.
inline constexpr std::size_t kRecordBytesMax = kResultBytesMax + (128 << 10);

// A segment is deleted as a whole; small enough that a crash repeats few acknowledged records.
inline constexpr std::size_t kSegmentBytesMax = std::size_t{4} << 20;
// With everything acknowledged a segment is replaced from this size on, so that little is repeated
// after a crash.
inline constexpr std::size_t kIdleSegmentBytes = 256 << 10;
// Unsent frames kept in memory; what is beyond is read back from the files.
inline constexpr std::size_t kUnsentMemoryBytes = std::size_t{4} << 20;
// Read at once from a file of the outbox: about 50 us of page cache, so it may happen on the loop.
inline constexpr std::size_t kReadBytes = 256 << 10;
// Per JetStream message. Source: endpoints::kAuditRecord.batch_records_max; measured 17-27 k
// durable records/s at 64 x 400 B.
inline constexpr std::size_t kBatchRecordsMax = 64;
inline constexpr std::size_t kBatchBytesMax = 512 << 10;
// JetStream with sync_interval always keeps about this many synced messages useful in flight
// (measured: 64 records each).
inline constexpr std::size_t kBatchesInFlightMax = 8;
inline constexpr std::chrono::milliseconds kPublishTimeout{5000};
inline constexpr std::chrono::milliseconds kPublishFirstWait{50};
inline constexpr std::chrono::milliseconds kPublishWaitMax{2000};
// The last attempt to empty the outbox when a service stops; what stays is adopted by another
// instance.
inline constexpr std::chrono::milliseconds kFinalDrain{2000};
// Between attempts to commit one intent.
inline constexpr std::chrono::milliseconds kCommitFirstWait{10};
inline constexpr std::chrono::milliseconds kCommitWaitMax{500};
// Own housekeeping: writing again after a failure, gauges.
inline constexpr std::chrono::milliseconds kTick{1000};
// Directories of dead instances taken in one scan.
inline constexpr std::size_t kOrphansPerScanMax = 8;

}  // namespace sluice::audit
