#include "services/policy-engine/domain/webhook.h"

#include "services/policy-engine/limits.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr std::string_view kRecordId = "01a00000-0000-7000-8000-000000000001";

Webhook told_of(std::vector<policy::v1::ApprovalState> states) {
  Webhook webhook;
  webhook.states = std::move(states);
  return webhook;
}

policy::v1::Approval approval_in(policy::v1::ApprovalState state) {
  policy::v1::Approval approval;
  approval.set_id("apr_1");
  approval.set_tenant("default");
  approval.set_state(state);
  approval.set_tool("write_file");
  approval.set_arguments(R"({"path":"/a","password":"[redacted]"})");
  return approval;
}

ChangeRecords records() {
  audit::v1::Record record;
  record.set_event_id(std::string(kRecordId));
  return {record};
}

json::Value parsed(const std::string& body) {
  return json::parse(body).value_or(json::Value());
}

// Source: Standard Webhooks, the example of its specification and of its reference libraries.
TEST(Webhook, SignsThePublishedExample) {
  const auto key = webhook_key(Secret<std::string>("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  ASSERT_THAT(key, IsOk());
  EXPECT_EQ(
      webhook_signature(
          key.value(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1'614'265'330, R"({"test": 2432232314})"
      ),
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
  );
}

TEST(Webhook, ASecretHasAFormAndALength) {
  for (const char* secret :
       {"",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2hvcnQ=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"}) {
    EXPECT_THAT(webhook_key(Secret<std::string>(secret)), HasCode(Code::Invalid)) << secret;
  }
}

TEST(Webhook, AnEventIsTheApprovalAsTheApiShowsIt) {
  const Webhook webhook =
      told_of({policy::v1::APPROVAL_STATE_PENDING, policy::v1::APPROVAL_STATE_GRANTED});
  const auto created =
      webhook_event_of(webhook, approval_in(policy::v1::APPROVAL_STATE_PENDING), records());
  const auto granted =
      webhook_event_of(webhook, approval_in(policy::v1::APPROVAL_STATE_GRANTED), records());

  ASSERT_TRUE(created.has_value() && granted.has_value());
  EXPECT_EQ(created->id, kRecordId);
  EXPECT_EQ(created->type, "approval.created");
  const json::Value body = parsed(created->body);
  EXPECT_EQ(body.text_or("type", ""), "approval.created");
  EXPECT_EQ(body.text_or("timestamp", ""), "2026-08-14T11:19:55.136Z");
  const json::Value* const data = body.find("data");
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data->text_or("state", ""), "pending");
  EXPECT_EQ(data->find("arguments")->text_or("password", ""), "[redacted]");
  EXPECT_LT(
      data->find("sequence")->as_int(),
      parsed(granted->body).find("data")->find("sequence")->as_int()
  );
}

TEST(Webhook, WhatTheReceiverDoesNotWantIsNoEvent) {
  const Webhook webhook = told_of({policy::v1::APPROVAL_STATE_DENIED});

  EXPECT_FALSE(webhook_event_of(webhook, approval_in(policy::v1::APPROVAL_STATE_PENDING), records())
  );
  EXPECT_TRUE(webhook_event_of(webhook, approval_in(policy::v1::APPROVAL_STATE_DENIED), records()));
  EXPECT_FALSE(webhook_event_of(webhook, approval_in(policy::v1::APPROVAL_STATE_DENIED), {}));
}

TEST(Webhook, ArgumentsThatDoNotFitAreLeftOut) {
  policy::v1::Approval approval = approval_in(policy::v1::APPROVAL_STATE_PENDING);
  approval.set_arguments(R"({"a":")" + std::string(kWebhookBodyBytesMax, 'x') + R"("})");

  const auto event =
      webhook_event_of(told_of({policy::v1::APPROVAL_STATE_PENDING}), approval, records());

  ASSERT_TRUE(event.has_value());
  EXPECT_LE(event->body.size(), kWebhookBodyBytesMax);
  const json::Value body = parsed(event->body);
  EXPECT_TRUE(body.find("data")->find("arguments")->is_null());
  EXPECT_EQ(body.find("data")->find("arguments_omitted")->as_bool(), true);
}

TEST(Webhook, NamesOfEventsAreThoseOfTheStates) {
  EXPECT_EQ(event_state_named("created"), policy::v1::APPROVAL_STATE_PENDING);
  EXPECT_EQ(event_state_named("void"), policy::v1::APPROVAL_STATE_VOID);
  EXPECT_FALSE(event_state_named("pending"));
  EXPECT_FALSE(event_state_named(""));
}

TEST(Webhook, WaitsGrowUpToAnHourAndAreNeverTheSame) {
  for (const std::uint64_t random : {0ULL, 500ULL, 999ULL}) {
    EXPECT_GE(webhook_wait(1, random), kWebhookFirstWait * 3 / 4);
    EXPECT_LE(webhook_wait(1, random), kWebhookFirstWait * 5 / 4);
    EXPECT_GT(webhook_wait(3, random), webhook_wait(1, random));
    EXPECT_LE(webhook_wait(1'000'000, random), kWebhookWaitMax * 5 / 4);
  }
  EXPECT_NE(webhook_wait(5, 1), webhook_wait(5, 2));
}

}  // namespace
}  // namespace sluice::policy_engine
