// GET /.well-known/oauth-protected-resource…: which authorization servers give tokens for /mcp (RFC
// 9728). No key is needed: it is how a client without one finds its way.
#pragma once

#include "services/ingress/domain/protected_resource.h"

#include "common/async/request_context.h"

#include <string>

namespace sluice::ingress {

class ProtectedResourceHandler {
 public:
  // resource outlives the handler.
  explicit ProtectedResourceHandler(const ProtectedResource* resource) : resource_(resource) {}

  // Without it the paths do not exist.
  [[nodiscard]] bool is_configured() const { return resource_->is_configured(); }

  // name: of the virtual server, for people; "": none.
  Async<http::HttpResponse> operator()(std::string name) const;

 private:
  const ProtectedResource* resource_;
};

}  // namespace sluice::ingress
