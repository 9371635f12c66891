// HttpKeySets: public keys of authorization servers over HTTP.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/http/client.h"

namespace sluice::policy_engine {

// Errors: those of http::Client; Unavailable (another status than 200), Invalid (metadata of
// somebody else, or none).
class HttpKeySets final : public KeySets {
 public:
  explicit HttpKeySets(http::Client* client) : client_(client) {}  // outlives it

  Async<std::string> fetch(JwtIssuer issuer, TimePoint deadline) override;

 private:
  Async<std::string> get(
      std::string url, std::shared_ptr<const http::AddressGuard> guard, TimePoint deadline
  );
  Async<std::string> discover(
      JwtIssuer issuer, std::shared_ptr<const http::AddressGuard> guard, TimePoint deadline
  );

  http::Client* client_;
};

}  // namespace sluice::policy_engine
