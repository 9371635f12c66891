#include "common/bus/nats_access.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace sluice::bus {
namespace {

// Tests run in the repository's root.
std::string text_of(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool holds(const std::vector<std::string>& list, const std::string& subject) {
  return std::find(list.begin(), list.end(), subject) != list.end();
}

Access of(const std::string& service) {
  for (Access& access : nats_access()) {
    if (access.service == service) {
      return access;
    }
  }
  ADD_FAILURE() << service;
  return {};
}

TEST(NatsAccess, TheCommittedConfigurationIsTheGeneratedOne) {
  EXPECT_EQ(text_of("deploy/nats/nats.conf"), nats_conf()) << "run ./dev docs";
}

TEST(NatsAccess, EveryEndpointOfTheTableIsCovered) {
  const std::string table = text_of("proto/endpoints.h");
  std::size_t endpoints = 0;
  for (const char* kind :
       {"Call<", "StreamCall<", "KeyedCall<", "KeyedStream<", "Event<", "Durable<"}) {
    const std::string line = std::string("inline constexpr ") + kind;
    for (auto at = table.find(line); at != std::string::npos; at = table.find(line, at + 1)) {
      ++endpoints;
    }
  }
  const auto subjects = nats_subjects();
  const auto covered =
      std::count_if(subjects.begin(), subjects.end(), [](const std::string& subject) {
        return subject.starts_with("sluice.") && subject.find(".v1.control.") == std::string::npos;
      });

  EXPECT_EQ(static_cast<std::size_t>(covered), endpoints);
}

TEST(NatsAccess, EachServiceReadsOnlyItsOwnInboxesAndAnswersOnlyAsItself) {
  for (const Access& access : nats_access()) {
    for (const std::string& subject : access.subscribe) {
      EXPECT_TRUE(!subject.starts_with("_INBOX.") || subject == "_INBOX." + access.service + ".>");
    }
    for (const std::string& subject : access.publish) {
      EXPECT_TRUE(
          !subject.starts_with("_INBOX.") || subject == "_INBOX.*." + access.service + ".>"
      );
    }
  }
}

TEST(NatsAccess, NobodyMaySubscribeOrPublishEverything) {
  for (const Access& access : nats_access()) {
    for (const auto* list : {&access.publish, &access.subscribe}) {
      EXPECT_FALSE(holds(*list, ">"));
      EXPECT_FALSE(holds(*list, "*"));
      EXPECT_FALSE(holds(*list, "$JS.>"));
      EXPECT_FALSE(holds(*list, "_INBOX.>"));
    }
  }
}

TEST(NatsAccess, OnlyAuditWriterUsesTheStreamAndEveryServiceFeedsIt) {
  for (const Access& access : nats_access()) {
    const auto records =
        std::count_if(access.publish.begin(), access.publish.end(), [](const std::string& subject) {
          return subject.starts_with("sluice.audit.v1.record");
        });
    EXPECT_EQ(records, 1) << access.service;
    EXPECT_TRUE(holds(access.publish, "sluice.audit.v1.record." + access.service));
    EXPECT_FALSE(holds(access.subscribe, "sluice.audit.v1.record.*")) << access.service;
    const bool uses_api =
        std::any_of(access.publish.begin(), access.publish.end(), [](const std::string& subject) {
          return subject.starts_with("$JS.");
        });
    EXPECT_EQ(uses_api, access.service == "audit-writer") << access.service;
  }
}

TEST(NatsAccess, TheDangerousSubjectsHaveTheirOnePublisher) {
  EXPECT_TRUE(holds(of("mcp-connector").publish, "sluice.audit.v1.commit"));
  EXPECT_FALSE(holds(of("ingress").publish, "sluice.audit.v1.commit"));
  EXPECT_TRUE(holds(of("policy-engine").publish, "sluice.audit.v1.void_grant"));
  EXPECT_FALSE(holds(of("mcp-connector").publish, "sluice.audit.v1.void_grant"));
  EXPECT_TRUE(holds(of("ingress").publish, "sluice.connector.v1.server.*.request"));
  EXPECT_FALSE(holds(of("provider-router").publish, "sluice.connector.v1.server.*.request"));
  EXPECT_FALSE(holds(of("policy-engine").publish, "sluice.connector.v1.server.*.request"));
}

}  // namespace
}  // namespace sluice::bus
