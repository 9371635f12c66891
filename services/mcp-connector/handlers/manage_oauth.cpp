#include "services/mcp-connector/handlers/manage_oauth.h"

#include <utility>

namespace sluice::mcp_connector {

Async<connector::v1::ManageReply> OAuthOperations::begin(
    connector::v1::ManageRequest::BeginAuthorization request,
    std::string token_owner,
    RequestContext context
) {
  const auto server = deps_.catalog->config_of(request.server_id());
  if (server == nullptr) {
    co_return Error(Code::NotFound, "no such server is configured; list the servers for their ids");
  }
  audit::v1::Record record = audit::record_of(context, "server.authorize_begin");
  record.set_server(server->name);
  connector::v1::ManageReply reply;
  oauth::Beginner by{
      .tenant = context.tenant.str(),
      .principal = context.principal.str(),
      .token_owner = std::move(token_owner)
  };
  SLUICE_CO_TRY(
      *reply.mutable_authorization_url(),
      co_await deps_.flow->begin(server.get(), request.redirect_uri(), std::move(by))
  );
  SLUICE_CO_TRY(const std::string event_id, deps_.audit->record(std::move(record)));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return reply;
}

Async<void> OAuthOperations::redeem(
    connector::v1::ManageRequest::FinishAuthorization request, oauth::Pending pending
) {
  const auto server = deps_.catalog->config_of(pending.server_id);
  if (server == nullptr) {
    co_return Error(Code::Denied, "the server was removed meanwhile; add it again to authorize it");
  }
  oauth::Answer answer{.code = request.code(), .issuer = request.iss(), .error = request.error()};
  co_return co_await deps_.flow->finish(server.get(), std::move(pending), std::move(answer));
}

Async<connector::v1::ManageReply> OAuthOperations::finish(
    connector::v1::ManageRequest::FinishAuthorization request, RequestContext context
) {
  SLUICE_CO_TRY(auto pending, co_await deps_.flow->take(request.state()));
  context.tenant = TenantId(pending.tenant);
  context.principal = PrincipalId(pending.began_by);
  audit::v1::Record record = audit::record_of(context, "server.authorize");
  const std::string server_id = pending.server_id;
  const bool is_gateway = pending.principal.empty();
  const auto server = deps_.catalog->config_of(server_id);
  record.set_server(server == nullptr ? server_id : server->name);
  const auto done = co_await redeem(std::move(request), std::move(pending));
  record.set_reason(done.ok() ? "authorized" : "failed");
  if (!done.ok()) {
    record.set_error_code(std::string(sluice::name_of(done.error().code())));
    record.set_detail(done.error().message());
  }
  SLUICE_CO_TRY(const std::string event_id, deps_.audit->record(std::move(record)));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  if (!done.ok()) {
    co_return done.error();
  }
  if (!is_gateway) {
    co_return connector::v1::ManageReply();
  }
  // A holder that is not reached finds the tokens at its next attempt, within seconds.
  const auto told = co_await deps_.catalog->reconnect(server_id, std::move(context));
  static_cast<void>(told);
  co_return connector::v1::ManageReply();
}

Async<void> OAuthOperations::forget(std::string server_id) {
  co_return co_await deps_.flow->forget(std::move(server_id));
}

}  // namespace sluice::mcp_connector
