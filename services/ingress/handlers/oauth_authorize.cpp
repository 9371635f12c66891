#include "services/ingress/handlers/oauth_authorize.h"

#include "services/ingress/domain/openai_error.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::ingress {

std::string OAuthAuthorizeHandler::redirect_uri(const http::HttpRequest& request) const {
  constexpr std::string_view kCallback = "/api/mcp/oauth/callback";
  std::string base = deps_.public_url;
  if (base.empty()) {
    base = (deps_.tls ? "https://" : "http://") + std::string(request.headers.get("host"));
  }
  while (base.ends_with('/')) {
    base.pop_back();
  }
  return base.append(kCallback);
}

Async<http::HttpResponse> OAuthAuthorizeHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  connector::v1::ManageRequest manage;
  auto* begin = manage.mutable_begin_authorization();
  begin->set_server_id(request.path_parameters.at(0));
  begin->set_redirect_uri(redirect_uri(request));
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.servers->manage(std::move(manage), admitted.context)
  );
  co_return json_response(
      200, json::write(json::object({{"authorization_url", reply.authorization_url()}}))
  );
}

}  // namespace sluice::ingress
