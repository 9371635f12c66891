#include "services/policy-engine/domain/webhook.h"

#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/hmac.h"
#include "common/crypto/random.h"
#include "common/grant/approval_form.h"
#include "common/grant/policy_names.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sluice::policy_engine {
namespace {

using policy::v1::ApprovalState;

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::string_view kCreated = "created";

constexpr std::array<ApprovalState, 6> kStates{
    policy::v1::APPROVAL_STATE_PENDING,
    policy::v1::APPROVAL_STATE_APPROVED,
    policy::v1::APPROVAL_STATE_DENIED,
    policy::v1::APPROVAL_STATE_EXPIRED,
    policy::v1::APPROVAL_STATE_GRANTED,
    policy::v1::APPROVAL_STATE_VOID
};

// States come in this order only, each at most once.
int sequence_of(ApprovalState state) {
  constexpr int kAnswered = 2;
  constexpr int kUsed = 3;
  constexpr int kOver = 4;
  switch (state) {
    case policy::v1::APPROVAL_STATE_APPROVED:
    case policy::v1::APPROVAL_STATE_DENIED:
      return kAnswered;
    case policy::v1::APPROVAL_STATE_GRANTED:
      return kUsed;
    case policy::v1::APPROVAL_STATE_EXPIRED:
    case policy::v1::APPROVAL_STATE_VOID:
      return kOver;
    default:
      return 1;
  }
}

std::string body_of(std::string_view type, std::int64_t unix_ms, json::Value data) {
  return json::write(json::object({
      {"type", type},
      {"timestamp", grant::rfc3339_of(unix_ms)},
      {"data", std::move(data)},
  }));
}

}  // namespace

Result<Secret<std::string>> webhook_key(const Secret<std::string>& secret) {
  const std::string_view text = secret.reveal();
  if (text.starts_with(kSecretPrefix)) {
    auto bytes = from_base64(text.substr(kSecretPrefix.size()));
    if (bytes.ok() && bytes.value().size() >= kWebhookKeyBytesMin &&
        bytes.value().size() <= kWebhookKeyBytesMax) {
      return Secret<std::string>(std::move(bytes).value());
    }
  }
  return Error(
      Code::Invalid, "is not whsec_ and 24 to 64 bytes in base64; make one: openssl rand -base64 32"
  );
}

std::string_view event_name_of(ApprovalState state) {
  return state == policy::v1::APPROVAL_STATE_PENDING ? kCreated : name_of(state);
}

std::optional<ApprovalState> event_state_named(std::string_view name) {
  const auto* const found = std::find_if(kStates.begin(), kStates.end(), [name](auto state) {
    return event_name_of(state) == name;
  });
  return found == kStates.end() ? std::nullopt : std::optional(*found);
}

std::optional<WebhookEvent> webhook_event_of(
    const Webhook& webhook, const policy::v1::Approval& approval, const ChangeRecords& records
) {
  const auto& states = webhook.states;
  if (records.empty() ||
      std::find(states.begin(), states.end(), approval.state()) == states.end()) {
    return std::nullopt;
  }
  WebhookEvent event;
  event.id = records.back().event_id();
  event.approval_id = approval.id();
  event.tenant = approval.tenant();
  event.type = "approval." + std::string(event_name_of(approval.state()));
  event.created_unix_ms = crypto::uuid_v7_unix_ms(event.id);
  json::Value data = grant::approval_form(approval);
  data.as_object()->set("sequence", sequence_of(approval.state()));
  event.body = body_of(event.type, event.created_unix_ms, data);
  if (event.body.size() > kWebhookBodyBytesMax) {
    data.as_object()->set("arguments", json::Value());
    data.as_object()->set("arguments_omitted", true);
    event.body = body_of(event.type, event.created_unix_ms, std::move(data));
  }
  return event;
}

std::string webhook_signature(
    const Secret<std::string>& key,
    std::string_view id,
    std::int64_t timestamp_s,
    std::string_view body
) {
  std::string content(id);
  content.append(".").append(std::to_string(timestamp_s)).append(".").append(body);
  return "v1," + to_base64(crypto::hmac_sha256(key, content));
}

std::chrono::milliseconds webhook_wait(int attempts, std::uint64_t random) {
  constexpr int kDoublingsMax = 20;
  constexpr std::uint64_t kParts = 1'000;
  constexpr double kShareMin = 0.75;
  constexpr double kJitter = 0.5;
  const int doublings = std::clamp(attempts - 1, 0, kDoublingsMax);
  const double whole = std::min(
      static_cast<double>(kWebhookFirstWait.count()) * std::ldexp(1.0, doublings),
      static_cast<double>(kWebhookWaitMax.count())
  );
  const double share =
      kShareMin + kJitter * static_cast<double>(random % kParts) / static_cast<double>(kParts);
  return std::chrono::milliseconds(static_cast<std::int64_t>(whole * share));
}

}  // namespace sluice::policy_engine
