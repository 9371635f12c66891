// RecordingClient: remembers records and commits; each may be made to fail.
#pragma once

#include "common/audit/client.h"
#include "common/testing/fault_plan.h"

#include <deque>
#include <vector>

namespace sluice::audit {

class RecordingClient final : public Client {
 public:
  explicit RecordingClient(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Result<std::string> record(v1::Record&& record) override;
  Async<void> written() override;
  Async<v1::CommitReply> commit(v1::Record intent, std::string grant_id, RequestContext context)
      override;

  [[nodiscard]] bool full() const override { return full_; }

  [[nodiscard]] std::uint64_t backlog() const override { return 0; }

  Async<void> run() override;

  void set_full(bool full) { full_ = full; }

  // The answer to the next commits; committed when empty.
  void push_commit_reply(v1::CommitReply reply) { replies_.push_back(std::move(reply)); }

  [[nodiscard]] const std::vector<v1::Record>& records() const { return records_; }

  [[nodiscard]] const std::vector<v1::Record>& commits() const { return commits_; }

  // All records with that action.
  [[nodiscard]] std::vector<v1::Record> with_action(std::string_view action) const;

 private:
  testing::FaultPlan* faults_;
  bool full_ = false;
  std::uint64_t sequence_ = 0;
  std::vector<v1::Record> records_;
  std::vector<v1::Record> commits_;
  std::deque<v1::CommitReply> replies_;
};

}  // namespace sluice::audit
