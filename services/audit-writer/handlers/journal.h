// Says what the trail knows of one tool execution of the caller: suggested, in progress, finished
// with its result, unknown.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/crypto/seal.h"
#include "common/grant/grant.h"

namespace sluice::audit_writer {

// Errors: Unauthenticated, Denied (another principal's), Invalid (no key), Unavailable, Deadline,
// Internal (wrong body.key).
class JournalHandler {
 public:
  struct Deps {
    AuditStore* store;
    const grant::KeyRing* keys;
    async::Clock* clock;
    crypto::SealingKey key;
  };

  explicit JournalHandler(Deps deps) : deps_(std::move(deps)) {}

  Async<audit::v1::JournalReply> operator()(
      audit::v1::JournalRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::audit_writer
