#include "services/codemode-sandbox/runner/supervisor/busy_children.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr TimePoint kBegin{std::chrono::hours(1)};

TEST(BusyChildren, OneThatHasComputedLongIsBusyOnce) {
  BusyChildren busy;
  busy.began(7, kBegin);

  EXPECT_THAT(busy.due(kBegin), IsEmpty());
  EXPECT_EQ(busy.next_deadline(), kBegin + kLookEvery);
  EXPECT_THAT(busy.due(kBegin + kLookEvery), ElementsAre(7));
  EXPECT_FALSE(busy.looked(7, kBusyAfter - 1us, kBegin + kLookEvery));
  EXPECT_TRUE(busy.looked(7, kBusyAfter, kBegin + 2 * kLookEvery));

  EXPECT_FALSE(busy.looked(7, 2 * kBusyAfter, kBegin + 3 * kLookEvery));
  EXPECT_EQ(busy.next_deadline(), TimePoint::max());
}

TEST(BusyChildren, OneThatGetsLittleOfABusyMachineIsLookedAtAsOften) {
  BusyChildren busy;
  busy.began(7, kBegin);
  TimePoint now = kBegin;
  for (auto used = 1us; used < 100us; ++used) {
    now += kLookEvery;
    ASSERT_THAT(busy.due(now), ElementsAre(7));
    ASSERT_FALSE(busy.looked(7, used, now));
  }
  EXPECT_EQ(busy.next_deadline(), now + kLookEvery);
}

TEST(BusyChildren, OneThatWaitsIsLookedAtSeldomUntilAMessageStirsIt) {
  BusyChildren busy;
  busy.began(7, kBegin);
  TimePoint now = kBegin;
  int looks = 0;
  for (; now < kBegin + 60s; now = busy.next_deadline()) {
    for (const ChildId child : busy.due(now)) {
      EXPECT_FALSE(busy.looked(child, 1ms, now));
      ++looks;
    }
  }
  EXPECT_GT(looks, 60);
  EXPECT_LT(looks, 75);

  now = busy.next_deadline() - 500ms;
  busy.stirred(7, now);
  EXPECT_EQ(busy.next_deadline(), now + kLookEvery);
  EXPECT_FALSE(busy.looked(7, 1ms, now + kLookEvery));
  EXPECT_EQ(busy.next_deadline(), now + 3 * kLookEvery);
}

TEST(BusyChildren, MessagesDoNotPutALookOff) {
  BusyChildren busy;
  busy.began(7, kBegin);
  for (TimePoint now = kBegin; now < kBegin + kLookEvery; now += 1ms) {
    busy.stirred(7, now);
  }
  EXPECT_EQ(busy.next_deadline(), kBegin + kLookEvery);
}

TEST(BusyChildren, LooksAtThoseThatBeganAndHaveNotEnded) {
  BusyChildren busy;
  busy.began(1, kBegin);
  busy.began(2, kBegin);
  busy.began(3, kBegin);
  busy.began(4, kBegin);
  busy.ended(2);
  EXPECT_FALSE(busy.looked(4, std::nullopt, kBegin));  // gone, though nobody told
  busy.stirred(9, kBegin);                             // of which it was never told

  EXPECT_THAT(busy.due(kBegin + kLookEvery), UnorderedElementsAre(1, 3));
}

}  // namespace
}  // namespace sluice::codemode_runner
