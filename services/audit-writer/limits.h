// Every bound of audit-writer, each with where its number comes from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::audit_writer {

using namespace std::chrono_literals;

// Group commit; the commit before is the gather time, so an idle writer waits for nobody (design
// section 3 allows 2 ms). Source: Postgres measured at 5,170 commits/s with 32 clients.
inline constexpr std::size_t kCommitBatchMax = 64;
// Waiting intents before new ones are refused: two seconds of the slowest commits measured.
inline constexpr std::size_t kCommitsWaitingMax = 4096;

// Intake. Source: performance measurements, 500-1,000 rows a COPY or insert is the knee.
inline constexpr std::size_t kRowsPerInsertMax = 1000;
inline constexpr std::size_t kFetchMessagesMax = 500;
inline constexpr std::size_t kFetchMessagesFirst = 16;
inline constexpr std::size_t kFetchBytesWanted = std::size_t{8} << 20;
inline constexpr std::chrono::milliseconds kFetchWait{2000};
inline constexpr std::chrono::milliseconds kIntakeFirstWait{100};
inline constexpr std::chrono::milliseconds kIntakeWaitMax{2000};
// Kept of bytes that cannot become a record. Source: migrations/0001, CHECK of audit.rejected.
inline constexpr std::size_t kRejectedBytesMax = 64 << 10;
// Bounds of what a column takes: Postgres bigint, and 9999-12-31T23:59:59Z.
inline constexpr std::int64_t kUnixMsMax = 253402300799000;

// Exact results are kept a day. Source: design section 6.
inline constexpr std::chrono::hours kResultKept{24};
inline constexpr std::chrono::minutes kHousekeeping{10};
// Partitions are made this many days ahead of today.
inline constexpr int kPartitionDaysAhead = 1;

inline constexpr std::uint32_t kQueryLimitDefault = 100;
inline constexpr std::uint32_t kQueryLimitMax = 1000;
// Of one query's reply. Source: half of the bus's 8 MB payload.
inline constexpr std::size_t kQueryBytesMax = std::size_t{4} << 20;
inline constexpr int kGapsMax = 1000;  // proto: VerifyReply.gaps

inline constexpr std::chrono::milliseconds kMonitorTimeout{3000};
inline constexpr std::chrono::milliseconds kStartTimeout{30000};
inline constexpr std::chrono::milliseconds kDrainTimeout{10000};
// Verify reads the whole trail. Source: endpoints::kAuditVerify.timeout.
inline constexpr std::chrono::milliseconds kStatementTimeout{5000};
inline constexpr std::chrono::milliseconds kReportStatementTimeout{55000};
// Commit, intake, and one for questions; reports have a pool of their own.
inline constexpr std::size_t kConnectionsMin = 3;
inline constexpr std::size_t kReportConnections = 1;

}  // namespace sluice::audit_writer
