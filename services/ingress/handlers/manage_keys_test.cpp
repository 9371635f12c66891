#include "services/ingress/handlers/manage_keys.h"

#include "services/ingress/domain/key_form.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

class ManageKeysTest : public ::testing::Test {
 protected:
  using Method =
      Async<http::HttpResponse> (ManageKeysHandler::*)(http::HttpRequest, RequestContext);

  Result<http::HttpResponse> ask(
      Method method, const std::string& body, const std::string& credential = "sk-admin"
  ) {
    http::HttpRequest request;
    request.headers.add("authorization", "Bearer " + credential);
    request.path_parameters = {"ci"};
    request.body = body;
    return fixture.run((handler.*method)(std::move(request), RequestContext()));
  }

  IngressFixture fixture;
  ManageKeysHandler handler{{.admission = &fixture.admission, .policy = &fixture.policy}};
};

TEST_F(ManageKeysTest, AMadeKeyIsToldOnceAndNotKeptByAnybody) {
  auto* const key = fixture.policy.manage_reply.add_keys();
  key->set_id("ci");
  key->set_created_by("key:admin");
  key->set_created_unix_ms(1'700'000'000'000);
  fixture.policy.manage_reply.set_key_text("sk-sl-x");

  const auto made =
      ask(&ManageKeysHandler::create,
          R"({"id":"ci","roles":["admin"],"tools":["a-b"],"models":[],"servers":null,
          "expires_at":"2030-01-01T02:00:00+02:00"})");

  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made.value().status, 201);
  EXPECT_EQ(made.value().headers.get("cache-control"), "no-store");
  EXPECT_THAT(made.value().body, HasSubstr(R"("key":"sk-sl-x")"));
  EXPECT_THAT(made.value().body, HasSubstr(R"("created_at":"2023-11-14T22:13:20.000Z")"));
  const auto& sent = fixture.policy.managed.back().first.create_key().key();
  EXPECT_EQ(sent.id(), "ci");
  EXPECT_THAT(sent.roles(), ElementsAre("admin"));
  EXPECT_FALSE(sent.servers_restricted());
  EXPECT_TRUE(sent.tools_restricted());
  EXPECT_TRUE(sent.models_restricted());
  EXPECT_TRUE(sent.models().empty());
  EXPECT_EQ(sent.expires_unix_ms(), 1'893'456'000'000);
}

TEST_F(ManageKeysTest, OthersThanAdminsManageNothing) {
  for (const Method method :
       {&ManageKeysHandler::list,
        &ManageKeysHandler::get,
        &ManageKeysHandler::create,
        &ManageKeysHandler::update,
        &ManageKeysHandler::revoke}) {
    EXPECT_THAT(ask(method, "{}", "sk-user"), HasCode(Code::Denied));
  }
  EXPECT_TRUE(fixture.policy.managed.empty());
}

TEST_F(ManageKeysTest, ListsShowsAndRevokes) {
  auto* const key = fixture.policy.manage_reply.add_keys();
  key->set_id("ci");
  key->set_from_file(true);

  const auto listed = ask(&ManageKeysHandler::list, "");
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed.value().body, HasSubstr(R"({"keys":[{"id":"ci")"));
  EXPECT_THAT(listed.value().body, HasSubstr(R"("created_by":null)"));
  EXPECT_THAT(listed.value().body, Not(HasSubstr(R"("key":)")));
  EXPECT_THAT(ask(&ManageKeysHandler::get, ""), IsOk());
  EXPECT_THAT(ask(&ManageKeysHandler::revoke, ""), IsOk());
  EXPECT_EQ(fixture.policy.managed.back().first.revoke_key().id(), "ci");

  fixture.policy.manage_reply.mutable_keys(0)->set_id("other");
  EXPECT_THAT(ask(&ManageKeysHandler::get, ""), HasCode(Code::NotFound));
}

TEST_F(ManageKeysTest, WhatIsNoKeyIsToldWithItsMember) {
  for (const auto& [body, member] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "object"},
           {R"({"id":"other"})", "\"id\""},
           {R"({"role":"admin"})", "\"role\""},
           {R"({"revoked":false})", "\"revoked\""},
           {R"({"tools":"a"})", "\"tools\""},
           {R"({"models":[1]})", "\"models\""},
           {R"({"expires_at":"tomorrow"})", "\"expires_at\""},
           {R"({"expires_at":"2030-02-30T00:00:00Z"})", "\"expires_at\""},
           {R"({"expires_at":5})", "\"expires_at\""}
       }) {
    const auto answer = ask(&ManageKeysHandler::update, body);
    ASSERT_THAT(answer, HasCode(Code::Invalid)) << body;
    EXPECT_THAT(answer.error().message(), HasSubstr(member)) << body;
  }
}

TEST(KeyForm, TimesAreThoseOfRfc3339) {
  EXPECT_EQ(unix_ms_of("1970-01-01T00:00:01Z").value(), 1'000);
  EXPECT_EQ(unix_ms_of("1970-01-01T00:00:00.5Z").value(), 500);
  EXPECT_EQ(unix_ms_of("1970-01-01T00:00:00.12349Z").value(), 123);
  EXPECT_EQ(unix_ms_of("2000-02-29t23:59:59-00:30").value(), 951'870'599'000);
  for (const char* bad :
       {"",
        "2000-01-01",
        "2000-01-01T00:00:00",
        "2000-13-01T00:00:00Z",
        "2000-01-01T24:00:00Z",
        "2000-01-01T00:00:00+0100",
        "2000-01-01T00:00:00.Z",
        "2000-01-01 00:00:00Z",
        "20x0-01-01T00:00:00Z",
        "1969-12-31T00:00:00Z"}) {
    EXPECT_THAT(unix_ms_of(bad), HasCode(Code::Invalid)) << bad;
  }
}

}  // namespace
}  // namespace sluice::ingress
