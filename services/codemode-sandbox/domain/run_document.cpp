#include "services/codemode-sandbox/domain/run_document.h"

#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include "common/audit/redact.h"
#include "common/crypto/sha256.h"
#include "common/grant/outcome_name.h"
#include "common/json/parse.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_sandbox {

RunDocument::RunDocument(const RunScope& scope, std::int64_t now_unix_ms)
    : run_id_(scope.context.run.str()),
      tenant_(scope.caller.tenant()),
      principal_(scope.caller.principal()),
      agent_(scope.caller.agent()),
      key_id_(scope.caller.key_id()),
      chain_id_(scope.context.chain.str()),
      request_id_(scope.context.request.str()),
      tool_call_id_(scope.tool_call_id),
      source_(clipped(scope.source, kSourceBytesMax)),
      source_digest_(scope.source_digest),
      started_unix_ms_(now_unix_ms),
      is_unattended_(scope.mode == policy::v1::MODE_AGENT_CODE) {}

void RunDocument::checked(
    const codemode::v1::Check& check, const std::vector<codemode::v1::CallVerdict>& call_set
) {
  check_ = check;
  is_checked_ = true;
  call_set_.assign(
      call_set.begin(),
      call_set.begin() + static_cast<std::ptrdiff_t>(std::min(call_set.size(), kRunCallSetShownMax))
  );
  if (!has_ended()) {
    state_ = "running";
  }
}

void RunDocument::call_started(const RunCallStart& call, std::int64_t now_unix_ms) {
  if (state_ == "checking") {
    state_ = "running";
  }
  ++calls_made_;
  ++open_calls_;
  if (calls_.size() >= kRunCallsShownMax) {
    arguments_bytes_ -= calls_.front().start.arguments.size();
    calls_.pop_front();
  }
  Call kept;
  kept.start = call;
  kept.digest = crypto::sha256(call.arguments);
  kept.started_unix_ms = now_unix_ms;
  const std::string masked = audit::redact(call.arguments);
  const std::size_t room = std::min(
      kRunCallArgumentsShownMax,
      kRunArgumentsShownMax - std::min(arguments_bytes_, kRunArgumentsShownMax)
  );
  kept.start.arguments = clipped(masked, room);
  kept.whole = kept.start.arguments.size() == masked.size() && json::parse(masked).ok();
  arguments_bytes_ += kept.start.arguments.size();
  calls_.push_back(std::move(kept));
}

RunDocument::Call* RunDocument::find_call(std::uint32_t call_id) {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(), [call_id](const Call& call) {
    return call.start.call_id == call_id;
  });
  return found != calls_.rend() ? &*found : nullptr;
}

void RunDocument::call_ended(const RunCallEnd& call, std::int64_t now_unix_ms) {
  open_calls_ -= open_calls_ > 0 ? 1 : 0;
  if (Call* const kept = find_call(call.call_id); kept != nullptr) {
    kept->end = call;
    kept->end.message = clipped(call.message, kRunMessageShownMax);
    kept->ended_unix_ms = now_unix_ms;
  }
}

void RunDocument::wrote(const codemode::v1::RunProgress& line) {
  const std::size_t size = line.console().size();
  if (console_bytes_ + size > kRunConsoleShownMax) {
    console_bytes_dropped_ += size;
    return;
  }
  console_bytes_ += size;
  console_.push_back({line.level(), line.console()});
}

void RunDocument::parked(const std::string& approval_id) {
  if (has_ended()) {
    return;
  }
  state_ = approval_id.empty() ? "running" : "parked";
  approval_id_ = approval_id;
}

void RunDocument::used(const runner::Finished& finished) {
  used_.set_compile_us(finished.compile_us());
  used_.set_start_us(finished.start_us());
  used_.set_wall_us(finished.wall_us());
  used_.set_cpu_us(finished.cpu_us());
  used_.set_memory_peak_kib(finished.memory_peak_kib());
  has_used_ = true;
}

void RunDocument::finished(const codemode::v1::RunFinal& final, std::int64_t now_unix_ms) {
  state_ = name_of(final.outcome());
  ended_unix_ms_ = now_unix_ms;
  duration_ms_ = final.duration_ms();
  calls_made_ = std::max(calls_made_, final.calls());
  console_bytes_dropped_ += final.console_bytes_dropped();
  approval_id_ = final.approval_id();
  if (!is_checked_ && final.has_check()) {
    check_ = final.check();
    is_checked_ = true;
  }
  if (call_set_.empty()) {
    const auto shown =
        std::min<std::ptrdiff_t>(final.call_set_size(), std::ptrdiff_t{kRunCallSetShownMax});
    call_set_.assign(final.call_set().begin(), final.call_set().begin() + shown);
  }
  has_value_ = final.outcome() == codemode::v1::OUTCOME_OK && !final.value().empty();
  value_bytes_ = final.value().size();
  value_ = clipped(final.value(), kRunValueShownMax);
  value_clipped_ = value_.size() < value_bytes_;
  if (final.has_error()) {
    error_ = final.error();
    has_error_ = true;
  }
}

void RunDocument::abandoned(std::uint32_t calls, const Error& error, std::int64_t now_unix_ms) {
  state_ = "abandoned";
  ended_unix_ms_ = now_unix_ms;
  duration_ms_ = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(now_unix_ms - started_unix_ms_, 0, UINT32_MAX)
  );
  calls_made_ = std::max(calls_made_, calls);
  approval_id_.clear();
  error_.set_message(std::string(clipped(error.message(), kErrorMessageBytesMax)));
  has_error_ = true;
}

}  // namespace sluice::codemode_sandbox
