#include "services/policy-engine/domain/catalog_cache.h"

#include "services/policy-engine/testing/fakes.h"

#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <optional>

namespace sluice::policy_engine {
namespace {

using testing::HasCode;
using testing::IsOk;

// Answers when a test says so.
class HeldToolServers final : public ToolServers {
 public:
  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override {
    ++asked;
    if (!open) {
      SLUICE_CO_CHECK_OK(co_await gate.wait());
    }
    co_return co_await answers.catalog(std::move(request), std::move(context));
  }

  // Lets the fetch that waits, and all later ones, go on.
  void let_through(Result<void> result) {
    open = true;
    gate.set(std::move(result));
  }

  FakeToolServers answers;
  async::OneShot<void> gate;
  bool open = false;
  int asked = 0;
};

class CatalogCacheTest : public ::testing::Test {
 protected:
  CatalogCacheTest() { servers.answers.put("files", "read_file"); }

  ~CatalogCacheTest() override {
    static_cast<void>(testing::run_sync(loop, tasks.cancel_and_close()));
  }

  void start_get(std::optional<Result<CatalogCache::Snapshot>>* out) {
    RequestContext context;
    context.deadline = clock.now() + std::chrono::milliseconds(250);
    tasks.spawn("get", keep(&cache, context, out));
    poll();
  }

  void poll() {
    loop.restart();
    loop.poll();
  }

  static Async<void> keep(
      CatalogCache* cache,
      RequestContext context,
      std::optional<Result<CatalogCache::Snapshot>>* out
  ) {
    out->emplace(co_await cache->get(std::move(context)));
    co_return Result<void>();
  }

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  HeldToolServers servers;
  async::TaskGroup tasks{loop.get_executor(), nullptr};
  int changes = 0;
  PolicyState policy;
  FakePolicyStore stored;
  FakePinStore pins{&stored};
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  PinBook book{{&pins, &policy, &clock, &log, metrics.get()}};
  CatalogCache cache{
      {.servers = &servers,
       .clock = &clock,
       .tasks = &tasks,
       .log = &log,
       .pins = &book,
       .read_added = {},
       .on_change = [this](const Catalog&) { ++changes; }}
  };
};

TEST_F(CatalogCacheTest, ManyWaitForOneFetch) {
  std::optional<Result<CatalogCache::Snapshot>> one;
  std::optional<Result<CatalogCache::Snapshot>> two;
  start_get(&one);
  start_get(&two);
  EXPECT_FALSE(one.has_value());

  servers.let_through({});
  poll();

  ASSERT_TRUE(one.has_value() && two.has_value());
  ASSERT_THAT(*one, IsOk());
  EXPECT_EQ(one->value(), two->value());
  EXPECT_EQ(servers.asked, 1);
  EXPECT_EQ(changes, 1);
}

TEST_F(CatalogCacheTest, ARequestThatGivesUpLeavesTheFetchToTheNext) {
  std::optional<Result<CatalogCache::Snapshot>> early;
  std::optional<Result<CatalogCache::Snapshot>> late;
  start_get(&early);
  clock.advance(std::chrono::milliseconds(251));
  poll();
  ASSERT_TRUE(early.has_value());
  EXPECT_THAT(*early, HasCode(Code::Deadline));

  servers.let_through({});
  poll();
  start_get(&late);

  ASSERT_TRUE(late.has_value());
  EXPECT_THAT(*late, IsOk());
  EXPECT_EQ(servers.asked, 1);
}

TEST_F(CatalogCacheTest, AChangeDuringAFetchIsFetchedToo) {
  std::optional<Result<CatalogCache::Snapshot>> result;
  start_get(&result);
  cache.invalidate();

  servers.let_through({});
  poll();

  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(*result, IsOk());
  EXPECT_EQ(servers.asked, 2);
  EXPECT_EQ(changes, 1);
}

TEST_F(CatalogCacheTest, AFailedFetchIsToldAndTriedAgain) {
  std::optional<Result<CatalogCache::Snapshot>> failed;
  std::optional<Result<CatalogCache::Snapshot>> repaired;
  start_get(&failed);
  servers.let_through(Error(Code::Unavailable, "no connector"));
  poll();
  ASSERT_TRUE(failed.has_value());
  EXPECT_THAT(*failed, HasCode(Code::Unavailable));
  EXPECT_TRUE(log.has("catalog-fetch-failed"));

  start_get(&repaired);

  ASSERT_TRUE(repaired.has_value());
  EXPECT_THAT(*repaired, IsOk());
}

}  // namespace
}  // namespace sluice::policy_engine
