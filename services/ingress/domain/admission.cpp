#include "services/ingress/domain/admission.h"

#include "services/ingress/limits.h"

#include <chrono>

namespace sluice::ingress {

Admission::Admission(Deps deps)
    : deps_(deps),
      refusals_(&deps.metrics->counter(
          "sluice_ingress_auth_refused_total",
          "Requests refused because their caller could not be authenticated"
      )),
      second_began_(deps.clock->now()) {}

Async<Admitted> Admission::admit(const http::HttpRequest* request, RequestContext context) {
  if (deps_.audit->full()) {
    co_return Error(
        Code::Unavailable,
        "the audit trail cannot take more records at the moment; try again in a few seconds"
    )
        .with_retry_after(std::chrono::milliseconds(5'000));
  }
  auto credential = credential_of(request->headers);
  if (!credential.ok()) {
    co_return refuse(std::move(credential).error(), request->remote_address, context);
  }
  CallerPtr caller = deps_.authenticator->cached(credential.value(), context);
  if (caller == nullptr) {
    auto fetched = co_await deps_.authenticator->authenticate(
        std::move(credential).value(), request->remote_address, context
    );
    if (!fetched.ok()) {
      co_return refuse(std::move(fetched).error(), request->remote_address, context);
    }
    caller = std::move(fetched).value();
  }
  context.tenant = TenantId(caller->claims.tenant());
  context.principal = PrincipalId(caller->claims.principal());
  context.caller_token = caller->token;
  co_return Admitted{std::move(caller), std::move(context)};
}

Async<Admitted> Admission::admit_admin(const http::HttpRequest* request, RequestContext context) {
  SLUICE_CO_TRY(Admitted admitted, co_await admit(request, std::move(context)));
  if (!admitted.caller->has_role("admin")) {
    co_return Error(
        Code::Denied,
        "this route needs a key with the role \"admin\"; ask the operator of this gateway for one"
    );
  }
  co_return admitted;
}

Async<std::string> Admission::fresh_token(
    const http::HttpRequest* request, RequestContext context
) {
  SLUICE_CO_TRY(std::string credential, credential_of(request->headers));
  SLUICE_CO_TRY(
      const CallerPtr caller,
      co_await deps_.authenticator->authenticate(
          std::move(credential), request->remote_address, std::move(context)
      )
  );
  co_return caller->token;
}

Async<std::string> Admission::lasting_token(
    const http::HttpRequest* request, std::chrono::milliseconds lasting, RequestContext context
) {
  SLUICE_CO_TRY(std::string credential, credential_of(request->headers));
  SLUICE_CO_TRY(
      const CallerPtr caller,
      co_await deps_.authenticator->authenticate_for(
          lasting, std::move(credential), request->remote_address, std::move(context)
      )
  );
  co_return caller->token;
}

Error Admission::refuse(
    Error error, const std::string& source_address, const RequestContext& context
) {
  if (error.code() != Code::Unauthenticated) {
    return error;
  }
  refusals_->add();
  const TimePoint now = deps_.clock->now();
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    recorded_ = 0;
  }
  if (recorded_ >= kRefusalRecordsPerSecondMax) {
    ++left_out_;
    return error;
  }
  ++recorded_;
  if (deps_.trail->auth_refused(context, source_address, error, left_out_).ok()) {
    left_out_ = 0;
  } else {
    ++left_out_;
  }
  return error;
}

}  // namespace sluice::ingress
