#include "common/bus/timeouts.h"

#include "common/testing/manual_clock.h"

#include <gtest/gtest.h>

namespace sluice::bus {
namespace {

using namespace std::chrono_literals;

class Mark final : public Timed {
 public:
  Mark(Timeouts* timeouts, std::vector<int>* order, int number)
      : timeouts_(timeouts), order_(order), number_(number) {}

  void due(TimePoint now) override {
    order_->push_back(number_);
    if (again > Duration::zero()) {
      timeouts_->set(this, now + std::exchange(again, Duration::zero()));
    }
  }

  Duration again{};

 private:
  Timeouts* timeouts_;
  std::vector<int>* order_;
  int number_;
};

class TimeoutsTest : public ::testing::Test {
 protected:
  sluice::testing::ManualClock clock_;
  Timeouts timeouts_{&clock_};
  std::vector<int> order_;
};

TEST_F(TimeoutsTest, FireInOrderOfTimeOnOneTimer) {
  std::vector<std::unique_ptr<Mark>> marks;
  for (int number : {1, 3, 2}) {
    marks.push_back(std::make_unique<Mark>(&timeouts_, &order_, number));
    timeouts_.set(marks.back().get(), clock_.now() + number * 100ms);
  }
  EXPECT_EQ(clock_.timers(), 1U);

  clock_.advance(1s);

  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(clock_.timers(), 0U);
}

TEST_F(TimeoutsTest, NeverFireEarly) {
  Mark mark(&timeouts_, &order_, 1);
  timeouts_.set(&mark, clock_.now() + 7ms);

  clock_.advance(6ms);
  EXPECT_TRUE(order_.empty());
  clock_.advance(4ms);  // the timer runs in steps
  EXPECT_EQ(order_.size(), 1U);
}

TEST_F(TimeoutsTest, TheRemovedOneIsSilentAndAnotherMomentReplacesTheFirst) {
  Mark gone(&timeouts_, &order_, 1);
  Mark moved(&timeouts_, &order_, 2);
  timeouts_.set(&gone, clock_.now() + 10ms);
  timeouts_.set(&moved, clock_.now() + 10ms);
  timeouts_.remove(&gone);
  timeouts_.set(&moved, clock_.now() + 500ms);

  clock_.advance(400ms);
  EXPECT_TRUE(order_.empty());
  clock_.advance(100ms);
  EXPECT_EQ(order_, std::vector<int>{2});
}

TEST_F(TimeoutsTest, OneMayEnterAgainWhenItIsDue) {
  Mark mark(&timeouts_, &order_, 1);
  mark.again = 50ms;
  timeouts_.set(&mark, clock_.now() + 10ms);

  clock_.advance(20ms);
  EXPECT_EQ(order_.size(), 1U);
  clock_.advance(50ms);
  EXPECT_EQ(order_.size(), 2U);
}

TEST_F(TimeoutsTest, AnEarlierMomentRearmsTheTimer) {
  Mark late(&timeouts_, &order_, 1);
  Mark early(&timeouts_, &order_, 2);
  timeouts_.set(&late, clock_.now() + 1h);
  timeouts_.set(&early, clock_.now() + 10ms);

  clock_.advance(10ms);

  EXPECT_EQ(order_, std::vector<int>{2});
}

}  // namespace
}  // namespace sluice::bus
