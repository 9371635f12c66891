#include "services/codemode-sandbox/domain/run_list.h"

#include "services/codemode-sandbox/domain/run_trail.h"
#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include "common/json/write.h"

#include <algorithm>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kErrorShownBytesMax = 512;

}  // namespace

void RunList::started(const RunScope& scope, std::int64_t now_unix_ms) {
  if (entries_.size() >= kRunsRemembered) {
    entries_.pop_front();
  }
  Entry entry;
  entry.run_id = scope.context.run.str();
  entry.tenant = scope.caller.tenant();
  entry.principal = scope.caller.principal();
  entry.chain_id = scope.context.chain.str();
  entry.tool_call_id = scope.tool_call_id;
  entry.started_unix_ms = now_unix_ms;
  entries_.push_back(std::move(entry));
}

RunList::Entry* RunList::find(std::string_view run_id) {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
    return entry.run_id == run_id;
  });
  return found != entries_.rend() ? &*found : nullptr;
}

void RunList::finished(const std::string& run_id, const codemode::v1::RunFinal& final) {
  if (Entry* const entry = find(run_id); entry != nullptr) {
    entry->state = name_of(final.outcome());
    entry->calls = final.calls();
    entry->duration_ms = final.duration_ms();
    entry->error = clipped(final.error().message(), kErrorShownBytesMax);
  }
}

void RunList::abandoned(const std::string& run_id, std::uint32_t calls, const Error& error) {
  if (Entry* const entry = find(run_id); entry != nullptr) {
    entry->state = "abandoned";
    entry->calls = calls;
    entry->error = clipped(error.message(), kErrorShownBytesMax);
  }
}

std::string RunList::list(const policy::v1::CallerClaims& caller, std::string_view run_id) const {
  json::Array runs;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && runs.size() < kRunsListed;
       ++entry) {
    if (entry->tenant != caller.tenant() || entry->principal != caller.principal() ||
        (!run_id.empty() && entry->run_id != run_id)) {
      continue;
    }
    json::Value run = json::object({
        {"run_id", entry->run_id},
        {"state", entry->state},
        {"started_unix_ms", entry->started_unix_ms},
        {"chain_id", entry->chain_id},
        {"tool_call_id", entry->tool_call_id},
        {"calls", static_cast<std::int64_t>(entry->calls)},
        {"duration_ms", static_cast<std::int64_t>(entry->duration_ms)},
    });
    if (!entry->error.empty()) {
      run.as_object()->set("error", entry->error);
    }
    runs.push_back(std::move(run));
  }
  return json::write(json::Value(std::move(runs)));
}

void RunList::checked(
    const std::string& /*run_id*/,
    const codemode::v1::Check& /*check*/,
    const std::vector<codemode::v1::CallVerdict>& /*call_set*/
) {}

void RunList::call_started(
    const std::string& /*run_id*/, const RunCallStart& /*call*/, std::int64_t /*now_unix_ms*/
) {}

void RunList::call_ended(
    const std::string& /*run_id*/, const RunCallEnd& /*call*/, std::int64_t /*now_unix_ms*/
) {}

void RunList::wrote(const std::string& /*run_id*/, const codemode::v1::RunProgress& /*line*/) {}

void RunList::parked(const std::string& /*run_id*/, const std::string& /*approval_id*/) {}

void RunList::used(const std::string& /*run_id*/, const runner::Finished& /*finished*/) {}

}  // namespace sluice::codemode_sandbox
