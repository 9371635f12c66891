// Answers records of the caller's tenant, in order of the conversation or of time. The reading
// itself is recorded.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/audit/client.h"
#include "common/grant/grant.h"

namespace sluice::audit_writer {

// Errors: Unauthenticated, Denied (not admin), Invalid, Unavailable, Deadline.
class QueryHandler {
 public:
  struct Deps {
    AuditStore* store;
    const grant::KeyRing* keys;
    audit::Client* audit;
    async::Clock* clock;
  };

  explicit QueryHandler(Deps deps) : deps_(deps) {}

  Async<audit::v1::QueryReply> operator()(audit::v1::QueryRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::audit_writer
