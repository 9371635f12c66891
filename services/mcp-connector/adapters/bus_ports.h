// What mcp-connector does over the bus: serves the subjects of leased servers, announces changes,
// asks other holders.
#pragma once

#include "services/mcp-connector/connections/call_meter.h"
#include "services/mcp-connector/handlers/input.h"
#include "services/mcp-connector/handlers/request.h"
#include "services/mcp-connector/handlers/server_catalog.h"
#include "services/mcp-connector/ports.h"

#include "common/bus/bus.h"
#include "common/observability/log.h"

namespace sluice::mcp_connector {

class BusAnnouncer final : public Announcer {
 public:
  BusAnnouncer(bus::Bus* bus, observability::Log* log) : bus_(bus), log_(log) {}

  void catalog_changed(const connector::v1::CatalogChanged& event) override;
  void server_changed(const connector::v1::ServerChanged& event) override;
  void resource_updated(const connector::v1::ResourceUpdated& event) override;
  void servers_changed() override;

 private:
  bus::Bus* bus_;
  observability::Log* log_;
};

class BusCallEnds final : public CallEnds {
 public:
  BusCallEnds(bus::Bus* bus, observability::Log* log) : bus_(bus), log_(log) {}

  void call_ended(const connector::v1::CallEnded& event) override;

 private:
  bus::Bus* bus_;
  observability::Log* log_;
};

class BusHolders final : public Holders {
 public:
  explicit BusHolders(bus::Bus* bus) : bus_(bus) {}

  Async<connector::v1::ServerCatalog> catalog_of(
      ServerId server, bool reconnect, RequestContext context
  ) override;

 private:
  bus::Bus* bus_;
};

// The handlers need the pool and the pool needs this, so they are named afterwards, before the pool
// starts.
class BusSubjects final : public Subjects {
 public:
  explicit BusSubjects(bus::Bus* bus) : bus_(bus) {}

  void use(RequestHandler* request, InputHandler* input, ServerCatalogHandler* catalog) {
    request_ = request;
    input_ = input;
    catalog_ = catalog;
  }

  Result<Serving> serve(const ServerId& server) override;

 private:
  bus::Bus* bus_;
  RequestHandler* request_ = nullptr;
  InputHandler* input_ = nullptr;
  ServerCatalogHandler* catalog_ = nullptr;
};

}  // namespace sluice::mcp_connector
