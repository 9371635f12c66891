// BusAuditJournal: audit-writer's journal over the bus.
#pragma once

#include "services/ingress/ports.h"

#include "common/bus/bus.h"

namespace sluice::ingress {

class BusAuditJournal final : public AuditJournal {
 public:
  explicit BusAuditJournal(bus::Bus* bus) : bus_(bus) {}

  Async<audit::v1::JournalReply> journal(audit::v1::JournalRequest request, RequestContext context)
      override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::ingress
