#include "services/codemode-sandbox/handlers/runs.h"

#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/testing/codemode_fixture.h"
#include "services/codemode-sandbox/testing/fake_run_store.h"

#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kOwn = "key:team-a";  // the fixture's caller

class RunsHandlerTest : public ::testing::Test {
 protected:
  // A run of another instance.
  void keep(
      const std::string& run_id,
      const std::string& principal = kOwn,
      const std::string& tenant = "default",
      const std::string& more = R"(,"ended_unix_ms":1)"
  ) {
    const auto started = static_cast<std::int64_t>(store.runs.size()) + 1;
    const std::string summary = R"({"run_id":")" + run_id + R"(","state":"running","tenant":")" +
                                tenant + R"(","principal":")" + principal +
                                R"(","updated_unix_ms":)" +
                                std::to_string(fixture.clock.unix_ms()) + more + "}";
    store.runs[run_id] = {
        .run_id = run_id,
        .tenant = tenant,
        .principal = principal,
        .started_unix_ms = started,
        .summary = summary,
        .document = summary.substr(0, summary.size() - 1) + R"(,"source":"return 1"})"
    };
  }

  Result<std::string> ask(codemode::v1::RunsRequest request, RequestContext context) {
    auto reply = fixture.run_sync(runs(std::move(request), std::move(context)));
    return reply.ok() ? Result<std::string>(reply.value().runs())
                      : Result<std::string>(std::move(reply).error());
  }

  Result<std::string> list(std::uint32_t limit = 0) {
    codemode::v1::RunsRequest request;
    request.mutable_list()->set_limit(limit);
    return ask(std::move(request), fixture.context());
  }

  Result<std::string> get(const std::string& run_id) { return get(run_id, fixture.context()); }

  Result<std::string> get(const std::string& run_id, RequestContext context) {
    codemode::v1::RunsRequest request;
    request.mutable_get()->set_run_id(run_id);
    return ask(std::move(request), std::move(context));
  }

  Result<std::string> cancel(const std::string& run_id) {
    codemode::v1::RunsRequest request;
    request.mutable_cancel()->set_run_id(run_id);
    return ask(std::move(request), fixture.context());
  }

  CodemodeFixture fixture;
  FakeRunStore store;
  RecordingCanceller canceller;
  RunsHandler runs{
      {.callers = &fixture.callers,
       .list = &fixture.list,
       .store = &store,
       .canceller = &canceller,
       .audit = &fixture.audit,
       .clock = &fixture.clock}
  };
};

TEST_F(RunsHandlerTest, ListsTheCallersOwnRunsNewestFirst) {
  keep("run_1");
  keep("run_2", "key:other");
  keep("run_3");
  keep("run_4", kOwn, "other");

  const auto all = list();

  ASSERT_THAT(all, IsOk());
  EXPECT_LT(all.value().find("run_3"), all.value().find("run_1"));
  EXPECT_THAT(all.value(), AllOf(Not(HasSubstr("run_2")), Not(HasSubstr("run_4"))));
  EXPECT_THAT(all.value(), Not(HasSubstr("source")));
  EXPECT_THAT(list(1).value(), Not(HasSubstr("run_1")));
  EXPECT_THAT(list(kRunsPageMax + 1), HasCode(Code::Invalid));
}

TEST_F(RunsHandlerTest, AnAdminSeesThoseOfItsTenant) {
  keep("run_2", "key:other");
  keep("run_4", kOwn, "other");
  const auto admin = fixture.context_with_role("admin");
  codemode::v1::RunsRequest request;
  request.mutable_list();

  const auto all = ask(request, admin);

  ASSERT_THAT(all, IsOk());
  EXPECT_THAT(all.value(), AllOf(HasSubstr("run_2"), Not(HasSubstr("run_4"))));
  EXPECT_THAT(get("run_2", admin), IsOk());
  EXPECT_THAT(get("run_4", admin), HasCode(Code::NotFound));
}

TEST_F(RunsHandlerTest, ShowsTheDocumentOfAnOwnRunOnly) {
  keep("run_1");
  keep("run_2", "key:other");
  keep("run_4", kOwn, "other");

  EXPECT_EQ(get("run_1").value(), store.runs.at("run_1").document);
  EXPECT_THAT(get("run_2"), HasCode(Code::NotFound));
  EXPECT_THAT(get("run_4"), HasCode(Code::NotFound));
  EXPECT_THAT(get("run_none"), HasCode(Code::NotFound));
  EXPECT_THAT(get(""), HasCode(Code::NotFound));
  EXPECT_THAT(get(std::string(kRunIdBytesMax + 1, 'x')), HasCode(Code::NotFound));
}

TEST_F(RunsHandlerTest, WhatIsHereIsNewerThanWhatWasWritten) {
  fixture.runners.finish("17");
  const auto ran = fixture.run_script("return 17");
  ASSERT_THAT(ran, IsOk());

  const auto document = get(ran.value().run_id());

  ASSERT_THAT(document, IsOk());
  EXPECT_THAT(document.value(), AllOf(HasSubstr(R"("value":17)"), HasSubstr("return 17")));
}

TEST_F(RunsHandlerTest, ARunNobodySpeaksOfAnyMoreIsLost) {
  keep("run_1", kOwn, "default", "");
  EXPECT_THAT(get("run_1").value(), HasSubstr(R"("state":"running")"));
  fixture.clock.advance(std::chrono::milliseconds(kRunLostAfterMs + 1));

  EXPECT_THAT(get("run_1").value(), HasSubstr(R"("state":"lost")"));
  EXPECT_THAT(list().value(), HasSubstr(R"("state":"lost")"));
  EXPECT_THAT(cancel("run_1"), HasCode(Code::Conflict));
}

TEST_F(RunsHandlerTest, ACancelIsToldToAllRecordedAndWaitsForTheEnd) {
  keep("run_1", kOwn, "default", "");
  canceller.then = [this] { keep("run_1"); };

  const auto document = cancel("run_1");

  ASSERT_THAT(document, IsOk());
  EXPECT_THAT(document.value(), HasSubstr("ended_unix_ms"));
  ASSERT_EQ(canceller.events.size(), 1U);
  EXPECT_EQ(canceller.events[0].run_id(), "run_1");
  EXPECT_EQ(canceller.events[0].by(), kOwn);
  const auto records = fixture.audit.with_action("run.cancel");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].run_id(), "run_1");
  EXPECT_EQ(records[0].principal(), kOwn);
}

TEST_F(RunsHandlerTest, ACancelThatTakesLongAnswersWhatThereIs) {
  keep("run_1", kOwn, "default", "");
  std::optional<Result<codemode::v1::RunsReply>> reply;
  codemode::v1::RunsRequest request;
  request.mutable_cancel()->set_run_id("run_1");
  async::TaskGroup tasks(fixture.loop.get_executor(), nullptr);
  tasks.spawn("cancel", [](auto* handler, auto asked, auto context, auto* out) -> Async<void> {
    out->emplace(co_await (*handler)(std::move(asked), std::move(context)));
    co_return Result<void>();
  }(&runs, request, fixture.context(), &reply));
  for (auto passed = 0ms; passed < kCancelWait + kCancelLook && !reply; passed += kCancelLook) {
    fixture.loop.restart();
    fixture.loop.poll();
    fixture.clock.advance(kCancelLook);
  }
  fixture.loop.restart();
  fixture.loop.poll();

  ASSERT_TRUE(reply.has_value());
  ASSERT_THAT(*reply, IsOk());
  EXPECT_THAT(reply->value().runs(), Not(HasSubstr("ended_unix_ms")));
  EXPECT_THAT(fixture.run_sync(tasks.close()), IsOk());
}

TEST_F(RunsHandlerTest, WhatHasEndedOrIsAnothersIsNotCancelled) {
  keep("run_1");
  keep("run_2", "key:other", "default", "");

  EXPECT_THAT(cancel("run_1"), HasCode(Code::Conflict));
  EXPECT_THAT(cancel("run_2"), HasCode(Code::NotFound));
  EXPECT_THAT(cancel("run_3"), HasCode(Code::NotFound));
  EXPECT_TRUE(canceller.events.empty());
  EXPECT_TRUE(fixture.audit.with_action("run.cancel").empty());
}

TEST_F(RunsHandlerTest, WithoutRedisItSaysWhatToDo) {
  keep("run_1");
  store.down = true;

  for (const auto& reply : {list(), get("run_1"), cancel("run_1")}) {
    ASSERT_THAT(reply, HasCode(Code::Unavailable));
    EXPECT_THAT(reply.error().message(), HasSubstr("try again"));
  }
}

TEST_F(RunsHandlerTest, RefusesCallersWithoutAValidTokenAndEmptyRequests) {
  codemode::v1::RunsRequest request;
  request.mutable_list();

  EXPECT_THAT(ask(request, RequestContext{}), HasCode(Code::Unauthenticated));
  EXPECT_THAT(ask(request, fixture.stranger()), HasCode(Code::Unauthenticated));
  EXPECT_THAT(ask({}, fixture.context()), HasCode(Code::Invalid));
}

TEST(RunList, RemembersABoundedNumberWithoutAWatcher) {
  RunList list;
  RunScope scope;
  for (std::size_t i = 0; i < kRunsRemembered + 10; ++i) {
    scope.context.run = RunId("run_" + std::to_string(i));
    list.started(scope, 1);
  }

  EXPECT_EQ(list.list({}, "run_5"), "[]");
  EXPECT_THAT(list.list({}, "run_20"), HasSubstr("run_20"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
