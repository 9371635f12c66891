#include "services/codemode-sandbox/runner/supervisor/peer_watch.h"

#include <gtest/gtest.h>

namespace sluice::codemode_runner {
namespace {

using namespace std::chrono_literals;
using Duty = PeerWatch::Duty;

constexpr TimePoint kStart{std::chrono::hours(1)};

TEST(PeerWatch, IntroducesItselfUntilItIsHeardThenBeats) {
  PeerWatch watch(kStart);
  EXPECT_EQ(watch.due(kStart), Duty::Ready);
  watch.sent(kStart);

  EXPECT_EQ(watch.due(kStart + kBeatEvery - 1ms), Duty::Nothing);
  EXPECT_EQ(watch.due(kStart + kBeatEvery), Duty::Ready);
  watch.heard(kStart + kBeatEvery);
  EXPECT_EQ(watch.due(kStart + kBeatEvery), Duty::Beat);
}

TEST(PeerWatch, TriesAgainWhenTheIntroductionCouldNotBeSent) {
  PeerWatch watch(kStart);
  watch.not_sent(kStart);

  EXPECT_EQ(watch.due(kStart), Duty::Nothing);
  EXPECT_EQ(watch.due(kStart + kBeatRetry), Duty::Ready);
}

TEST(PeerWatch, APeerNeverHeardOfIsNotLost) {
  PeerWatch watch(kStart);

  EXPECT_FALSE(watch.lost(kStart + 1h));
}

TEST(PeerWatch, ASilentPeerIsLostOnceAndMetAgain) {
  PeerWatch watch(kStart);
  watch.sent(kStart);
  watch.heard(kStart);

  EXPECT_FALSE(watch.lost(kStart + kSilenceMax));
  EXPECT_TRUE(watch.lost(kStart + kSilenceMax + 1ms));
  EXPECT_FALSE(watch.lost(kStart + kSilenceMax + 2ms));
  EXPECT_EQ(watch.due(kStart + kSilenceMax + 2ms), Duty::Ready);
}

TEST(PeerWatch, IntroducesItselfAgainWhenItWasSilentItself) {
  PeerWatch watch(kStart);
  watch.sent(kStart);
  watch.heard(kStart + 1'800ms);

  EXPECT_EQ(watch.due(kStart + 1'800ms), Duty::Ready);
  EXPECT_FALSE(watch.lost(kStart + 1'800ms));
}

}  // namespace
}  // namespace sluice::codemode_runner
