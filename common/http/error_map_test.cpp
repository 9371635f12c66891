#include "common/http/error_map.h"

#include "common/async/retry.h"
#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sluice::http {
namespace {

using sluice::testing::IsOk;

const std::map<Code, int> kStatuses{
    {Code::Invalid, 400},
    {Code::Unauthenticated, 401},
    {Code::Denied, 403},
    {Code::NotFound, 404},
    {Code::Conflict, 409},
    {Code::Exhausted, 429},
    {Code::Unavailable, 503},
    {Code::Deadline, 504},
    {Code::Cancelled, 499},
    {Code::Internal, 500},
};

TEST(ErrorMap, GivesEveryCodeItsStatusAndRetryAdvice) {
  for (const Code code : kAllCodes) {
    const HttpResponse response = error_response(Error(code, "do this"), Dialect::OpenAi);
    EXPECT_EQ(response.status, kStatuses.at(code)) << name_of(code);
    EXPECT_EQ(status_of(code), kStatuses.at(code));
    EXPECT_EQ(response.headers.get("x-should-retry"), async::is_retryable(code) ? "" : "false")
        << name_of(code);
    EXPECT_FALSE(response.headers.has("retry-after"));
  }
}

TEST(ErrorMap, WritesEveryCodeInEveryDialect) {
  for (const Code code : kAllCodes) {
    const Error error = Error(code, "say \"please\"\n").with_detail("secret detail");
    const auto openai = json::parse(error_body(error, Dialect::OpenAi));
    ASSERT_THAT(openai, IsOk());
    const json::Value* body = openai.value().find("error");
    ASSERT_NE(body, nullptr);
    EXPECT_EQ(body->text_or("message", ""), "say \"please\"\n");
    EXPECT_FALSE(body->text_or("type", "").empty());
    EXPECT_FALSE(body->text_or("code", "").empty());
    ASSERT_NE(body->find("param"), nullptr);
    EXPECT_TRUE(body->find("param")->is_null());

    const auto anthropic = json::parse(error_body(error, Dialect::Anthropic));
    ASSERT_THAT(anthropic, IsOk());
    EXPECT_EQ(anthropic.value().text_or("type", ""), "error");
    EXPECT_FALSE(anthropic.value().find("error")->text_or("type", "").empty());

    const auto rpc = json::parse(error_body(error, Dialect::JsonRpc));
    ASSERT_THAT(rpc, IsOk());
    EXPECT_TRUE(rpc.value().find("error")->find("code")->as_int().has_value());
    EXPECT_TRUE(rpc.value().find("id")->is_null());

    EXPECT_EQ(error_body(error, Dialect::Plain), "say \"please\"\n\n");
    for (const Dialect dialect :
         {Dialect::OpenAi, Dialect::Anthropic, Dialect::JsonRpc, Dialect::Plain}) {
      EXPECT_EQ(error_body(error, dialect).find("secret"), std::string::npos);
    }
  }
}

TEST(ErrorMap, RoundsRetryAfterUp) {
  const Error error =
      Error(Code::Exhausted, "slow down").with_retry_after(std::chrono::milliseconds(1200));
  const HttpResponse response = error_response(error, Dialect::Anthropic);
  EXPECT_EQ(response.headers.get("retry-after"), "2");
  EXPECT_EQ(response.headers.get("retry-after-ms"), "1200");
}

TEST(ErrorMap, AnswersRefusalsOfTheHttpLayer) {
  std::set<std::string> bodies;
  for (const int status : {400, 403, 404, 405, 406, 408, 413, 414, 415, 417, 431, 501, 503, 505}) {
    const HttpResponse response =
        refusal_response(status, "why " + std::to_string(status), Dialect::OpenAi);
    EXPECT_EQ(response.status, status);
    EXPECT_THAT(json::parse(response.body), IsOk());
    bodies.insert(response.body);
  }
  EXPECT_EQ(bodies.size(), 14U);
  EXPECT_EQ(
      refusal_response(404, "x", Dialect::Plain).headers.get("content-type"),
      "text/plain; charset=utf-8"
  );
}

}  // namespace
}  // namespace sluice::http
