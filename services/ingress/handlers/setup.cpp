#include "services/ingress/handlers/setup.h"

#include "services/ingress/domain/authn.h"
#include "services/ingress/domain/key_form.h"
#include "services/ingress/domain/openai_error.h"

#include <chrono>
#include <string>
#include <utility>

namespace sluice::ingress {

Async<http::HttpResponse> SetupHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  if (deps_.audit->full()) {
    co_return Error(
        Code::Unavailable,
        "the audit trail cannot take more records at the moment; try again in a few seconds"
    )
        .with_retry_after(std::chrono::seconds(5));
  }
  policy::v1::SetupRequest setup;
  SLUICE_CO_TRY(*setup.mutable_setup_token(), credential_of(request.headers));
  setup.set_source_address(request.remote_address);
  SLUICE_CO_TRY(
      const policy::v1::SetupReply reply,
      co_await deps_.policy->setup(std::move(setup), std::move(context))
  );
  auto response = json_response(201, new_key_json(reply.key(), reply.key_text()));
  response.headers.add("cache-control", "no-store");
  co_return response;
}

}  // namespace sluice::ingress
