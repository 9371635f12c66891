#include "services/policy-engine/adapters/http_key_sets.h"

#include "services/policy-engine/domain/jwks.h"

#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr int kOk = 200;

}  // namespace

Async<std::string> HttpKeySets::fetch(JwtIssuer issuer, TimePoint deadline) {
  SLUICE_CO_TRY(
      const auto guard,
      http::AddressGuard::make(
          issuer.allowed_private_networks, "allowed_private_networks of this issuer in auth.jwt"
      )
  );
  std::string url = issuer.jwks_url;
  if (url.empty()) {
    SLUICE_CO_TRY(url, co_await discover(std::move(issuer), guard, deadline));
  }
  co_return co_await get(std::move(url), guard, deadline);
}

Async<std::string> HttpKeySets::discover(
    JwtIssuer issuer, std::shared_ptr<const http::AddressGuard> guard, TimePoint deadline
) {
  Error last(Code::Unavailable, "the issuer publishes no metadata");
  for (std::string& url : metadata_urls(issuer.issuer)) {
    const auto document = co_await get(std::move(url), guard, deadline);
    auto found = document.ok() ? jwks_url_of(document.value(), issuer.issuer)
                               : Result<std::string>(document.error());
    if (found.ok() || found.error().code() == Code::Cancelled ||
        found.error().code() == Code::Deadline) {
      co_return found;
    }
    last = std::move(found).error();
  }
  co_return last;
}

Async<std::string> HttpKeySets::get(
    std::string url, std::shared_ptr<const http::AddressGuard> guard, TimePoint deadline
) {
  http::ClientRequest request;
  request.method = "GET";
  request.url = std::move(url);
  request.headers.add("accept", "application/json");
  request.deadline = deadline;
  request.idempotent = true;
  request.guard = std::move(guard);
  SLUICE_CO_TRY(http::ClientResponse response, co_await client_->fetch(std::move(request)));
  if (response.status != kOk) {
    co_return Error(Code::Unavailable, "the issuer does not answer with its keys")
        .with_detail("status " + std::to_string(response.status));
  }
  co_return std::move(response.body);
}

}  // namespace sluice::policy_engine
