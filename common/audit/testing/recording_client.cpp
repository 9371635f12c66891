#include "common/audit/testing/recording_client.h"

#include "common/audit/record.h"

namespace sluice::audit {
namespace {

constexpr std::int64_t kUnixMs = 1767323045000;  // ManualClock's start

void complete_for_test(v1::Record& record, std::uint64_t sequence) {
  complete(
      record,
      {"recording", "recording-0", 1},
      sequence,
      {kUnixMs + static_cast<std::int64_t>(sequence), 0}
  );
}

}  // namespace

Result<std::string> RecordingClient::record(v1::Record&& record) {
  if (faults_ != nullptr) {
    SLUICE_CHECK_OK(faults_->step());
  }
  if (full_) {
    return Error(Code::Unavailable, "the audit outbox is full or cannot be written; retry later");
  }
  complete_for_test(record, ++sequence_);
  records_.push_back(record);
  return record.event_id();
}

Async<void> RecordingClient::written() {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  co_return Result<void>();
}

Async<v1::CommitReply>
RecordingClient::commit(v1::Record intent, std::string /*grant_id*/, RequestContext /*context*/) {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  if (full_) {
    co_return Error(
        Code::Unavailable, "the audit outbox is full or cannot be written; retry later"
    );
  }
  complete_for_test(intent, ++sequence_);
  commits_.push_back(std::move(intent));
  if (!replies_.empty()) {
    v1::CommitReply reply = std::move(replies_.front());
    replies_.pop_front();
    co_return reply;
  }
  v1::CommitReply reply;
  reply.set_committed(true);
  co_return reply;
}

Async<void> RecordingClient::run() {
  co_return Result<void>();
}

std::vector<v1::Record> RecordingClient::with_action(std::string_view action) const {
  std::vector<v1::Record> found;
  for (const v1::Record& record : records_) {
    if (record.action() == action) {
      found.push_back(record);
    }
  }
  return found;
}

}  // namespace sluice::audit
