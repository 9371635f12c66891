#include "services/audit-writer/handlers/query.h"

#include "services/audit-writer/domain/caller.h"
#include "services/audit-writer/domain/trail_read.h"
#include "services/audit-writer/limits.h"

#include "common/crypto/random.h"

namespace sluice::audit_writer {
namespace {

Result<QueryFilter> filter_of(
    const audit::v1::QueryRequest& request, const policy::v1::CallerClaims& claims
) {
  if (request.limit() > kQueryLimitMax) {
    return Error(Code::Invalid, "limit is at most 1000; read on with after_event_id");
  }
  if (!request.after_event_id().empty() && crypto::uuid_v7_unix_ms(request.after_event_id()) < 0) {
    return Error(
        Code::Invalid, "after_event_id is no event id; give the last one of the page before"
    );
  }
  return QueryFilter{
      .tenant = claims.tenant(),
      .chain_id = request.chain_id(),
      .action = request.action(),
      .after_event_id = request.after_event_id(),
      .limit = request.limit() == 0 ? kQueryLimitDefault : request.limit()
  };
}

}  // namespace

Async<audit::v1::QueryReply> QueryHandler::operator()(
    audit::v1::QueryRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const auto claims, caller_of(*deps_.keys, context, deps_.clock->unix_ms()));
  SLUICE_CO_CHECK_OK(require_admin(claims));
  SLUICE_CO_TRY(QueryFilter filter, filter_of(request, claims));
  const std::string what = "chain " + filter.chain_id + ", action " + filter.action;
  SLUICE_CO_CHECK_OK(record_reading(*deps_.audit, context, claims, "service.trail_queried", what));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  SLUICE_CO_TRY(auto records, co_await deps_.store->query(std::move(filter)));
  audit::v1::QueryReply reply;
  for (std::string& record : records) {
    reply.add_records(std::move(record));
  }
  co_return reply;
}

}  // namespace sluice::audit_writer
