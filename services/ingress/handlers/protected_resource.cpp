#include "services/ingress/handlers/protected_resource.h"

#include "services/ingress/domain/openai_error.h"

namespace sluice::ingress {

Async<http::HttpResponse> ProtectedResourceHandler::operator()(std::string name) const {
  http::HttpResponse response = json_response(200, resource_->metadata(name));
  // Pages read it before they have a token; it holds nothing that is not public.
  response.headers.add("access-control-allow-origin", "*");
  co_return response;
}

}  // namespace sluice::ingress
