// Counts the trail and finds missing sequence numbers per producer. The reading itself is recorded.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/audit/client.h"
#include "common/grant/grant.h"

namespace sluice::audit_writer {

// Errors: Unauthenticated, Denied (not admin), Unavailable, Deadline. Gaps are a normal reply.
class VerifyHandler {
 public:
  struct Deps {
    AuditStore* store;
    const grant::KeyRing* keys;
    audit::Client* audit;
    async::Clock* clock;
  };

  explicit VerifyHandler(Deps deps) : deps_(deps) {}

  Async<audit::v1::VerifyReply> operator()(
      audit::v1::VerifyRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::audit_writer
