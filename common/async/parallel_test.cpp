#include "common/async/parallel.h"

#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <array>

namespace sluice::async {
namespace {

using testing::HasCode;
using testing::IsOk;
using testing::run_sync;

struct Watch {
  int running = 0;
  int most = 0;
  int ended = 0;
};

Async<void> wait_for(OneShot<void>* gate, Watch* watch) {
  watch->most = std::max(watch->most, ++watch->running);
  const auto result = co_await gate->wait();
  --watch->running;
  ++watch->ended;
  co_return result;
}

Async<void> open_all(std::array<OneShot<void>, 5>* gates) {
  for (OneShot<void>& gate : *gates) {
    gate.set({});
  }
  co_return Result<void>();
}

Async<void> keep(Async<void> work, Result<void>* result) {
  *result = co_await std::move(work);
  co_return Result<void>();
}

std::vector<Async<void>> tasks_for(std::array<OneShot<void>, 5>* gates, Watch* watch) {
  std::vector<Async<void>> tasks;
  for (OneShot<void>& gate : *gates) {
    tasks.push_back(wait_for(&gate, watch));
  }
  return tasks;
}

TEST(RunParallel, RunsABoundedNumberAtATimeAndAllOfThem) {
  boost::asio::io_context loop(1);
  std::array<OneShot<void>, 5> gates;
  Watch watch;
  TaskGroup group(loop.get_executor(), nullptr);
  Result<void> result = Error(Code::Internal, "not run");
  group.spawn("all", keep(run_parallel(2, tasks_for(&gates, &watch)), &result));
  loop.poll();
  EXPECT_EQ(watch.running, 2);

  ASSERT_THAT(run_sync(loop, open_all(&gates)), IsOk());
  ASSERT_THAT(run_sync(loop, group.close()), IsOk());

  EXPECT_THAT(result, IsOk());
  EXPECT_EQ(watch.most, 2);
  EXPECT_EQ(watch.ended, 5);
}

TEST(RunParallel, ReportsTheFirstErrorInOrderAfterAllHaveEnded) {
  boost::asio::io_context loop(1);
  std::array<OneShot<void>, 5> gates;
  Watch watch;
  gates[3].set(Error(Code::Denied, "no"));
  gates[1].set(Error(Code::NotFound, "nothing"));
  for (const std::size_t i : {0U, 2U, 4U}) {
    gates.at(i).set({});
  }

  EXPECT_THAT(run_sync(loop, run_parallel(5, tasks_for(&gates, &watch))), HasCode(Code::NotFound));
  EXPECT_EQ(watch.ended, 5);
}

TEST(RunParallel, CancelsWhatRunsAndStartsNoOther) {
  boost::asio::io_context loop(1);
  std::array<OneShot<void>, 5> gates;
  Watch watch;
  TaskGroup group(loop.get_executor(), nullptr);
  Result<void> result;
  group.spawn("all", keep(run_parallel(2, tasks_for(&gates, &watch)), &result));
  loop.poll();

  ASSERT_THAT(run_sync(loop, group.cancel_and_close()), IsOk());

  EXPECT_THAT(result, HasCode(Code::Cancelled));
  EXPECT_EQ(watch.running, 0);
  EXPECT_EQ(watch.ended, 2);
}

TEST(RunParallel, HasNothingToDoForNoTasks) {
  EXPECT_THAT(run_sync(run_parallel(3, {})), IsOk());
}

}  // namespace
}  // namespace sluice::async
