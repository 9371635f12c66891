// The record of somebody reading the trail (PCI DSS 10.2.1.3: access to the logs themselves).
#pragma once

#include "common/async/request_context.h"
#include "common/audit/client.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>

namespace sluice::audit_writer {

// Errors: Unavailable (the outbox is full; then the trail is not read either).
[[nodiscard]] Result<void> record_reading(
    audit::Client& audit,
    const RequestContext& context,
    const policy::v1::CallerClaims& claims,
    std::string action,
    std::string detail
);

}  // namespace sluice::audit_writer
