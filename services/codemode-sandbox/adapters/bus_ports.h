// PolicyEngine, ToolServers, AuditJournal, RunAnnouncer and RunCanceller over the bus.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include "common/bus/bus.h"
#include "common/observability/log.h"

namespace sluice::codemode_sandbox {

class BusPolicyEngine final : public PolicyEngine {
 public:
  // The bus outlives it, here and below.
  explicit BusPolicyEngine(bus::Bus* bus) : bus_(bus) {}

  Async<policy::v1::VisibleReply> visible(
      policy::v1::VisibleRequest request, RequestContext context
  ) override;
  Async<policy::v1::DecideReply> decide(policy::v1::DecideRequest request, RequestContext context)
      override;

 private:
  bus::Bus* bus_;
};

class BusToolServers final : public ToolServers {
 public:
  explicit BusToolServers(bus::Bus* bus) : bus_(bus) {}

  Async<connector::v1::Final> request(connector::v1::Request request, RequestContext context)
      override;
  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override;

 private:
  bus::Bus* bus_;
};

class BusAuditJournal final : public AuditJournal {
 public:
  explicit BusAuditJournal(bus::Bus* bus) : bus_(bus) {}

  Async<audit::v1::JournalReply> journal(audit::v1::JournalRequest request, RequestContext context)
      override;

 private:
  bus::Bus* bus_;
};

class BusRunAnnouncer final : public RunAnnouncer {
 public:
  BusRunAnnouncer(bus::Bus* bus, observability::Log* log) : bus_(bus), log_(log) {}

  void run_changed(const codemode::v1::RunChanged& event) override;

 private:
  bus::Bus* bus_;
  observability::Log* log_;
};

class BusRunCanceller final : public RunCanceller {
 public:
  explicit BusRunCanceller(bus::Bus* bus) : bus_(bus) {}

  Result<void> cancel(const codemode::v1::RunCancelled& event) override;

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::codemode_sandbox
