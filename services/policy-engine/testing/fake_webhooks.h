// A receiver a test plays, and events in memory.
#pragma once

#include "services/policy-engine/limits.h"
#include "services/policy-engine/ports.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice::policy_engine {

// Those of claimed and put off are not due until a test says so.
class FakeWebhookStore final : public WebhookStore {
 public:
  Async<std::vector<WebhookEvent>> claim() override {
    std::vector<WebhookEvent> claimed;
    for (auto& [id, event] : events) {
      if (claimed.size() < kWebhooksAtOnce && !held.contains(id)) {
        ++event.attempts;
        claimed.push_back(event);
        held[id] = kWebhookClaim;
      }
    }
    co_return claimed;
  }

  Async<void> remove(std::string id) override {
    events.erase(id);
    held.erase(id);
    co_return Result<void>();
  }

  Async<void> put_off(std::string id, std::chrono::milliseconds wait) override {
    held[id] = wait;
    co_return Result<void>();
  }

  Async<std::vector<WebhookEvent>> give_up(std::int64_t created_before_unix_ms) override {
    std::vector<WebhookEvent> lost;
    for (const auto& [id, event] : events) {
      if (event.created_unix_ms < created_before_unix_ms) {
        lost.push_back(event);
      }
    }
    for (const WebhookEvent& event : lost) {
      events.erase(event.id);
    }
    co_return lost;
  }

  std::map<std::string, WebhookEvent> events;
  std::map<std::string, std::chrono::milliseconds> held;  // by id: until when they are not due
};

class ScriptedWebhookReceiver final : public WebhookReceiver {
 public:
  Async<int> post(WebhookPtr webhook, WebhookEvent event, std::int64_t, TimePoint) override {
    posted.emplace_back(webhook->url, event.id);
    co_return answer;
  }

  Result<int> answer = 204;
  std::vector<std::pair<std::string, std::string>> posted;  // URL and id
};

}  // namespace sluice::policy_engine
