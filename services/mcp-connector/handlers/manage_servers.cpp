#include "services/mcp-connector/handlers/manage_servers.h"

#include "services/mcp-connector/config_api.h"
#include "services/mcp-connector/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

Result<json::Value> parse_body(const std::string& text) {
  constexpr json::ParseLimits kLimits{.depth_max = 16, .bytes_max = kServerBodyBytesMax};
  auto body = json::parse(text, kLimits);
  if (!body.ok() || !body.value().is_object()) {
    return Error(
        Code::Invalid,
        "the body is no JSON object" + (body.ok() ? "" : ": " + body.error().message()) +
            "; give one as of mcp.client_configs"
    );
  }
  return body;
}

// Fit to be read again: under the name that was derived, if one was, and without what only answers
// hold.
std::string stored_form(json::Value body, const ServerConfig& server) {
  body.as_object()->set("name", server.name);
  body.as_object()->erase("client_id");
  return json::write(body);
}

audit::v1::Record record_for(
    const RequestContext& context,
    std::string_view action,
    const std::string& server,
    const std::string& shown
) {
  audit::v1::Record record = audit::record_of(context, action);
  record.set_server(server);
  record.set_body(shown);
  return record;
}

Error of_the_file(const std::string& name) {
  return Error(
      Code::Conflict,
      "the server \"" + name +
          "\" stands in the configuration file, which the API does not change; change it there"
  );
}

// A change whose commit got no answer may have been made.
Error store_failure(const Error& error) {
  if (error.code() != Code::Unavailable && error.code() != Code::Deadline) {
    return error;
  }
  return Error(
             Code::Unavailable,
             "the store of servers does not answer, and the change may or may not have been made; "
             "list the servers, then try again"
  )
      .with_detail(error.to_log());
}

}  // namespace

Async<connector::v1::ManageReply> ServerOperations::add(
    connector::v1::ManageRequest::AddServer request, RequestContext context
) {
  SLUICE_CO_TRY(json::Value body, parse_body(request.config()));
  SLUICE_CO_TRY(ServerConfig read, read_added_server(body, *deps_.settings));
  const auto config = std::make_shared<const ServerConfig>(std::move(read));
  // Of added servers the store alone knows: another replica may have removed one a moment ago.
  if (const auto there = deps_.pool->config_of(config->name); there != nullptr && !there->added) {
    co_return of_the_file(config->name);
  }
  const audit::v1::Record entry = record_for(context, "server.added", config->name, config->shown);
  SLUICE_CO_CHECK_OK(co_await record(entry));
  const auto stored = co_await deps_.store->insert(
      {.id = config->id,
       .name = config->name,
       .config = stored_form(std::move(body), *config),
       .revision = 0},
      context.principal.str()
  );
  if (!stored.ok()) {
    record_failure(entry, stored.error());
    co_return store_failure(stored.error());
  }
  SLUICE_CO_CHECK_OK(co_await tell());
  connector::v1::ManageReply reply;
  auto* server = reply.add_servers();
  server->set_config(config->shown);
  const auto own = deps_.pool->find(config->id.str());
  *server->mutable_catalog() = own ? own->snapshot() : unconnected_catalog(*config);
  co_return reply;
}

Async<connector::v1::ManageReply> ServerOperations::update(
    connector::v1::ManageRequest::UpdateServer request, RequestContext context
) {
  SLUICE_CO_TRY(const json::Value sent, parse_body(request.config()));
  SLUICE_CO_TRY(ServerStore::Row row, co_await find(request.server_id()));
  json::Value kept = json::Value(json::Object());
  if (row.config) {
    SLUICE_CO_TRY(kept, json::parse(*row.config));
  }
  SLUICE_CO_TRY(json::Value body, changed_server(kept, sent));
  SLUICE_CO_TRY(ServerConfig read, read_added_server(body, *deps_.settings));
  const auto config = std::make_shared<const ServerConfig>(std::move(read));
  if (config->id != row.id) {
    co_return Error(
        Code::Invalid,
        "name: is another than \"" + row.name +
            "\", and a server keeps its name; add one of the new name and remove this one"
    );
  }
  const audit::v1::Record entry =
      record_for(context, "server.updated", config->name, config->shown);
  SLUICE_CO_CHECK_OK(co_await record(entry));
  row.config = stored_form(std::move(body), *config);
  const auto stored = co_await deps_.store->update(std::move(row), context.principal.str());
  if (!stored.ok()) {
    record_failure(entry, stored.error());
    co_return store_failure(stored.error());
  }
  SLUICE_CO_CHECK_OK(co_await tell());
  connector::v1::ManageReply reply;
  auto* server = reply.add_servers();
  server->set_config(config->shown);
  const auto bounded = context.with_deadline(deps_.catalog->holders_answer_by());
  SLUICE_CO_TRY(*server->mutable_catalog(), co_await deps_.catalog->of(config, bounded));
  co_return reply;
}

Async<connector::v1::ManageReply> ServerOperations::remove(
    connector::v1::ManageRequest::RemoveServer request, RequestContext context
) {
  SLUICE_CO_TRY(const ServerStore::Row row, co_await find(request.server_id()));
  const auto known = deps_.pool->config_of(row.id.str());
  const audit::v1::Record entry =
      record_for(context, "server.removed", row.name, known == nullptr ? "{}" : known->shown);
  SLUICE_CO_CHECK_OK(co_await record(entry));
  const auto removed = co_await deps_.store->remove(row.id);
  if (!removed.ok()) {
    record_failure(entry, removed.error());
    co_return store_failure(removed.error());
  }
  SLUICE_CO_CHECK_OK(co_await tell());
  connector::v1::ManageReply reply;
  auto* server = reply.add_servers();
  server->mutable_catalog()->set_server_id(row.id.str());
  server->mutable_catalog()->set_name(row.name);
  server->mutable_catalog()->set_state(connector::v1::SERVER_STATE_DISCONNECTED);
  co_return reply;
}

// In the store, where also those are that this version cannot use.
Async<ServerStore::Row> ServerOperations::find(std::string id_or_name) {
  const auto known = deps_.pool->config_of(id_or_name);
  if (known != nullptr && !known->added) {
    co_return of_the_file(known->name);
  }
  auto rows = co_await deps_.store->list();
  if (!rows.ok()) {
    co_return Error(Code::Unavailable, "the store of servers does not answer; try again later")
        .with_detail(rows.error().to_log());
  }
  for (ServerStore::Row& row : rows.value()) {
    if (row.id.str() == id_or_name || row.name == id_or_name) {
      co_return std::move(row);
    }
  }
  co_return Error(
      Code::NotFound, "there is no such server; GET /api/mcp/clients lists them with their ids"
  );
}

Async<void> ServerOperations::record(audit::v1::Record record) {
  SLUICE_CO_TRY(const std::string event_id, deps_.audit->record(std::move(record)));
  co_return co_await deps_.audit->written();
}

void ServerOperations::record_failure(audit::v1::Record record, const Error& error) {
  // Deadline and Unavailable leave open whether the change was made.
  const bool is_open = error.code() == Code::Unavailable || error.code() == Code::Deadline;
  record.clear_body();
  record.set_outcome(is_open ? audit::v1::OUTCOME_UNKNOWN : audit::v1::OUTCOME_FAILED);
  record.set_error_code(std::string(name_of(error.code())));
  record.set_detail(error.message());
  // The outbox took the first record a moment ago; if it is full now, the missing outcome shows.
  static_cast<void>(deps_.audit->record(std::move(record)));
}

// The change is committed: a replica that cannot read it now does so within seconds.
Async<void> ServerOperations::tell() {
  deps_.announcer->servers_changed();
  const auto reloaded = co_await deps_.added->reload();
  if (!reloaded.ok() && reloaded.error().code() == Code::Cancelled) {
    co_return reloaded;
  }
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
