#include "services/ingress/handlers/setup.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

class FakeSetup final : public SetupPort {
 public:
  Async<policy::v1::SetupReply> setup(policy::v1::SetupRequest request, RequestContext) override {
    asked.push_back(std::move(request));
    co_return reply;
  }

  Result<policy::v1::SetupReply> reply = policy::v1::SetupReply();
  std::vector<policy::v1::SetupRequest> asked;
};

class SetupTest : public ::testing::Test {
 protected:
  Result<http::HttpResponse> post(const std::string& authorization) {
    http::HttpRequest request;
    request.remote_address = "192.0.2.1";
    if (!authorization.empty()) {
      request.headers.add("authorization", authorization);
    }
    return fixture.run(handler(std::move(request), RequestContext()));
  }

  IngressFixture fixture;
  FakeSetup policy;
  SetupHandler handler{{.policy = &policy, .audit = &fixture.audit}};
};

TEST_F(SetupTest, ATokenBecomesAKeyThatNobodyKeeps) {
  policy.reply.value().mutable_key()->set_id("admin");
  policy.reply.value().set_key_text("sk-sl-first");

  const auto answer = post("Bearer sst-1");

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().status, 201);
  EXPECT_EQ(answer.value().headers.get("cache-control"), "no-store");
  EXPECT_THAT(answer.value().body, HasSubstr(R"("key":"sk-sl-first")"));
  ASSERT_EQ(policy.asked.size(), 1U);
  EXPECT_EQ(policy.asked[0].setup_token(), "sst-1");
  EXPECT_EQ(policy.asked[0].source_address(), "192.0.2.1");
}

TEST_F(SetupTest, WithoutATokenNobodyIsAsked) {
  EXPECT_THAT(post(""), HasCode(Code::Unauthenticated));
  EXPECT_TRUE(policy.asked.empty());
}

TEST_F(SetupTest, ARefusalIsPassedOnAndAFullOutboxStopsIt) {
  policy.reply = Error(Code::Conflict, "the setup token was used");
  EXPECT_THAT(post("Bearer sst-1"), HasCode(Code::Conflict));

  fixture.audit.set_full(true);
  EXPECT_THAT(post("Bearer sst-1"), HasCode(Code::Unavailable));
  EXPECT_EQ(policy.asked.size(), 1U);
}

}  // namespace
}  // namespace sluice::ingress
