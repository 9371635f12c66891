#include "services/codemode-sandbox/adapters/bus_ports.h"

#include "proto/endpoints.h"

#include <utility>

namespace sluice::codemode_sandbox {

Async<policy::v1::VisibleReply> BusPolicyEngine::visible(
    policy::v1::VisibleRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyVisible, std::move(request), std::move(context));
}

Async<policy::v1::DecideReply> BusPolicyEngine::decide(
    policy::v1::DecideRequest request, RequestContext context
) {
  return bus_->call(endpoints::kPolicyDecide, std::move(request), std::move(context));
}

Async<connector::v1::Final> BusToolServers::request(
    connector::v1::Request request, RequestContext context
) {
  std::string server = request.server_id();
  SLUICE_CO_TRY(
      auto stream,
      co_await bus_->open(
          endpoints::kConnectorRequest, std::move(server), std::move(request), std::move(context)
      )
  );
  for (;;) {  // ends with the stream, which has a deadline
    SLUICE_CO_TRY(const auto progress, co_await stream.next());
    if (!progress) {
      co_return std::move(stream.final());
    }
  }
}

Async<connector::v1::CatalogReply> BusToolServers::catalog(
    connector::v1::CatalogRequest request, RequestContext context
) {
  return bus_->call(endpoints::kConnectorCatalog, std::move(request), std::move(context));
}

Async<audit::v1::JournalReply> BusAuditJournal::journal(
    audit::v1::JournalRequest request, RequestContext context
) {
  return bus_->call(endpoints::kAuditJournal, std::move(request), std::move(context));
}

void BusRunAnnouncer::run_changed(const codemode::v1::RunChanged& event) {
  if (const auto sent = bus_->publish(endpoints::kRunChanged, event); !sent.ok()) {
    log_->warn("event-not-sent", {{"event", "run_changed"}, {"error", sent.error().to_log()}});
  }
}

Result<void> BusRunCanceller::cancel(const codemode::v1::RunCancelled& event) {
  return bus_->publish(endpoints::kRunCancelled, event);
}

}  // namespace sluice::codemode_sandbox
