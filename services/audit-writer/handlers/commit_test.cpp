#include "services/audit-writer/handlers/commit.h"

#include "services/audit-writer/limits.h"
#include "services/audit-writer/testing/builders.h"
#include "services/audit-writer/testing/fake_audit_store.h"
#include "services/audit-writer/testing/loop_fixture.h"

#include "common/testing/fault_plan.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

using Reply = std::shared_ptr<std::optional<Result<audit::v1::CommitReply>>>;

struct CommitFixture {
  explicit CommitFixture(testing::FaultPlan* faults = nullptr) : store(faults) {
    world.tasks.spawn("commit", handler.run());
    world.settle();
  }

  Reply commit(const audit::v1::Record& record, const std::string& grant_id) {
    audit::v1::CommitRequest request;
    request.set_record(record.SerializeAsString());
    request.set_grant_id(grant_id);
    RequestContext context;
    context.deadline = world.clock.now() + std::chrono::seconds(1);
    return world.start(handler(std::move(request), std::move(context)));
  }

  FakeAuditStore store;
  LoopFixture world;
  CommitHandler handler{{&store, &world.clock, &world.log, world.metrics.get()}};
  LoopFixture::Stop stop{&world};
};

audit::v1::CommitReply value_of(const Reply& reply) {
  EXPECT_TRUE(reply->has_value());
  EXPECT_THAT(**reply, IsOk());
  return reply->has_value() && (*reply)->ok() ? (*reply)->value() : audit::v1::CommitReply();
}

TEST(CommitHandler, CommitsAnIntentWithItsGrant) {
  CommitFixture fixture;
  const auto intent = test_record("tool.intent");

  const auto reply = fixture.commit(intent, "grant-1");

  EXPECT_TRUE(value_of(reply).committed());
  EXPECT_EQ(fixture.store.grants.at("grant-1"), intent.event_id());
  EXPECT_TRUE(fixture.store.records.contains(intent.event_id()));
}

TEST(CommitHandler, ARepeatOfTheSameBytesIsCommitted) {
  CommitFixture fixture;
  const auto intent = test_record("tool.intent");

  const auto first = fixture.commit(intent, "grant-1");
  const auto second = fixture.commit(intent, "grant-1");

  EXPECT_TRUE(value_of(first).committed());
  EXPECT_TRUE(value_of(second).committed());
  EXPECT_EQ(fixture.store.records.size(), 1U);
}

TEST(CommitHandler, AnotherIntentForAUsedGrantLearnsWhoUsedIt) {
  CommitFixture fixture;
  const auto first = test_record("tool.intent", 1);
  const auto second = test_record("tool.intent", 2);

  value_of(fixture.commit(first, "grant-1"));
  const auto reply = value_of(fixture.commit(second, "grant-1"));

  EXPECT_FALSE(reply.committed());
  EXPECT_EQ(reply.used_by_event_id(), first.event_id());
  EXPECT_FALSE(fixture.store.records.contains(second.event_id()));
}

TEST(CommitHandler, AVoidGrantIsRefusedWithoutAUser) {
  CommitFixture fixture;
  fixture.store.grants["grant-1"] = "";

  const auto reply = value_of(fixture.commit(test_record("tool.intent"), "grant-1"));

  EXPECT_FALSE(reply.committed());
  EXPECT_EQ(reply.used_by_event_id(), "");
}

TEST(CommitHandler, TheSameEventIdWithOtherBytesIsAConflict) {
  CommitFixture fixture;
  auto intent = test_record("tool.intent");
  value_of(fixture.commit(intent, "grant-1"));
  intent.set_tool("another");

  const auto reply = fixture.commit(intent, "grant-1");

  EXPECT_THAT(reply->value(), HasCode(Code::Conflict));
}

TEST(CommitHandler, RefusesWhatIsNoIntent) {
  CommitFixture fixture;
  audit::v1::Record nameless = test_record("tool.intent");
  nameless.set_event_id("x");

  EXPECT_THAT(fixture.commit(test_record("chat.request"), "g")->value(), HasCode(Code::Invalid));
  EXPECT_THAT(fixture.commit(nameless, "g")->value(), HasCode(Code::Invalid));
  EXPECT_THAT(
      fixture.commit(test_record("tool.intent"), std::string(65, 'g'))->value(),
      HasCode(Code::Invalid)
  );
  EXPECT_TRUE(fixture.store.commit_batches.empty());
}

TEST(CommitHandler, ThoseWhoWaitTogetherShareOneTransaction) {
  FakeAuditStore store;
  LoopFixture world;
  CommitHandler handler({&store, &world.clock, &world.log, world.metrics.get()});
  const LoopFixture::Stop stop(&world);
  std::vector<Reply> replies;
  for (std::uint64_t i = 0; i < kCommitBatchMax + 6; ++i) {
    audit::v1::CommitRequest request;
    request.set_record(test_record("tool.intent", i + 1).SerializeAsString());
    request.set_grant_id("grant-" + std::to_string(i));
    RequestContext context;
    context.deadline = world.clock.now() + std::chrono::seconds(1);
    replies.push_back(world.start(handler(std::move(request), std::move(context))));
  }

  world.tasks.spawn("commit", handler.run());
  world.settle();

  EXPECT_EQ(store.commit_batches, (std::vector<std::size_t>{kCommitBatchMax, 6}));
  for (const Reply& reply : replies) {
    EXPECT_TRUE(value_of(reply).committed());
  }
}

TEST(CommitHandler, AnExpiredIntentIsNotCommitted) {
  FakeAuditStore store;
  LoopFixture world;
  CommitHandler handler({&store, &world.clock, &world.log, world.metrics.get()});
  const LoopFixture::Stop stop(&world);
  audit::v1::CommitRequest request;
  request.set_record(test_record("tool.intent").SerializeAsString());
  request.set_grant_id("grant-1");
  RequestContext context;
  context.deadline = world.clock.now() + std::chrono::milliseconds(10);
  const auto reply = world.start(handler(std::move(request), std::move(context)));
  world.pass(std::chrono::milliseconds(50));

  world.tasks.spawn("commit", handler.run());
  world.settle();

  EXPECT_THAT(reply->value(), HasCode(Code::Deadline));
  EXPECT_TRUE(store.grants.empty());
}

TEST(CommitHandler, OneThatTheDatabaseRefusesDoesNotTakeTheOthersWithIt) {
  FakeAuditStore store;
  store.fail_next(1, Code::Conflict);
  LoopFixture world;
  CommitHandler handler({&store, &world.clock, &world.log, world.metrics.get()});
  const LoopFixture::Stop stop(&world);
  std::vector<Reply> replies;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    audit::v1::CommitRequest request;
    request.set_record(test_record("tool.intent", i).SerializeAsString());
    request.set_grant_id("grant-" + std::to_string(i));
    RequestContext context;
    context.deadline = world.clock.now() + std::chrono::seconds(1);
    replies.push_back(world.start(handler(std::move(request), std::move(context))));
  }

  world.tasks.spawn("commit", handler.run());
  world.settle();

  EXPECT_EQ(store.commit_batches, (std::vector<std::size_t>{3, 1, 1, 1}));
  for (const Reply& reply : replies) {
    EXPECT_TRUE(value_of(reply).committed());
  }
}

TEST(CommitHandler, RefusesMoreThanMayWait) {
  FakeAuditStore store;
  LoopFixture world;
  CommitHandler handler({&store, &world.clock, &world.log, world.metrics.get()});
  const LoopFixture::Stop stop(&world);
  audit::v1::CommitRequest request;
  request.set_record(test_record("tool.intent").SerializeAsString());
  RequestContext context;
  context.deadline = world.clock.now() + std::chrono::seconds(1);
  std::vector<Reply> waiting;
  for (std::size_t i = 0; i < kCommitsWaitingMax; ++i) {
    waiting.push_back(world.start(handler(request, context)));
  }
  world.settle();

  const auto reply = world.start(handler(request, context));

  EXPECT_THAT(reply->value(), HasCode(Code::Exhausted));
  world.tasks.spawn("commit", handler.run());
  world.settle();
}

TEST(CommitHandler, ReportsEveryFailureOfTheDatabase) {
  const int faults = sluice::testing::for_each_fault([](sluice::testing::FaultPlan& plan) {
    CommitFixture fixture(&plan);

    const auto reply = fixture.commit(test_record("tool.intent"), "grant-1");

    ASSERT_TRUE(reply->has_value());
    if (plan.fired()) {
      EXPECT_THAT(reply->value(), HasCode(Code::Unavailable));
      EXPECT_TRUE(fixture.store.grants.empty());
    } else {
      EXPECT_THAT(reply->value(), IsOk());
    }
  });

  EXPECT_EQ(faults, 1);
}

}  // namespace
}  // namespace sluice::audit_writer
