#include "services/audit-writer/handlers/verify.h"

#include "services/audit-writer/domain/caller.h"
#include "services/audit-writer/domain/trail_read.h"

namespace sluice::audit_writer {

Async<audit::v1::VerifyReply> VerifyHandler::operator()(
    audit::v1::VerifyRequest /*request*/, RequestContext context
) {
  SLUICE_CO_TRY(const auto claims, caller_of(*deps_.keys, context, deps_.clock->unix_ms()));
  SLUICE_CO_CHECK_OK(require_admin(claims));
  SLUICE_CO_CHECK_OK(record_reading(*deps_.audit, context, claims, "service.trail_verified", ""));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  SLUICE_CO_TRY(const TrailReport report, co_await deps_.store->verify());
  audit::v1::VerifyReply reply;
  reply.set_records(report.records);
  for (const SequenceGap& gap : report.gaps) {
    auto* out = reply.add_gaps();
    out->set_producer(gap.producer);
    out->set_instance(gap.instance);
    out->set_boot(gap.boot);
    out->set_first_missing(gap.first_missing);
    out->set_last_missing(gap.last_missing);
  }
  co_return reply;
}

}  // namespace sluice::audit_writer
