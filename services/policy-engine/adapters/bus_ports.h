// ToolServers, GrantUses, ApprovalEvents and BeatSink over the bus.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/bus/bus.h"

namespace sluice::policy_engine {

class BusToolServers final : public ToolServers {
 public:
  // The bus outlives it.
  explicit BusToolServers(bus::Bus* bus) : bus_(bus) {}

  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override {
    return bus_->call(endpoints::kConnectorCatalog, std::move(request), std::move(context));
  }

 private:
  bus::Bus* bus_;
};

class BusGrantUses final : public GrantUses {
 public:
  // The bus outlives it.
  explicit BusGrantUses(bus::Bus* bus) : bus_(bus) {}

  Async<audit::v1::VoidGrantReply> void_grant(
      audit::v1::VoidGrantRequest request, RequestContext context
  ) override {
    return bus_->call(endpoints::kAuditVoidGrant, std::move(request), std::move(context));
  }

 private:
  bus::Bus* bus_;
};

class BusApprovalEvents final : public ApprovalEvents {
 public:
  explicit BusApprovalEvents(bus::Bus* bus) : bus_(bus) {}

  Result<void> publish(const policy::v1::ApprovalChanged& event) override {
    return bus_->publish(endpoints::kApprovalChanged, event);
  }

 private:
  bus::Bus* bus_;
};

class BusBeatSink final : public BeatSink {
 public:
  explicit BusBeatSink(bus::Bus* bus) : bus_(bus) {}

  Result<void> publish(const policy::v1::PolicyBeat& beat) override {
    return bus_->publish(endpoints::kPolicyBeat, beat);
  }

 private:
  bus::Bus* bus_;
};

}  // namespace sluice::policy_engine
