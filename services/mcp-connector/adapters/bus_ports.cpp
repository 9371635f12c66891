#include "services/mcp-connector/adapters/bus_ports.h"

#include "proto/endpoints.h"

#include <utility>

namespace sluice::mcp_connector {

void BusAnnouncer::catalog_changed(const connector::v1::CatalogChanged& event) {
  if (const auto sent = bus_->publish(endpoints::kCatalogChanged, event); !sent.ok()) {
    log_->warn("event-not-sent", {{"event", "catalog_changed"}, {"error", sent.error().to_log()}});
  }
}

void BusAnnouncer::server_changed(const connector::v1::ServerChanged& event) {
  if (const auto sent = bus_->publish(endpoints::kServerChanged, event); !sent.ok()) {
    log_->warn("event-not-sent", {{"event", "server_changed"}, {"error", sent.error().to_log()}});
  }
}

void BusAnnouncer::servers_changed() {
  const connector::v1::ServersChanged event;
  if (const auto sent = bus_->publish(endpoints::kServersChanged, event); !sent.ok()) {
    log_->warn("event-not-sent", {{"event", "servers_changed"}, {"error", sent.error().to_log()}});
  }
}

void BusCallEnds::call_ended(const connector::v1::CallEnded& event) {
  if (const auto sent = bus_->publish(endpoints::kCallEnded, event); !sent.ok()) {
    log_->warn("event-not-sent", {{"event", "call_ended"}, {"error", sent.error().to_log()}});
  }
}

void BusAnnouncer::resource_updated(const connector::v1::ResourceUpdated& event) {
  if (const auto sent = bus_->publish(endpoints::kResourceUpdated, event); !sent.ok()) {
    log_->warn("event-not-sent", {{"event", "resource_updated"}, {"error", sent.error().to_log()}});
  }
}

Async<connector::v1::ServerCatalog> BusHolders::catalog_of(
    ServerId server, bool reconnect, RequestContext context
) {
  connector::v1::ServerCatalogRequest request;
  request.set_server_id(server.str());
  request.set_reconnect(reconnect);
  SLUICE_CO_TRY(
      auto reply,
      co_await bus_->call(
          endpoints::kConnectorServerCatalog, server.str(), std::move(request), std::move(context)
      )
  );
  co_return std::move(*reply.mutable_catalog());
}

Result<Subjects::Serving> BusSubjects::serve(const ServerId& server) {
  SLUICE_CHECK(
      request_ != nullptr && input_ != nullptr && catalog_ != nullptr,
      "use() is called before the pool starts"
  );
  Serving serving;
  SLUICE_TRY(
      serving.request, bus_->serve_key(endpoints::kConnectorRequest, server.str(), *request_)
  );
  SLUICE_TRY(serving.input, bus_->serve_key(endpoints::kConnectorInput, server.str(), *input_));
  SLUICE_TRY(
      serving.catalog, bus_->serve_key(endpoints::kConnectorServerCatalog, server.str(), *catalog_)
  );
  return serving;
}

}  // namespace sluice::mcp_connector
