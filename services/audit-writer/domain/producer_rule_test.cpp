#include "services/audit-writer/domain/producer_rule.h"

#include "services/audit-writer/testing/builders.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

Result<void> checked(const char* action, const char* producer, const char* sender) {
  audit::v1::Record record = test_record(action);
  record.set_producer(producer);
  return check_producer(record, sender);
}

TEST(ProducerRule, ARecordComesFromWhomItNames) {
  EXPECT_THAT(checked("chat.request", "ingress", "ingress"), IsOk());
  EXPECT_THAT(checked("chat.request", "ingress", "provider-router"), HasCode(Code::Denied));
  EXPECT_THAT(checked("tool.outcome", "mcp-connector", "ingress"), HasCode(Code::Denied));
  EXPECT_THAT(checked("chat.request", "", ""), IsOk()) << "refused for lacking a producer";
  EXPECT_THAT(checked("chat.request", "ingress", ""), HasCode(Code::Denied));
}

TEST(ProducerRule, EffectsDecisionsAndAnswersHaveOneSource) {
  for (const char* action : {"tool.intent", "tool.outcome", "tool.input", "server.added"}) {
    EXPECT_THAT(checked(action, "mcp-connector", "mcp-connector"), IsOk()) << action;
    EXPECT_THAT(checked(action, "ingress", "ingress"), HasCode(Code::Denied)) << action;
  }
  for (const char* action :
       {"policy.decision", "approval.answered", "key.created", "pin.approved"}) {
    EXPECT_THAT(checked(action, "policy-engine", "policy-engine"), IsOk()) << action;
    EXPECT_THAT(checked(action, "mcp-connector", "mcp-connector"), HasCode(Code::Denied)) << action;
  }
  EXPECT_THAT(checked("run.finished", "codemode-sandbox", "codemode-sandbox"), IsOk());
  EXPECT_THAT(checked("run.finished", "ingress", "ingress"), HasCode(Code::Denied));
}

TEST(ProducerRule, WhatOnlyBeginsAlikeIsFree) {
  EXPECT_THAT(checked("tool.execute", "ingress", "ingress"), IsOk());
  EXPECT_THAT(checked("tool.refused", "codemode-sandbox", "codemode-sandbox"), IsOk());
  EXPECT_THAT(checked("tool.intents", "ingress", "ingress"), IsOk());
}

}  // namespace
}  // namespace sluice::audit_writer
