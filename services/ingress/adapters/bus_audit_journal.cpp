#include "services/ingress/adapters/bus_audit_journal.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Async<audit::v1::JournalReply> BusAuditJournal::journal(
    audit::v1::JournalRequest request, RequestContext context
) {
  return bus_->call(endpoints::kAuditJournal, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
