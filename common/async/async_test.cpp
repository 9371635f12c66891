#include "common/async/blocking_pool.h"
#include "common/async/channel.h"
#include "common/async/deadline.h"
#include "common/async/retry.h"
#include "common/async/task_group.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <thread>

namespace sluice::async {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;
using testing::ManualClock;
using testing::run_sync;

Async<int> give(OneShot<int>* source) {
  co_return co_await source->wait();
}

Async<void> count_after(Clock* clock, Duration wait, int* counter) {
  SLUICE_CO_CHECK_OK(co_await sleep_for(clock, wait));
  ++*counter;
  co_return Result<void>();
}

Async<void> fail(Error error) {
  co_return error;
}

Async<void> run_group(TaskGroup* group) {
  co_return co_await group->close();
}

Async<void> stop_group(TaskGroup* group) {
  co_return co_await group->cancel_and_close();
}

TEST(OneShot, HandsOverAValueSetBeforeTheWait) {
  OneShot<int> answer;
  answer.set(42);

  EXPECT_EQ(run_sync(answer.wait()).value(), 42);
}

TEST(OneShot, ResumesAWaiterAndKeepsTheFirstValue) {
  boost::asio::io_context loop(1);
  OneShot<int> answer;
  boost::asio::post(loop, [&answer] {
    answer.set(1);
    answer.set(2);
  });

  EXPECT_EQ(run_sync(loop, answer.wait()).value(), 1);
}

TEST(SystemClock, RunsATimerAndDropsADestroyedOne) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  int fired = 0;
  clock.schedule(clock.now() + 1ms, [&fired] { fired += 100; }).reset();
  const auto timer = clock.schedule(clock.now() + 2ms, [&fired] { ++fired; });

  loop.run();

  EXPECT_EQ(fired, 1);
}

TEST(WithDeadline, ReturnsTheValueThatCameInTime) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  OneShot<int> answer;
  answer.set(7);

  EXPECT_EQ(run_sync(loop, with_deadline(&clock, clock.now() + 5s, give(&answer))).value(), 7);
}

TEST(WithDeadline, SaysDeadlineAndNotCancelledWhenTimeIsOver) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  OneShot<int> never;

  const auto result = run_sync(loop, with_deadline(&clock, clock.now() + 1ms, give(&never)));

  EXPECT_THAT(result, HasCode(Code::Deadline));
}

TEST(TaskGroup, RunsTasksTogetherAndReportsTheirErrors) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  std::vector<std::string> failed;
  TaskGroup group(loop.get_executor(), [&failed](std::string_view name, const Error& error) {
    failed.push_back(std::string(name) + ":" + std::string(name_of(error.code())));
  });
  int counter = 0;
  group.spawn("one", count_after(&clock, 1ms, &counter));
  group.spawn("two", count_after(&clock, 1ms, &counter));
  group.spawn("bad", fail(Error(Code::Denied, "no")));

  EXPECT_THAT(run_sync(loop, run_group(&group)), IsOk());

  EXPECT_EQ(counter, 2);
  EXPECT_THAT(failed, ::testing::ElementsAre("bad:Denied"));
}

TEST(TaskGroup, CancelEndsSleepingTasksWithoutAnErrorReport) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  int errors = 0;
  TaskGroup group(loop.get_executor(), [&errors](std::string_view, const Error&) { ++errors; });
  int counter = 0;
  group.spawn("sleeper", count_after(&clock, 1h, &counter));
  loop.poll();

  EXPECT_THAT(run_sync(loop, stop_group(&group)), IsOk());

  EXPECT_EQ(counter, 0);
  EXPECT_EQ(errors, 0);
}

TEST(TaskGroup, ATaskCancelledBeforeItBeganNeverRuns) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  TaskGroup group(loop.get_executor(), {});
  int counter = 0;
  group.spawn("late", count_after(&clock, 0ms, &counter));
  group.cancel();

  EXPECT_THAT(run_sync(loop, stop_group(&group)), IsOk());

  EXPECT_EQ(counter, 0);
  EXPECT_EQ(group.size(), 0U);
}

TEST(WithDeadline, PassesTheCancellationOfItsCallerOn) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  TaskGroup group(loop.get_executor(), {});
  int counter = 0;
  group.spawn("outer", with_deadline(&clock, clock.now() + 1h, count_after(&clock, 1h, &counter)));
  loop.poll();

  EXPECT_THAT(run_sync(loop, stop_group(&group)), IsOk());

  EXPECT_EQ(counter, 0);
}

Async<int> sum_all(Channel<int>* channel) {
  int sum = 0;
  while (true) {
    SLUICE_CO_TRY(const auto item, co_await channel->pop());
    if (!item) {
      co_return sum;
    }
    sum += *item;
  }
}

Async<void> produce(Channel<int>* channel, int count) {
  for (int i = 1; i <= count; ++i) {
    SLUICE_CO_CHECK_OK(co_await channel->push(i));
  }
  channel->close();
  co_return Result<void>();
}

TEST(Channel, CarriesMoreItemsThanItsCapacityInOrder) {
  boost::asio::io_context loop(1);
  Channel<int> channel(2);
  TaskGroup group(loop.get_executor(), {});
  group.spawn("producer", produce(&channel, 100));

  EXPECT_EQ(run_sync(loop, sum_all(&channel)).value(), 5050);
  EXPECT_THAT(run_sync(loop, run_group(&group)), IsOk());
}

TEST(Channel, RefusesWhenFullOrClosed) {
  Channel<int> channel(1);
  int item = 5;

  EXPECT_TRUE(channel.try_push(item));
  EXPECT_FALSE(channel.try_push(item));
  channel.close();
  EXPECT_EQ(run_sync(sum_all(&channel)).value(), 5);
  EXPECT_THAT(run_sync(channel.push(1)), HasCode(Code::Unavailable));
}

Async<int> failing_attempt(int* attempts, int succeed_at) {
  if (++*attempts < succeed_at) {
    co_return Error(Code::Unavailable, "not yet");
  }
  co_return *attempts;
}

TEST(Retry, TriesAgainOnUnavailableOnly) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  const RetryPolicy policy{.attempts_max = 5, .first_wait = 1ms, .wait_max = 2ms};
  int attempts = 0;

  const auto result = run_sync(loop, retry<int>(&clock, clock.now() + 10s, policy, 1, [&] {
                                 return failing_attempt(&attempts, 3);
                               }));

  EXPECT_EQ(result.value(), 3);
}

TEST(Retry, GivesUpAtTheLastAttemptAndBeforeTheDeadline) {
  boost::asio::io_context loop(1);
  SystemClock clock(loop.get_executor());
  int attempts = 0;
  const RetryPolicy few{.attempts_max = 2, .first_wait = 1ms, .wait_max = 1ms};
  const RetryPolicy slow{.attempts_max = 9, .first_wait = 1h, .wait_max = 1h};

  EXPECT_THAT(
      run_sync(
          loop,
          retry<int>(
              &clock, clock.now() + 10s, few, 1, [&] { return failing_attempt(&attempts, 9); }
          )
      ),
      HasCode(Code::Unavailable)
  );
  EXPECT_EQ(attempts, 2);
  EXPECT_THAT(
      run_sync(
          loop,
          retry<int>(
              &clock, clock.now() + 10s, slow, 1, [&] { return failing_attempt(&attempts, 99); }
          )
      ),
      HasCode(Code::Unavailable)
  );
  EXPECT_EQ(attempts, 3);
}

TEST(Backoff, GrowsToItsBoundAndStartsOverAfterReset) {
  Backoff backoff(
      {.attempts_max = 9, .first_wait = 100ms, .wait_max = 300ms, .multiplier = 2, .jitter = 0}, 1
  );

  EXPECT_EQ(backoff.next(), 100ms);
  EXPECT_EQ(backoff.next(), 200ms);
  EXPECT_EQ(backoff.next(), 300ms);
  EXPECT_EQ(backoff.next(), 300ms);
  backoff.reset();
  EXPECT_EQ(backoff.next(), 100ms);
}

TEST(BlockingPool, RunsOffTheLoopAndComesBackToIt) {
  boost::asio::io_context loop(1);
  BlockingPool pool(1);
  const auto loop_thread = std::this_thread::get_id();

  const auto result = run_sync(loop, pool.run([&]() -> Result<bool> {
    return std::this_thread::get_id() != loop_thread;
  }));

  EXPECT_TRUE(result.value());
}

TEST(BlockingPool, TurnsAnExceptionIntoInternal) {
  boost::asio::io_context loop(1);  // outlives the pool, whose thread posts to it
  BlockingPool pool(1);

  const auto result =
      run_sync(loop, pool.run([]() -> Result<int> { throw std::runtime_error("boom"); }));

  EXPECT_THAT(result, HasCode(Code::Internal));
}

TEST(ManualClock, RunsTimersInOrderOfTime) {
  ManualClock clock;
  std::string order;
  const auto late = clock.schedule(clock.now() + 2s, [&] { order += 'b'; });
  const auto early = clock.schedule(clock.now() + 1s, [&] { order += 'a'; });
  clock.schedule(clock.now() + 1s, [&] { order += 'x'; }).reset();

  clock.advance(3s);

  EXPECT_EQ(order, "ab");
}

}  // namespace
}  // namespace sluice::async
