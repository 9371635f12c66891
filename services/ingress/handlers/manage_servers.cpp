#include "services/ingress/handlers/manage_servers.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/server_list.h"

#include <string>
#include <utility>

namespace sluice::ingress {

Async<http::HttpResponse> ManageServersHandler::add(
    http::HttpRequest request, RequestContext context
) {
  connector::v1::ManageRequest operation;
  operation.mutable_add()->set_config(request.body);
  return send(std::move(request), std::move(operation), "MCP server added", std::move(context));
}

Async<http::HttpResponse> ManageServersHandler::update(
    http::HttpRequest request, RequestContext context
) {
  connector::v1::ManageRequest operation;
  operation.mutable_update()->set_server_id(request.path_parameters.at(0));
  operation.mutable_update()->set_config(request.body);
  return send(std::move(request), std::move(operation), "MCP server updated", std::move(context));
}

Async<http::HttpResponse> ManageServersHandler::remove(
    http::HttpRequest request, RequestContext context
) {
  connector::v1::ManageRequest operation;
  operation.mutable_remove()->set_server_id(request.path_parameters.at(0));
  return send(std::move(request), std::move(operation), "MCP server removed", std::move(context));
}

Async<http::HttpResponse> ManageServersHandler::reconnect(
    http::HttpRequest request, RequestContext context
) {
  connector::v1::ManageRequest operation;
  operation.mutable_reconnect()->set_server_id(request.path_parameters.at(0));
  return send(
      std::move(request), std::move(operation), "MCP server is reconnecting", std::move(context)
  );
}

Async<http::HttpResponse> ManageServersHandler::send(
    http::HttpRequest request,
    connector::v1::ManageRequest operation,
    std::string_view message,
    RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  const bool is_removal = operation.has_remove();
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.servers->manage(std::move(operation), admitted.context)
  );
  const bool shows_server = !is_removal && reply.servers_size() > 0;
  co_return json_response(
      200, changed_server_json(message, shows_server ? &reply.servers(0) : nullptr)
  );
}

}  // namespace sluice::ingress
