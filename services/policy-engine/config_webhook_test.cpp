// policy.webhook: what is taken, and that every fault is told with its place.
#include "services/policy-engine/config.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Read {
  WebhookPtr webhook;
  std::string faults;
};

Read read(const std::string& members) {
  auto document = config::Document::from_text(
      R"({"policy": {"webhook": {)" + members + "}}}", {{"HOOK_SECRET", std::string(kSecret)}}
  );
  EXPECT_THAT(document, testing::IsOk());
  config::Section policy = document.value().section("policy");
  Read read;
  read.webhook = read_webhook(policy);
  const auto finished = document.value().finish();
  read.faults = finished.ok() ? "" : finished.error().message();
  return read;
}

TEST(ConfigWebhook, TakesAUrlAndASecretAndTellsEverything) {
  const Read found = read(R"("url": "https://hooks.example/a", "secret": "env.HOOK_SECRET")");

  EXPECT_EQ(found.faults, "");
  ASSERT_NE(found.webhook, nullptr);
  EXPECT_EQ(found.webhook->url, "https://hooks.example/a");
  EXPECT_EQ(found.webhook->key.reveal().size(), 24U);
  EXPECT_EQ(found.webhook->states.size(), 6U);
}

TEST(ConfigWebhook, WithoutOneNobodyIsTold) {
  const Read found = read("");

  EXPECT_EQ(found.faults, "");
  EXPECT_EQ(found.webhook, nullptr);
}

TEST(ConfigWebhook, EveryFaultIsToldWithItsPlace) {
  const std::string faults =
      read(
          R"("url": "ftp://x", "secret": "short", "events": ["approved", "asked"],
         "allowed_private_networks": ["10.0.0.0/99"])"
      )
          .faults;

  EXPECT_THAT(faults, HasSubstr("policy.webhook.url: is no http(s) URL"));
  EXPECT_THAT(faults, HasSubstr("policy.webhook.secret: is not whsec_"));
  EXPECT_THAT(faults, HasSubstr("holds \"asked\""));
  EXPECT_THAT(faults, HasSubstr("policy.webhook.allowed_private_networks"));
  EXPECT_THAT(read(R"("url": "https://x.example")").faults, HasSubstr("policy.webhook.secret"));
  EXPECT_THAT(
      read("\"secret\": \"" + std::string(kSecret) + "\"").faults,
      HasSubstr("policy.webhook.url: is missing")
  );
}

}  // namespace
}  // namespace sluice::policy_engine
