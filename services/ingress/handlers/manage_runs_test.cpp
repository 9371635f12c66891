#include "services/ingress/handlers/manage_runs.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

class FakeRuns final : public ScriptRuns {
 public:
  Async<codemode::v1::RunsReply> ask(codemode::v1::RunsRequest request, RequestContext context)
      override {
    asked.emplace_back(std::move(request), std::move(context));
    if (error) {
      co_return *error;
    }
    codemode::v1::RunsReply made;
    made.set_runs(reply);
    co_return made;
  }

  std::vector<std::pair<codemode::v1::RunsRequest, RequestContext>> asked;
  std::string reply;
  std::optional<Error> error;
};

class ManageRunsHandlerTest : public ::testing::Test {
 protected:
  using Method =
      Async<http::HttpResponse> (ManageRunsHandler::*)(http::HttpRequest, RequestContext);

  Result<http::HttpResponse> send(
      Method method, const std::string& body = "", const std::string& query = ""
  ) {
    http::HttpRequest request = IngressFixture::request(body);
    request.path_parameters = {"run_1"};
    request.query = query;
    return fixture.run((handler.*method)(std::move(request), fixture.context()));
  }

  IngressFixture fixture;
  FakeRuns runs;
  ManageRunsHandler handler{{.admission = &fixture.admission, .runs = &runs}};
};

TEST_F(ManageRunsHandlerTest, ListsRunsAsTheCaller) {
  runs.reply = R"([{"run_id":"run_1"}])";

  const auto response = send(&ManageRunsHandler::list, "", "limit=7");

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 200);
  EXPECT_EQ(response.value().body, R"({"runs":[{"run_id":"run_1"}]})");
  EXPECT_EQ(runs.asked.back().first.list().limit(), 7U);
  EXPECT_FALSE(runs.asked.back().second.caller_token.empty());
}

TEST_F(ManageRunsHandlerTest, RefusesLimitsOutOfBounds) {
  for (const char* query : {"limit=0", "limit=201", "limit=x"}) {
    EXPECT_THAT(send(&ManageRunsHandler::list, "", query), HasCode(Code::Invalid)) << query;
  }
  EXPECT_TRUE(runs.asked.empty());
  ASSERT_THAT(send(&ManageRunsHandler::list), IsOk());
  EXPECT_EQ(runs.asked.back().first.list().limit(), kRunsPageDefault);
}

TEST_F(ManageRunsHandlerTest, ShowsADocumentAsItIs) {
  runs.reply = R"({"run_id":"run_1","source":"return 1"})";

  const auto response = send(&ManageRunsHandler::get);

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().body, runs.reply);
  EXPECT_EQ(runs.asked.back().first.get().run_id(), "run_1");
}

TEST_F(ManageRunsHandlerTest, SaysWhetherACancelledRunHasEnded) {
  runs.reply = R"({"run_id":"run_1","state":"cancelled","ended_unix_ms":5})";
  EXPECT_EQ(send(&ManageRunsHandler::cancel).value().status, 200);
  EXPECT_EQ(runs.asked.back().first.cancel().run_id(), "run_1");
  runs.reply = R"({"run_id":"run_1","state":"running"})";

  EXPECT_EQ(send(&ManageRunsHandler::cancel, "{}").value().status, 202);
  EXPECT_THAT(send(&ManageRunsHandler::cancel, R"({"why":1})"), HasCode(Code::Invalid));
}

TEST_F(ManageRunsHandlerTest, UnknownRunsAndEndedOnesHaveCodesOfTheirOwn) {
  runs.error = Error(Code::NotFound, "no");
  for (const Method method : {&ManageRunsHandler::get, &ManageRunsHandler::cancel}) {
    const auto response = send(method);
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response.value().status, 404);
    EXPECT_THAT(response.value().body, HasSubstr("run_not_found"));
  }
  runs.error = Error(Code::Conflict, "the run has ended already, with the outcome ok");

  const auto response = send(&ManageRunsHandler::cancel);

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 409);
  EXPECT_THAT(response.value().body, HasSubstr("with the outcome ok"));
}

TEST_F(ManageRunsHandlerTest, PassesOtherErrorsOn) {
  runs.error = Error(Code::Unavailable, "runs are kept in Redis, which does not answer");

  for (const Method method :
       {&ManageRunsHandler::list, &ManageRunsHandler::get, &ManageRunsHandler::cancel}) {
    EXPECT_THAT(send(method), HasCode(Code::Unavailable));
  }
}

TEST_F(ManageRunsHandlerTest, RefusesStrangers) {
  http::HttpRequest request = IngressFixture::request("", "sk-nobody");
  request.path_parameters = {"run_1"};

  for (const Method method :
       {&ManageRunsHandler::list, &ManageRunsHandler::get, &ManageRunsHandler::cancel}) {
    EXPECT_THAT(
        fixture.run((handler.*method)(request, fixture.context())), HasCode(Code::Unauthenticated)
    );
  }
  EXPECT_TRUE(runs.asked.empty());
}

}  // namespace
}  // namespace sluice::ingress
