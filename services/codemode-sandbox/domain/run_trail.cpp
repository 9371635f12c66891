#include "services/codemode-sandbox/domain/run_trail.h"

#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include "common/audit/client.h"
#include "common/crypto/sha256.h"
#include "common/grant/outcome_name.h"
#include "common/json/write.h"

namespace sluice::codemode_sandbox {
namespace {

audit::v1::Record start(const RunScope& scope, const char* action) {
  auto record = audit::record_of(scope.context, action);
  record.set_tenant(scope.caller.tenant());
  record.set_principal(scope.caller.principal());
  record.set_agent(scope.caller.agent());
  record.set_key_id(scope.caller.key_id());
  record.set_tool("executeToolCode");
  record.set_tool_call_id(scope.tool_call_id);
  record.set_args_digest(scope.source_digest);
  return record;
}

}  // namespace

audit::v1::Record run_started(const RunScope& scope) {
  auto record = start(scope, "run.started");
  const std::string_view kept = clipped(scope.source, kRecordSourceBytesMax);
  std::string body = R"({"code":)";
  json::append_quoted(body, kept);
  body.push_back('}');
  record.set_body(std::move(body));
  record.set_body_truncated(kept.size() < scope.source.size());
  return record;
}

audit::v1::Record run_finished(const RunScope& scope, const codemode::v1::RunFinal& final) {
  auto record = start(scope, "run.finished");
  record.set_hop(final.hop());
  record.set_latency_us(std::uint64_t{final.duration_ms()} * 1'000);
  std::string detail = std::to_string(final.calls()) + " tool calls";
  if (final.outcome() == codemode::v1::OUTCOME_OK) {
    record.set_outcome(audit::v1::OUTCOME_DONE);
    record.set_result_digest(crypto::sha256(final.value()));
  } else {
    record.set_outcome(audit::v1::OUTCOME_FAILED);
    record.set_error_code(name_of(final.outcome()));
    detail.append("; ").append(clipped(final.error().message(), 512));
  }
  record.set_detail(std::move(detail));
  return record;
}

audit::v1::Record run_abandoned(const RunScope& scope, std::uint32_t calls, const Error& error) {
  auto record = start(scope, "run.finished");
  record.set_hop(scope.hop_of_call(calls + 1));
  record.set_outcome(audit::v1::OUTCOME_FAILED);
  record.set_error_code(std::string(sluice::name_of(error.code())));
  record.set_detail(
      std::to_string(calls) + " tool calls; " + std::string(clipped(error.message(), 512))
  );
  return record;
}

}  // namespace sluice::codemode_sandbox
