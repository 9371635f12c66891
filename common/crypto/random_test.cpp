#include "common/crypto/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace sluice::crypto {
namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;

TEST(Random, BytesComeInTheNumberAskedForAndDiffer) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(1000).size(), 1000U);
  EXPECT_NE(random_bytes(16), random_bytes(16));
  EXPECT_NE(random_u64(), random_u64());
}

TEST(UuidV7, HasTheFormOfRfc9562) {
  const std::string id = uuid_v7(kNow);

  ASSERT_EQ(id.size(), 36U);
  EXPECT_EQ(id[8], '-');
  EXPECT_EQ(id[13], '-');
  EXPECT_EQ(id[14], '7');
  EXPECT_EQ(id[18], '-');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_EQ(id[23], '-');
  EXPECT_EQ(uuid_v7_unix_ms(id), kNow);
}

TEST(UuidV7, IdsOfOneMillisecondAscend) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5000; ++i) {
    ids.push_back(uuid_v7(kNow + 1'000'000));
  }

  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST(UuidV7, AscendsAfterASmallStepBackOfTheClock) {
  const std::string before = uuid_v7(kNow + 2'000'000);

  EXPECT_GT(uuid_v7(kNow + 2'000'000 - 20), before);
}

TEST(UuidV7, FollowsTheClockOverALargeStepBack) {
  const std::string before = uuid_v7(kNow + 3'000'000);

  EXPECT_LT(uuid_v7(kNow), before);
}

TEST(UuidV7, IsUniqueAcrossThreads) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  threads.reserve(made.size());
  for (auto& mine : made) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 1000; ++i) {
        mine.push_back(uuid_v7(kNow + 4'000'000));
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }

  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 4000U);
}

TEST(UuidV7, OtherTextHasNoMillisecond) {
  EXPECT_EQ(uuid_v7_unix_ms(""), -1);
  EXPECT_EQ(uuid_v7_unix_ms("0195f7c2-1234-4abc-8123-0123456789ab"), -1);  // version 4
  EXPECT_EQ(uuid_v7_unix_ms("0195f7c2-1234-7abc-c123-0123456789ab"), -1);  // another variant
  EXPECT_EQ(uuid_v7_unix_ms("0195F7C2-1234-7abc-8123-0123456789ab"), -1);  // not canonical
  EXPECT_EQ(uuid_v7_unix_ms("0195f7c2x1234-7abc-8123-0123456789ab"), -1);
  EXPECT_EQ(uuid_v7_unix_ms("0195f7c2-1234-7abc-8123-0123456789ag"), -1);
  EXPECT_EQ(uuid_v7_unix_ms("0195f7c2-1234-7abc-8123-0123456789ab0"), -1);
}

}  // namespace
}  // namespace sluice::crypto
