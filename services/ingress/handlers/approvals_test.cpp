#include "services/ingress/handlers/approvals.h"

#include "services/ingress/domain/approval_form.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

class ApprovalsHandlerTest : public ::testing::Test {
 protected:
  ApprovalsHandlerTest() {
    policy::v1::Approval approval;
    approval.set_id("apr_1");
    approval.set_state(policy::v1::APPROVAL_STATE_PENDING);
    approval.set_tool("write_file");
    approval.set_arguments(R"({"password":"***","path":"/a"})");
    approval.set_required(policy::v1::VERDICT_APPROVE_TWICE);
    approval.set_created_unix_ms(1'800'000'000'123);
    auto* answer = approval.add_answers();
    answer->set_principal("key:carol");
    answer->set_approve(true);
    fixture.approvals.known.push_back(std::move(approval));
  }

  static http::HttpRequest request(std::string body = "", const std::string& id = "apr_1") {
    auto request = IngressFixture::request(std::move(body));
    request.path_parameters = {id};
    return request;
  }

  IngressFixture fixture;
};

TEST_F(ApprovalsHandlerTest, ListsWhatPolicyEngineShowsThisCaller) {
  auto asked = request();
  asked.query = "state=pending&limit=10&after=apr_0";

  const auto response = fixture.run(fixture.approvals_api.list(asked, fixture.context()));

  ASSERT_THAT(response, IsOk());
  const auto body = json::parse(response.value().body).value();
  EXPECT_EQ(body.find("more")->as_bool(), false);
  EXPECT_EQ(body.find("approvals")->as_array()->at(0).text_or("id", ""), "apr_1");
  ASSERT_EQ(fixture.approvals.lists.size(), 1U);
  EXPECT_EQ(fixture.approvals.lists[0].state(), policy::v1::APPROVAL_STATE_PENDING);
  EXPECT_EQ(fixture.approvals.lists[0].limit(), 10U);
  EXPECT_EQ(fixture.approvals.lists[0].after(), "apr_0");
  for (const char* query : {"state=open", "limit=0", "limit=201"}) {
    asked.query = query;
    EXPECT_THAT(
        fixture.run(fixture.approvals_api.list(asked, fixture.context())), HasCode(Code::Invalid)
    ) << query;
  }
}

TEST_F(ApprovalsHandlerTest, ShowsOneInFull) {
  const auto response = fixture.run(fixture.approvals_api.get(request(), fixture.context()));

  ASSERT_THAT(response, IsOk());
  const auto body = json::parse(response.value().body).value();
  EXPECT_EQ(body.text_or("state", ""), "pending");
  EXPECT_EQ(body.text_or("required", ""), "approve_twice");
  EXPECT_EQ(body.find("arguments")->text_or("path", ""), "/a");
  EXPECT_EQ(body.text_or("created_at", ""), "2027-01-15T08:00:00.123Z");
  EXPECT_EQ(body.find("answers")->as_array()->at(0).text_or("action", ""), "approve");
}

TEST_F(ApprovalsHandlerTest, AnswersByPostAndSaysWhatIsMissing) {
  const auto denied = fixture.run(fixture.approvals_api.answer(
      request(R"({"action":"deny","reason":"not today"})"), fixture.context()
  ));
  ASSERT_THAT(denied, IsOk());
  ASSERT_EQ(fixture.approvals.answers.size(), 1U);
  EXPECT_FALSE(fixture.approvals.answers[0].approve());
  EXPECT_EQ(fixture.approvals.answers[0].reason(), "not today");

  for (const char* body : {"", "{}", R"({"action":"yes"})", R"({"action":"deny","reason":1})"}) {
    EXPECT_THAT(
        fixture.run(fixture.approvals_api.answer(request(body), fixture.context())),
        HasCode(Code::Invalid)
    ) << body;
  }
  EXPECT_EQ(fixture.approvals.answers.size(), 1U);
}

TEST_F(ApprovalsHandlerTest, AnUnknownOneHasACodeOfItsOwn) {
  const auto response =
      fixture.run(fixture.approvals_api.get(request("", "apr_2"), fixture.context()));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 404);
  EXPECT_THAT(response.value().body, HasSubstr("approval_not_found"));
}

TEST_F(ApprovalsHandlerTest, TellsListenersOfTheirApprovalsUntilItStops) {
  policy::v1::ApprovalChanged own;
  own.set_id("apr_1");
  own.set_state(policy::v1::APPROVAL_STATE_APPROVED);
  own.set_tenant("default");
  own.set_principal("key:user");
  policy::v1::ApprovalChanged of_another = own;
  of_another.set_id("apr_other");
  of_another.set_principal("key:other");
  http::testing::RecordingResponseWriter writer;
  fixture.tasks.spawn(
      "events", fixture.approvals_api.events(request(), &writer, fixture.context())
  );
  const auto settle = [this] {
    fixture.loop.restart();
    while (fixture.loop.poll_one() > 0) {
    }
  };
  settle();

  fixture.feed.heard(of_another);
  fixture.feed.heard(own);
  settle();
  EXPECT_THAT(writer.body(), HasSubstr("event: approval_changed\ndata: {\"id\":\"apr_1\""));
  EXPECT_THAT(writer.body(), ::testing::Not(HasSubstr("apr_other")));
  fixture.feed.stop();
  settle();
  EXPECT_EQ(fixture.tasks.size(), 0U);
}

TEST_F(ApprovalsHandlerTest, NeedsACaller) {
  auto nobody = IngressFixture::request("", "");
  EXPECT_THAT(
      fixture.run(fixture.approvals_api.list(nobody, fixture.context())),
      HasCode(Code::Unauthenticated)
  );
}

}  // namespace
}  // namespace sluice::ingress
