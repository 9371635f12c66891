#include "services/mcp-connector/domain/outcome.h"

#include "services/mcp-connector/limits.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

TEST(EndedWith, ARegularResultIsDone) {
  const CallEnd end = ended_with("tools/call", {.result = R"({"content":[]})", .error = {}});

  EXPECT_EQ(end.outcome, connector::v1::OUTCOME_DONE);
  EXPECT_FALSE(end.is_error);
  EXPECT_EQ(end.answer.result, R"({"content":[]})");
  EXPECT_EQ(end.error_code, "");
}

TEST(EndedWith, AToolErrorIsDoneAndMarked) {
  const CallEnd end =
      ended_with("tools/call", {.result = R"({"content":[],"isError":true})", .error = {}});

  EXPECT_EQ(end.outcome, connector::v1::OUTCOME_DONE);
  EXPECT_TRUE(end.is_error);
}

TEST(EndedWith, WhatIsNoToolCannotSayIsError) {
  EXPECT_FALSE(ended_with("resources/read", {.result = R"({"isError":true})", .error = {}}).is_error
  );
}

TEST(EndedWith, AJsonRpcErrorIsDoneBecauseTheServerAnswered) {
  const CallEnd end =
      ended_with("tools/call", {.result = {}, .error = R"({"code":-32602,"message":"no"})"});

  EXPECT_EQ(end.outcome, connector::v1::OUTCOME_DONE);
  EXPECT_EQ(end.error_code, "json_rpc_error");
  EXPECT_EQ(end.answer.error, R"({"code":-32602,"message":"no"})");
}

TEST(EndedWith, AResultOverTheLimitIsReplacedByAnError) {
  const CallEnd end = ended_with(
      "tools/call", {.result = '"' + std::string(kResultBytesMax, 'x') + '"', .error = {}}
  );

  EXPECT_EQ(end.outcome, connector::v1::OUTCOME_DONE);
  EXPECT_TRUE(end.answer.result.empty());
  EXPECT_NE(end.answer.error.find("exceeds the limit"), std::string::npos);
}

TEST(WithoutAnswer, SentOrNotDecidesBetweenFailedAndUnknown) {
  const Error why(Code::Deadline, "too slow");

  EXPECT_EQ(not_sent(why).outcome, connector::v1::OUTCOME_FAILED);
  EXPECT_EQ(no_answer(why).outcome, connector::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(no_answer(why).error_code, "Deadline");
  EXPECT_EQ(no_answer(why).rpc_code, 1504);
}

TEST(CutShort, IsUnknownAndHasItsError) {
  const auto end = cut_short({.code = -32021, .message = "no", .data = {}}, "why");
  EXPECT_EQ(end.outcome, connector::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(end.answer.error, R"({"code":-32021,"message":"no"})");
  EXPECT_EQ(end.error_code, "json_rpc_error");
  EXPECT_EQ(end.detail, "why");
}

TEST(NeedsDurableIntent, OnlyACertainReadDoesNot) {
  EXPECT_FALSE(needs_durable_intent(policy::v1::EFFECT_CLASS_READ));
  EXPECT_TRUE(needs_durable_intent(policy::v1::EFFECT_CLASS_WRITE));
  EXPECT_TRUE(needs_durable_intent(policy::v1::EFFECT_CLASS_DELETE));
  EXPECT_TRUE(needs_durable_intent(policy::v1::EFFECT_CLASS_UNSPECIFIED));
  EXPECT_EQ(name_of(policy::v1::EFFECT_CLASS_UNSPECIFIED), "write");
}

}  // namespace
}  // namespace sluice::mcp_connector
