#include "services/audit-writer/domain/journal_state.h"

namespace sluice::audit_writer {
namespace {

using audit::v1::JournalReply;

Result<void> set_finished(
    JournalReply& reply, const JournalEntry& entry, const crypto::SealingKey& key
) {
  audit::v1::Record outcome;
  const bool unknown = outcome.ParseFromString(entry.outcome_bytes) &&
                       outcome.outcome() == audit::v1::OUTCOME_UNKNOWN;
  reply.set_state(unknown ? JournalReply::STATE_UNKNOWN : JournalReply::STATE_FINISHED);
  reply.set_outcome_record(entry.outcome_bytes);
  if (entry.sealed_result.empty()) {
    reply.set_body_expired(true);
    return {};
  }
  auto result = key.open(entry.sealed_result, entry.outcome_event_id);
  if (!result.ok()) {
    return Error(
               Code::Internal,
               "a kept result cannot be opened; check that body.key is the one it was sealed with"
    )
        .with_detail(entry.outcome_event_id);
  }
  reply.set_result(std::move(result).value());
  return {};
}

}  // namespace

Result<JournalReply> journal_reply(
    const JournalEntry& entry, const crypto::SealingKey& key, std::int64_t now_unix_ms
) {
  JournalReply reply;
  reply.set_chain_id(
      entry.intent_chain_id.empty() ? entry.suggested_chain_id : entry.intent_chain_id
  );
  reply.set_intent_event_id(entry.intent_event_id);
  if (!entry.outcome_event_id.empty()) {
    SLUICE_CHECK_OK(set_finished(reply, entry, key));
  } else if (!entry.intent_event_id.empty()) {
    const bool waiting = entry.deadline_unix_ms > now_unix_ms;
    reply.set_state(waiting ? JournalReply::STATE_IN_PROGRESS : JournalReply::STATE_UNKNOWN);
  } else if (!entry.suggested_chain_id.empty()) {
    reply.set_state(JournalReply::STATE_SUGGESTED);
  }
  return reply;
}

}  // namespace sluice::audit_writer
