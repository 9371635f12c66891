#include "services/mcp-connector/handlers/manage.h"

#include "services/mcp-connector/domain/caller.h"

#include <utility>

namespace sluice::mcp_connector {

Async<connector::v1::ManageReply> ManageHandler::operator()(
    connector::v1::ManageRequest request, RequestContext context
) {
  if (request.has_finish_authorization()) {  // a browser has no key; its state says who began
    co_return co_await deps_.oauth->finish(request.finish_authorization(), std::move(context));
  }
  SLUICE_CO_TRY(
      const auto claims,
      grant::verify_token(*deps_.token_keys, context.caller_token, deps_.clock->unix_ms())
  );
  const auto server = deps_.pool->config_of(request.begin_authorization().server_id());
  const bool is_for_itself =
      request.has_begin_authorization() && server != nullptr && server->has_user_tokens();
  if (!is_admin(claims) && !is_for_itself) {
    co_return Error(Code::Denied, "managing servers needs the admin role; use a key that has it");
  }
  context.tenant = TenantId(claims.tenant());
  context.principal = PrincipalId(claims.principal());
  switch (request.operation_case()) {
    case connector::v1::ManageRequest::kList:
      co_return co_await list(std::move(context));
    case connector::v1::ManageRequest::kReconnect:
      co_return co_await reconnect(request.reconnect().server_id(), std::move(context));
    case connector::v1::ManageRequest::kAdd:
      co_return co_await deps_.servers->add(std::move(*request.mutable_add()), std::move(context));
    case connector::v1::ManageRequest::kUpdate:
      co_return co_await deps_.servers->update(
          std::move(*request.mutable_update()), std::move(context)
      );
    case connector::v1::ManageRequest::kRemove:
      co_return co_await remove(std::move(*request.mutable_remove()), std::move(context));
    case connector::v1::ManageRequest::kBeginAuthorization:
      co_return co_await deps_.oauth->begin(
          request.begin_authorization(), caller_of(claims, "").token_owner, std::move(context)
      );
    default:
      break;
  }
  co_return Error(Code::Invalid, "the request names no operation this version knows; send another");
}

Async<connector::v1::ManageReply> ManageHandler::remove(
    connector::v1::ManageRequest::RemoveServer request, RequestContext context
) {
  const auto config = deps_.pool->config_of(request.server_id());
  SLUICE_CO_TRY(auto reply, co_await deps_.servers->remove(std::move(request), std::move(context)));
  if (config != nullptr) {
    SLUICE_CO_CHECK_OK(co_await deps_.oauth->forget(config->id.str()));
  }
  co_return reply;
}

Async<connector::v1::ManageReply> ManageHandler::list(RequestContext context) {
  SLUICE_CO_TRY(auto catalogs, co_await deps_.catalog->gather(std::move(context)));
  connector::v1::ManageReply reply;
  for (auto& catalog : catalogs) {
    *reply.add_servers() = managed(std::move(catalog));
  }
  co_return reply;
}

Async<connector::v1::ManageReply> ManageHandler::reconnect(
    std::string server_id, RequestContext context
) {
  audit::v1::Record record = audit::record_of(context, "server.reconnect");
  SLUICE_CO_TRY(
      auto catalog, co_await deps_.catalog->reconnect(std::move(server_id), std::move(context))
  );
  record.set_server(catalog.name());
  SLUICE_CO_TRY(const std::string event_id, deps_.audit->record(std::move(record)));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  connector::v1::ManageReply reply;
  *reply.add_servers() = managed(std::move(catalog));
  co_return reply;
}

connector::v1::ManagedServer ManageHandler::managed(connector::v1::ServerCatalog catalog) const {
  connector::v1::ManagedServer server;
  if (const auto config = deps_.pool->config_of(catalog.server_id()); config != nullptr) {
    server.set_config(config->shown);
  }
  *server.mutable_catalog() = std::move(catalog);
  return server;
}

}  // namespace sluice::mcp_connector
