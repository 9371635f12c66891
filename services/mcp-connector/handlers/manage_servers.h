// Adds, changes and removes servers by API: checked as the file is, recorded, committed, then told
// to every replica.
#pragma once

#include "services/mcp-connector/connections/added_servers.h"
#include "services/mcp-connector/connections/merged_catalog.h"

#include "common/audit/client.h"
#include "common/json/value.h"

namespace sluice::mcp_connector {

// The record comes first: nothing changes that the trail does not show; when the change fails after
// it, another record says so. Errors of all: Invalid, Denied (a stdio server, which is not
// allowed), NotFound, Conflict (a server of the file, a name that is taken, a change meanwhile),
// Exhausted, Unavailable (Postgres or the outbox).
class ServerOperations {
 public:
  struct Deps {
    ServerPool* pool;
    MergedCatalog* catalog;
    AddedServers* added;
    ServerStore* store;
    Announcer* announcer;
    const ApiSettings* settings;
    audit::Client* audit;
  };

  explicit ServerOperations(Deps deps) : deps_(deps) {}

  // context: of a verified admin.
  Async<connector::v1::ManageReply> add(
      connector::v1::ManageRequest::AddServer request, RequestContext context
  );
  Async<connector::v1::ManageReply> update(
      connector::v1::ManageRequest::UpdateServer request, RequestContext context
  );
  Async<connector::v1::ManageReply> remove(
      connector::v1::ManageRequest::RemoveServer request, RequestContext context
  );

 private:
  Async<ServerStore::Row> find(std::string id_or_name);
  Async<void> record(audit::v1::Record record);
  void record_failure(audit::v1::Record record, const Error& error);
  Async<void> tell();

  Deps deps_;
};

}  // namespace sluice::mcp_connector
