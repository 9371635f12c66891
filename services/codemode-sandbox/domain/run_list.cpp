#include "services/codemode-sandbox/domain/run_list.h"

#include "services/codemode-sandbox/limits.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_sandbox {

using Urgency = RunWatcher::Urgency;

void RunList::started(const RunScope& scope, std::int64_t now_unix_ms) {
  make_room();
  RunDocument document(scope, now_unix_ms);
  if (limits_) {
    document.limited(*limits_);
  }
  const std::string run_id = document.run_id();
  if (runs_.try_emplace(run_id, std::move(document)).second) {
    order_.push_back(run_id);
  }
  tell(run_id, Urgency::Now);
}

// Runs under way are bounded by whoever starts them.
void RunList::make_room() {
  if (watcher_ != nullptr || order_.size() < kRunsRemembered) {
    return;
  }
  const auto ended = std::find_if(order_.begin(), order_.end(), [this](const std::string& id) {
    return runs_.at(id).has_ended();
  });
  forget(std::string(ended != order_.end() ? *ended : order_.front()));
}

const RunDocument* RunList::find(std::string_view run_id) const {
  const auto found = runs_.find(run_id);
  return found != runs_.end() ? &found->second : nullptr;
}

RunDocument* RunList::mutable_find(std::string_view run_id) {
  const auto found = runs_.find(run_id);
  return found != runs_.end() ? &found->second : nullptr;
}

void RunList::forget(std::string_view run_id) {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) {
    return;
  }
  order_.erase(std::find(order_.begin(), order_.end(), found->first));
  runs_.erase(found);
}

void RunList::tell(const std::string& run_id, Urgency urgency) {
  if (watcher_ != nullptr) {
    watcher_->changed(run_id, urgency);
  }
}

void RunList::checked(
    const std::string& run_id,
    const codemode::v1::Check& check,
    const std::vector<codemode::v1::CallVerdict>& call_set
) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->checked(check, call_set);
    tell(run_id, Urgency::Now);
  }
}

void RunList::call_started(
    const std::string& run_id, const RunCallStart& call, std::int64_t now_unix_ms
) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->call_started(call, now_unix_ms);
    tell(run_id, Urgency::Soon);
  }
}

void RunList::call_ended(
    const std::string& run_id, const RunCallEnd& call, std::int64_t now_unix_ms
) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->call_ended(call, now_unix_ms);
    tell(run_id, run->has_ended() ? Urgency::Now : Urgency::Soon);
  }
}

void RunList::wrote(const std::string& run_id, const codemode::v1::RunProgress& line) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->wrote(line);
    tell(run_id, Urgency::Soon);
  }
}

void RunList::parked(const std::string& run_id, const std::string& approval_id) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->parked(approval_id);
    tell(run_id, Urgency::Soon);
  }
}

void RunList::used(const std::string& run_id, const runner::Finished& finished) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->used(finished);
  }
}

void RunList::finished(const std::string& run_id, const codemode::v1::RunFinal& final) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->finished(
        final,
        watcher_ != nullptr ? watcher_->now_unix_ms()
                            : run->started_unix_ms() + std::int64_t{final.duration_ms()}
    );
    tell(run_id, Urgency::Now);
  }
}

void RunList::abandoned(const std::string& run_id, std::uint32_t calls, const Error& error) {
  if (RunDocument* const run = mutable_find(run_id); run != nullptr) {
    run->abandoned(
        calls, error, watcher_ != nullptr ? watcher_->now_unix_ms() : run->started_unix_ms()
    );
    tell(run_id, Urgency::Now);
  }
}

std::string RunList::list(const policy::v1::CallerClaims& caller, std::string_view run_id) const {
  std::string out = "[";
  std::size_t listed = 0;
  for (auto id = order_.rbegin(); id != order_.rend() && listed < kRunsListed; ++id) {
    const RunDocument& run = runs_.at(*id);
    if (run.tenant() != caller.tenant() || run.principal() != caller.principal() ||
        (!run_id.empty() && run.run_id() != run_id)) {
      continue;
    }
    out += (listed++ > 0 ? "," : "") + run.summary(run.started_unix_ms());
  }
  return out + "]";
}

}  // namespace sluice::codemode_sandbox
