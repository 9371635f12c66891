#include "services/policy-engine/handlers/webhook_delivery.h"

#include "services/policy-engine/testing/fake_webhooks.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::IsOk;

WebhookPtr webhook_at(const std::string& url) {
  Webhook webhook;
  webhook.url = url;
  return std::make_shared<const Webhook>(std::move(webhook));
}

class WebhookDeliveryTest : public ::testing::Test {
 protected:
  void add(const std::string& id) {
    WebhookEvent event;
    event.id = id;
    event.approval_id = "apr_1";
    event.type = "approval.created";
    event.created_unix_ms = fixture.clock.unix_ms();
    store.events[id] = event;
  }

  Result<void> deliver() { return fixture.run(delivery.deliver()); }

  PolicyFixture fixture;
  WebhookInForce told{webhook_at("https://a.example")};
  FakeWebhookStore store;
  ScriptedWebhookReceiver receiver;
  WebhookDelivery delivery{
      {&told,
       &fixture.settings_file,
       &store,
       &receiver,
       &fixture.audit,
       &fixture.clock,
       &fixture.log,
       fixture.metrics.get()}
  };
};

TEST_F(WebhookDeliveryTest, WhatIsTakenIsRemoved) {
  for (int i = 0; i < 20; ++i) {
    add(std::to_string(i));
  }

  ASSERT_THAT(deliver(), IsOk());

  EXPECT_EQ(receiver.posted.size(), 20U);
  EXPECT_TRUE(store.events.empty());
}

TEST_F(WebhookDeliveryTest, WhatIsNotTakenIsTriedAgainWithGrowingWaits) {
  add("1");
  std::chrono::milliseconds last{0};
  for (const Result<int>& answer :
       {Result<int>(500), Result<int>(302), Result<int>(Error(Code::Unavailable, "down"))}) {
    receiver.answer = answer;
    ASSERT_THAT(deliver(), IsOk());
    ASSERT_TRUE(store.held.contains("1"));
    EXPECT_GT(store.held["1"], last);
    last = store.held["1"];
    store.held.clear();
  }

  receiver.answer = 200;
  ASSERT_THAT(deliver(), IsOk());
  EXPECT_TRUE(store.events.empty());
  EXPECT_EQ(receiver.posted.size(), 4U);
  EXPECT_EQ(receiver.posted.front(), receiver.posted.back());
}

TEST_F(WebhookDeliveryTest, GoneEndsTheEventWithARecord) {
  add("1");
  receiver.answer = 410;

  ASSERT_THAT(deliver(), IsOk());

  EXPECT_TRUE(store.events.empty());
  const auto records = fixture.audit.with_action("webhook.given_up");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].approval_id(), "apr_1");
}

TEST_F(WebhookDeliveryTest, WhatNobodyTakesInADayIsGivenUpWithARecord) {
  add("1");
  ASSERT_THAT(fixture.run(delivery.sweep()), IsOk());
  EXPECT_EQ(store.events.size(), 1U);

  fixture.clock.advance(std::chrono::milliseconds(kWebhookEventAgeMaxMs + 1));
  add("2");
  ASSERT_THAT(fixture.run(delivery.sweep()), IsOk());

  EXPECT_TRUE(store.events.contains("2"));
  EXPECT_EQ(store.events.size(), 1U);
  EXPECT_EQ(fixture.audit.with_action("webhook.given_up").size(), 1U);
}

TEST_F(WebhookDeliveryTest, TheSettingsFileSaysWhereToAsItChanges) {
  add("1");
  fixture.settings_file.write(
      {.policy = {}, .warnings = {}, .webhook = webhook_at("https://b.example")}
  );
  ASSERT_THAT(fixture.run(delivery.look()), IsOk());
  ASSERT_THAT(deliver(), IsOk());
  ASSERT_EQ(receiver.posted.size(), 1U);
  EXPECT_EQ(receiver.posted[0].first, "https://b.example");

  fixture.settings_file.spoil(Error(Code::Invalid, "a fault"));
  ASSERT_THAT(fixture.run(delivery.look()), IsOk());
  ASSERT_NE(told.webhook, nullptr);
  EXPECT_EQ(told.webhook->url, "https://b.example");

  fixture.settings_file.write({.policy = {}, .warnings = {}, .webhook = nullptr});
  ASSERT_THAT(fixture.run(delivery.look()), IsOk());
  add("2");
  ASSERT_THAT(deliver(), IsOk());
  EXPECT_EQ(receiver.posted.size(), 1U) << "nobody is told now";
  EXPECT_EQ(store.events.size(), 1U);
}

}  // namespace
}  // namespace sluice::policy_engine
