#include "services/audit-writer/domain/trail_read.h"

namespace sluice::audit_writer {

Result<void> record_reading(
    audit::Client& audit,
    const RequestContext& context,
    const policy::v1::CallerClaims& claims,
    std::string action,
    std::string detail
) {
  audit::v1::Record record = audit::record_of(context, std::move(action));
  record.clear_chain_id();  // a reading is no part of the conversation it reads
  record.set_tenant(claims.tenant());
  record.set_principal(claims.principal());
  record.set_key_id(claims.key_id());
  record.set_detail(std::move(detail));
  SLUICE_TRY([[maybe_unused]] const std::string id, audit.record(std::move(record)));
  return {};
}

}  // namespace sluice::audit_writer
