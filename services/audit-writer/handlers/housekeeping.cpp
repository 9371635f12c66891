#include "services/audit-writer/handlers/housekeeping.h"

#include "services/audit-writer/limits.h"

namespace sluice::audit_writer {

Async<void> Housekeeping::round() {
  const auto today = static_cast<std::int32_t>(day_of(clock_->unix_ms()));
  std::vector<std::int32_t> days;
  for (int ahead = 0; ahead <= kPartitionDaysAhead; ++ahead) {
    days.push_back(today + ahead);
  }
  SLUICE_CO_CHECK_OK(co_await store_->ensure_partitions(std::move(days)));
  co_return co_await store_->expire_results();
}

Async<void> Housekeeping::begin() {
  auto done = co_await round();
  if (!done.ok() && done.error().code() == Code::Deadline) {
    co_return Error(Code::Unavailable, "the database is slow; retry later")
        .with_detail(done.error().to_log());
  }
  co_return done;
}

Async<void> Housekeeping::run() {
  for (;;) {
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock_, kHousekeeping));
    if (const auto done = co_await round(); !done.ok()) {
      if (done.error().code() == Code::Cancelled) {
        co_return done;
      }
      log_->warn("housekeeping-failed", {{"error", done.error().to_log()}});
    }
  }
}

}  // namespace sluice::audit_writer
