// What the trail says about one tool execution, as an answer. Pure.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/crypto/seal.h"

namespace sluice::audit_writer {

// Errors: Internal (a kept result does not open with this key).
[[nodiscard]] Result<audit::v1::JournalReply> journal_reply(
    const JournalEntry& entry, const crypto::SealingKey& key, std::int64_t now_unix_ms
);

}  // namespace sluice::audit_writer
