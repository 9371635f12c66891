#include "services/audit-writer/handlers/journal.h"

#include "services/audit-writer/domain/caller.h"
#include "services/audit-writer/domain/journal_state.h"

namespace sluice::audit_writer {
namespace {

Result<JournalKey> key_of(
    const audit::v1::JournalRequest& request, const policy::v1::CallerClaims& claims
) {
  const bool own = (request.tenant().empty() || request.tenant() == claims.tenant()) &&
                   (request.principal().empty() || request.principal() == claims.principal());
  if (!own) {
    return Error(Code::Denied, "the journal answers about the caller's own executions only");
  }
  if (request.grant_id().empty() && request.tool_call_id().empty()) {
    return Error(Code::Invalid, "give a grant id or a tool call id");
  }
  return JournalKey{
      .tenant = claims.tenant(),
      .principal = claims.principal(),
      .grant_id = request.grant_id(),
      .chain_id = request.chain_id(),
      .tool_call_id = request.tool_call_id()
  };
}

}  // namespace

Async<audit::v1::JournalReply> JournalHandler::operator()(
    audit::v1::JournalRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const auto claims, run_or_caller_of(*deps_.keys, context, deps_.clock->unix_ms()));
  SLUICE_CO_TRY(JournalKey key, key_of(request, claims));
  SLUICE_CO_TRY(const JournalEntry entry, co_await deps_.store->journal(std::move(key)));
  co_return journal_reply(entry, deps_.key, deps_.clock->unix_ms());
}

}  // namespace sluice::audit_writer
