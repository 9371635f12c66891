// Admission: what every route asks first: room in the audit outbox, and a caller.
#pragma once

#include "services/ingress/domain/authn.h"
#include "services/ingress/domain/trail.h"

#include "common/observability/metrics.h"

#include <string>

namespace sluice::ingress {

// A request that may go on: its caller, and its context with tenant, principal and caller token in
// it.
struct Admitted {
  CallerPtr caller;
  RequestContext context;

  [[nodiscard]] Owner owner() const { return {context.tenant.str(), context.principal.str()}; }
};

// Errors: Unavailable (outbox full, or policy-engine does not answer), Unauthenticated. Refused
// callers leave an auth.refused record, at most kRefusalRecordsPerSecondMax a second.
class Admission {
 public:
  struct Deps {
    Authenticator* authenticator;  // all outlive the admission
    audit::Client* audit;
    Trail* trail;
    async::Clock* clock;
    observability::Metrics* metrics;
  };

  explicit Admission(Deps deps);

  Async<Admitted> admit(const http::HttpRequest* request, RequestContext context);
  // The same for a caller with the role "admin". Errors: Denied besides.
  Async<Admitted> admit_admin(const http::HttpRequest* request, RequestContext context);
  // A caller token that is good for some time yet, for a request that was admitted a while ago.
  Async<std::string> fresh_token(const http::HttpRequest* request, RequestContext context);
  // The same for what takes its time.
  Async<std::string> lasting_token(
      const http::HttpRequest* request, std::chrono::milliseconds lasting, RequestContext context
  );

 private:
  Error refuse(Error error, const std::string& source_address, const RequestContext& context);

  Deps deps_;
  observability::Counter* refusals_;
  TimePoint second_began_;
  int recorded_ = 0;
  int left_out_ = 0;
};

}  // namespace sluice::ingress
