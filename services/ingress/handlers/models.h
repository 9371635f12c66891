// GET /v1/models: the models of all providers, in OpenAI's list shape.
//
// Errors: Unauthenticated, Unavailable (provider-router does not answer).
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class ModelsHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    ProviderRouter* provider;
  };

  explicit ModelsHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
