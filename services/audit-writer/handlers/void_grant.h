// Marks a grant as never to be used, or says which intent used it. For policy-engine, before it
// signs another grant.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/async/request_context.h"

namespace sluice::audit_writer {

// Errors: Invalid (no grant id), Unavailable, Deadline. A used grant is a normal reply.
class VoidGrantHandler {
 public:
  explicit VoidGrantHandler(AuditStore* store) : store_(store) {}

  Async<audit::v1::VoidGrantReply> operator()(
      audit::v1::VoidGrantRequest request, RequestContext context
  );

 private:
  AuditStore* store_;
};

}  // namespace sluice::audit_writer
