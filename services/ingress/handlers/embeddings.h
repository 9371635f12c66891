// POST /v1/embeddings: passed to provider-router as it came.
//
// Errors: Invalid, Unauthenticated, Unavailable; a provider's own error comes as provider-router
// mapped it.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class EmbeddingsHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    ProviderRouter* provider;
    Trail* trail;
    audit::Client* audit;
  };

  explicit EmbeddingsHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
