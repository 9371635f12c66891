// policy.webhook: who is told what became of approvals.
#include "services/policy-engine/config.h"
#include "services/policy-engine/limits.h"

#include "common/http/address_guard.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

void read_events(config::Section& section, Webhook* webhook) {
  const auto names = section.list(
      "events",
      {.fallback =
           std::vector<std::string>{"created", "approved", "denied", "expired", "granted", "void"},
       .description = "What is told of an approval: created, approved, denied, expired, granted, "
                      "void."}
  );
  for (const std::string& name : names) {
    const auto state = event_state_named(name);
    if (!state) {
      section.fault(
          "events",
          "holds \"" + name +
              "\", which nothing is told of; give some of created, approved, denied, expired, "
              "granted and void"
      );
    } else if (std::find(webhook->states.begin(), webhook->states.end(), *state) ==
               webhook->states.end()) {
      webhook->states.push_back(*state);
    }
  }
  if (names.empty()) {
    section.fault("events", "is empty, so nothing is told; name one, or leave it out");
  }
}

void read_networks(config::Section& section, Webhook* webhook) {
  webhook->allowed_private_networks = section.list(
      "allowed_private_networks",
      {.fallback = std::vector<std::string>(),
       .description = "Networks beside the public Internet where the receiver may be, such as "
                      "10.0.0.0/8; http:// needs one too."}
  );
  const auto guard = http::AddressGuard::make(webhook->allowed_private_networks, "");
  if (!guard.ok()) {
    section.fault("allowed_private_networks", guard.error().message());
  }
  if (webhook->url.starts_with("http://") && webhook->allowed_private_networks.empty()) {
    section.warn(
        "allowed_private_networks",
        "is empty, so nothing is posted to a http:// URL; use https://, or give the network of the "
        "receiver, such as \"127.0.0.0/8\""
    );
  }
}

}  // namespace

WebhookPtr read_webhook(config::Section& policy) {
  config::Section section = policy.child("webhook");
  Webhook webhook;
  webhook.url = section.text(
      "url",
      {.fallback = "",
       .choices = {},
       .description = "Where changes of approvals are posted to; empty: nowhere."}
  );
  const Secret<std::string> secret = section.secret(
      "secret",
      {.fallback = "",
       .choices = {},
       .description = "Signs what is posted: whsec_ and 24 to 64 random bytes in base64."}
  );
  read_events(section, &webhook);
  read_networks(section, &webhook);
  if (webhook.url.empty()) {
    if (!secret.empty()) {
      section.fault("url", "is missing; give the receiver's URL, or take the secret out");
    }
    return nullptr;
  }
  if (!is_url(webhook.url)) {
    section.fault("url", "is no http(s) URL; give one such as https://hooks.example/approvals");
  }
  auto key = webhook_key(secret);
  if (key.ok()) {
    webhook.key = std::move(key).value();
  } else {
    section.fault("secret", key.error().message());
  }
  return std::make_shared<const Webhook>(std::move(webhook));
}

}  // namespace sluice::policy_engine
