// Which service may say what. nats-server lets each service publish under its own name only, so the
// sender is known; a record that claims another one, or that something happened which only another
// one can know, is kept as rejected. Pure.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <string_view>

namespace sluice::audit_writer {

// Errors: Denied; the message is the reason to keep with the bytes.
[[nodiscard]] Result<void> check_producer(const audit::v1::Record& record, std::string_view sender);

}  // namespace sluice::audit_writer
