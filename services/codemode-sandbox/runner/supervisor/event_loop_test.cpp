#include "services/codemode-sandbox/runner/supervisor/event_loop.h"

#include "services/codemode-sandbox/runner/zygote/control_socket.h"

#include <gtest/gtest.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

using namespace std::chrono_literals;

class EventLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loop = EventLoop::make();
    auto first = make_socket_pair(SOCK_STREAM);
    auto second = make_socket_pair(SOCK_STREAM);
    ASSERT_TRUE(loop.ok() && first.ok() && second.ok());
    loop_ = std::move(loop).value();
    first_ = std::move(first).value();
    second_ = std::move(second).value();
  }

  static void poke(const SocketPair& pair) { ASSERT_EQ(::write(pair.theirs.get(), "x", 1), 1); }

  std::unique_ptr<EventLoop> loop_;
  SocketPair first_;
  SocketPair second_;
};

TEST_F(EventLoopTest, RunsTheCallbackOfWhatIsReady) {
  int first = 0;
  int second = 0;
  loop_->watch(first_.ours.get(), EPOLLIN, [&](std::uint32_t) { ++first; });
  loop_->watch(second_.ours.get(), EPOLLIN, [&](std::uint32_t) { ++second; });

  poke(first_);
  loop_->turn(EventLoop::now() + 1s);

  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
}

TEST_F(EventLoopTest, WaitsNoLongerThanTold) {
  const TimePoint before = EventLoop::now();

  loop_->turn(before + 5ms);

  EXPECT_GE(EventLoop::now() - before, 5ms);
}

TEST_F(EventLoopTest, ACallbackMayForgetOthersOfTheSameTurn) {
  int calls = 0;
  const auto forget_both = [&](std::uint32_t) {
    ++calls;
    loop_->forget(first_.ours.get());
    loop_->forget(second_.ours.get());
  };
  loop_->watch(first_.ours.get(), EPOLLIN, forget_both);
  loop_->watch(second_.ours.get(), EPOLLIN, forget_both);

  poke(first_);
  poke(second_);
  loop_->turn(EventLoop::now() + 1s);

  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, IsQuietAboutWhatIsNotWanted) {
  int calls = 0;
  loop_->watch(first_.ours.get(), EPOLLIN, [&](std::uint32_t) { ++calls; });

  loop_->change(first_.ours.get(), 0);
  poke(first_);
  loop_->turn(EventLoop::now() + 1ms);
  EXPECT_EQ(calls, 0);

  loop_->change(first_.ours.get(), EPOLLIN);
  loop_->turn(EventLoop::now() + 1s);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace sluice::codemode_runner
