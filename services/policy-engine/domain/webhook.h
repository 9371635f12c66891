// Telling a receiver of the operator's what became of approvals (policy.webhook), in the form of
// the Standard Webhooks specification 1.0.0 (standardwebhooks.com): JSON {"type", "timestamp",
// "data"}, signed with HMAC-SHA256. Pure.
#pragma once

#include "services/policy-engine/domain/approval.h"

#include "common/base/result.h"
#include "common/base/secret.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

struct Webhook {
  std::string url;
  Secret<std::string> key;  // of the HMAC, as bytes
  std::vector<policy::v1::ApprovalState> states;
  std::vector<std::string> allowed_private_networks;
};

// Null: nobody is told.
using WebhookPtr = std::shared_ptr<const Webhook>;

// The one that holds now. Single thread.
struct WebhookInForce {
  WebhookPtr webhook;
};

// Bytes of a secret "whsec_<base64>". Errors: Invalid (another form, or not 24 to 64 bytes).
[[nodiscard]] Result<Secret<std::string>> webhook_key(const Secret<std::string>& secret);

// Name of a state in events and settings: "created" for pending, else as name_of says.
[[nodiscard]] std::string_view event_name_of(policy::v1::ApprovalState state);
// Of an event's name. nullopt: no such event.
[[nodiscard]] std::optional<policy::v1::ApprovalState> event_state_named(std::string_view name);

// One change, on its way.
struct WebhookEvent {
  std::string id;  // UUID: webhook-id
  std::string approval_id;
  std::string tenant;
  std::string type;  // "approval.<name>"
  std::string body;  // at most kWebhookBodyBytesMax
  std::int64_t created_unix_ms = 0;
  int attempts = 0;  // with the one under way
};

// Of an approval that has come to another state, or is new. records: those of the change; the event
// has the id and time of the last. data.sequence grows with each event of one approval; arguments
// that do not fit are left out, and data.arguments_omitted says so. nullopt: the receiver does not
// want it.
[[nodiscard]] std::optional<WebhookEvent> webhook_event_of(
    const Webhook& webhook, const policy::v1::Approval& approval, const ChangeRecords& records
);

// Value of webhook-signature.
[[nodiscard]] std::string webhook_signature(
    const Secret<std::string>& key,
    std::string_view id,
    std::int64_t timestamp_s,
    std::string_view body
);

// From a failed attempt, the first being 1, to the next one. random: any number.
[[nodiscard]] std::chrono::milliseconds webhook_wait(int attempts, std::uint64_t random);

}  // namespace sluice::policy_engine
