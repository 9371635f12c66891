#include "services/provider-router/domain/error_kind.h"

#include "services/provider-router/domain/retry_after.h"

#include "common/json/parse.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

constexpr std::int64_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

Failure failure(
    int status, std::string_view body, std::vector<std::pair<std::string, std::string>> headers = {}
) {
  http::Headers all;
  for (auto& [name, value] : headers) {
    all.add(std::move(name), std::move(value));
  }
  return failure_of_answer("acme", status, all, body, kNow);
}

struct Row {
  int status;
  std::string_view body;
  ErrorKind kind;
  int client_status;
  bool retryable;
};

TEST(ErrorKind, FollowsStatusAndCode) {
  constexpr std::string_view kPlain =
      R"({"error":{"message":"m","type":"t","param":null,"code":"c"}})";
  const std::vector<Row> rows{
      {400, kPlain, ErrorKind::InvalidRequest, 400, false},
      {401, kPlain, ErrorKind::Auth, 502, false},
      {402, kPlain, ErrorKind::Billing, 502, false},
      {403, kPlain, ErrorKind::Permission, 502, false},
      {404, kPlain, ErrorKind::NotFound, 404, false},
      {408, kPlain, ErrorKind::Timeout, 504, true},
      {409, kPlain, ErrorKind::Upstream, 502, true},
      {413, kPlain, ErrorKind::InvalidRequest, 413, false},
      {422,
       R"({"detail":[{"loc":["a"],"msg":"field required"}]})",
       ErrorKind::InvalidRequest,
       422,
       false},
      {425, kPlain, ErrorKind::Upstream, 502, true},
      {429, kPlain, ErrorKind::RateLimit, 429, true},
      {429,
       R"({"error":{"message":"m","code":"insufficient_quota"}})",
       ErrorKind::Billing,
       502,
       false},
      {500, "", ErrorKind::Upstream, 502, true},
      {502, "<html>bad gateway</html>", ErrorKind::Upstream, 502, true},
      {503, kPlain, ErrorKind::Overloaded, 503, true},
      {504, kPlain, ErrorKind::Timeout, 504, true},
      {529,
       R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       ErrorKind::Overloaded,
       503,
       true},
      {400,
       R"({"error":{"message":"x","code":"context_length_exceeded"}})",
       ErrorKind::ContextLength,
       400,
       false},
      {400,
       R"({"error":{"message":"prompt is too long: 9 tokens"}})",
       ErrorKind::ContextLength,
       400,
       false},
      {400,
       R"({"error":{"message":"x","code":"tool_use_failed"}})",
       ErrorKind::ToolUseFailed,
       400,
       false},
      {400,
       R"({"error":{"message":"x","code":"content_filter"}})",
       ErrorKind::ContentFilter,
       400,
       false},
      {400, R"({"code":"c","error":"Incorrect API key provided: ab"})", ErrorKind::Auth, 502, false
      },
      {200, R"({"error":{"message":"x","code":502}})", ErrorKind::Upstream, 502, false},
      {200, R"({"error":{"message":"x","code":429}})", ErrorKind::RateLimit, 429, false},
  };
  for (const Row& row : rows) {
    const Failure found = failure(row.status, row.body);
    EXPECT_EQ(found.kind, row.kind) << row.status << " " << row.body;
    EXPECT_EQ(status_of(found), row.client_status) << row.status << " " << row.body;
    EXPECT_EQ(found.retryable, row.retryable) << row.status << " " << row.body;
  }
}

TEST(ErrorKind, NeverBlamesTheClientsKey) {
  const Failure found = failure(
      401,
      R"({"error":{"message":"Incorrect API key provided: sk-abcdef123456. Find your key","code":"invalid_api_key"}})"
  );

  const std::string body = error_body(found);

  EXPECT_EQ(body.find("sk-"), std::string::npos);
  EXPECT_EQ(body.find("invalid_api_key"), std::string::npos);
  EXPECT_NE(body.find("your key is fine"), std::string::npos);
  EXPECT_NE(found.detail.find("[hidden]"), std::string::npos);
}

TEST(ErrorKind, KeepsTheProvidersMembersForWhatTheClientCanFix) {
  const Failure found = failure(
      400,
      R"({"error":{"message":"Unsupported parameter","type":"invalid_request_error","param":"stop","code":"unsupported_parameter"}})"
  );

  EXPECT_EQ(
      error_body(found),
      R"({"error":{"message":"Unsupported parameter","type":"invalid_request_error","param":"stop","code":"unsupported_parameter"}})"
  );
}

TEST(ErrorKind, EveryKindHasNameCodeStatusAndBody) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::Upstream); ++i) {
    Failure found;
    found.kind = static_cast<ErrorKind>(i);
    found.message = "m";
    EXPECT_FALSE(name_of(found.kind).empty());
    EXPECT_FALSE(name_of(code_of(found.kind)).empty());
    EXPECT_GE(status_of(found), 400);
    EXPECT_TRUE(json::parse(error_body(found)).ok());
  }
}

TEST(ErrorKind, ObeysShouldRetry) {
  EXPECT_FALSE(failure(500, "", {{"x-should-retry", "false"}}).retryable);
  EXPECT_TRUE(failure(400, "", {{"x-should-retry", "true"}}).retryable);
}

TEST(ErrorKind, TakesTheRequestIdAndTheWait) {
  const Failure found = failure(429, "", {{"request-id", "req_1"}, {"retry-after", "20"}});

  EXPECT_EQ(found.upstream_request_id, "req_1");
  EXPECT_EQ(found.retry_after, std::chrono::seconds(20));
}

TEST(ErrorKind, ReadsStreamErrors) {
  EXPECT_EQ(
      failure_of_event("a", R"({"type":"error","error":{"type":"overloaded_error","message":"x"}})")
          .kind,
      ErrorKind::Overloaded
  );
  EXPECT_EQ(
      failure_of_event("a", R"({"error":{"message":"x","code":"tool_use_failed"}})").kind,
      ErrorKind::ToolUseFailed
  );
  EXPECT_EQ(failure_of_event("a", R"({"error":"boom"})").kind, ErrorKind::Upstream);
}

TEST(ErrorKind, ReadsFailuresOfTheConnection) {
  EXPECT_EQ(failure_of_error("a", Error(Code::Deadline, "x")).kind, ErrorKind::Timeout);
  EXPECT_FALSE(failure_of_error("a", Error(Code::Deadline, "x")).retryable);
  EXPECT_TRUE(failure_of_error("a", Error(Code::Unavailable, "x")).retryable);
  EXPECT_EQ(failure_of_error("a", Error(Code::Exhausted, "x")).kind, ErrorKind::Overloaded);
  EXPECT_FALSE(failure_of_error("a", Error(Code::Invalid, "x")).retryable);
}

TEST(ErrorKind, BoundsWhatItRepeats) {
  const Failure found =
      failure(400, R"({"error":{"message":")" + std::string(50000, 'x') + R"("}})");

  EXPECT_LT(error_body(found).size(), 2000U);
}

TEST(WithoutCredentials, HidesKeysAndAccounts) {
  EXPECT_EQ(
      without_credentials("in org-abcdefgh with sk-proj-12345678, \"gsk_0123456789\" end"),
      "in [hidden] with [hidden], \"[hidden]\" end"
  );
  EXPECT_EQ(without_credentials("sk- is short"), "sk- is short");
}

TEST(RetryAfter, ReadsAllThreeForms) {
  const auto of = [](const char* name, const char* value) {
    http::Headers headers;
    headers.add(name, value);
    return retry_after_of(headers, kNow);
  };

  EXPECT_EQ(of("retry-after-ms", "1500.2"), std::chrono::milliseconds(1501));
  EXPECT_EQ(of("Retry-After", "2"), std::chrono::seconds(2));
  EXPECT_EQ(of("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), std::chrono::seconds(30));
  EXPECT_EQ(of("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT"), std::chrono::seconds(0));
  EXPECT_EQ(of("retry-after", "soon"), std::nullopt);
  EXPECT_EQ(of("retry-after", "-1"), std::nullopt);
  EXPECT_EQ(of("retry-after", "1e999"), std::nullopt);
  EXPECT_EQ(of("x", "1"), std::nullopt);
}

}  // namespace
}  // namespace sluice::provider_router
