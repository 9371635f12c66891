#include "common/grant/key_folder.h"

#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice::grant {
namespace {

using testing::HasCode;
using testing::IsOk;

class KeyFolderTest : public ::testing::Test {
 public:
  KeyFolderTest()
      : path(
            ::testing::TempDir() + "sluice_follow_" +
            crypto::PrivateKey::generate().public_key().id()
        ),
        folder({.clock = &clock, .pool = &pool, .log = &log}, path, [this](KeyRing keys) {
          ring = std::move(keys);
          ++changes;
        }) {
    std::filesystem::create_directories(path);
  }

  ~KeyFolderTest() override { std::filesystem::remove_all(path); }

 protected:
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name) << content;
  }

  void remove(const std::string& name) const { std::filesystem::remove(path + "/" + name); }

  Result<void> look() { return testing::run_sync(loop, folder.look()); }

  [[nodiscard]] bool trusts(const crypto::PublicKey& key) const {
    return ring.find(key.id()) != nullptr;
  }

  std::string path;
  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  async::BlockingPool pool{1};
  observability::RecordingLog log;
  KeyRing ring;
  int changes = 0;
  KeyFolder folder;
  crypto::PublicKey old_key = crypto::PrivateKey::generate().public_key();
  crypto::PublicKey new_key = crypto::PrivateKey::generate().public_key();
};

TEST_F(KeyFolderTest, ARotationIsFollowedStepByStep) {
  write("current.pem", old_key.to_pem());
  ASSERT_THAT(look(), IsOk());
  EXPECT_TRUE(trusts(old_key));
  EXPECT_FALSE(trusts(new_key));

  write("next.pem", new_key.to_pem());
  ASSERT_THAT(look(), IsOk());
  EXPECT_TRUE(trusts(old_key) && trusts(new_key));

  remove("current.pem");
  ASSERT_THAT(look(), IsOk());
  EXPECT_FALSE(trusts(old_key));
  EXPECT_TRUE(trusts(new_key));
}

TEST_F(KeyFolderTest, AKeyReplacedUnderItsNameIsNoticedAndAnUnchangedFolderIsNoChange) {
  write("current.pem", old_key.to_pem());
  ASSERT_THAT(look(), IsOk());
  ASSERT_THAT(look(), IsOk());
  EXPECT_EQ(changes, 1);

  write("current.pem", new_key.to_pem());
  ASSERT_THAT(look(), IsOk());

  EXPECT_EQ(changes, 2);
  EXPECT_TRUE(trusts(new_key));
  EXPECT_FALSE(trusts(old_key));
}

TEST_F(KeyFolderTest, ABrokenFileKeepsNoRemovedKeyTrusted) {
  write("current.pem", old_key.to_pem());
  write("next.pem", new_key.to_pem());
  ASSERT_THAT(look(), IsOk());

  remove("current.pem");
  write("other.pem", "garbage");
  ASSERT_THAT(look(), IsOk());

  EXPECT_FALSE(trusts(old_key));
  EXPECT_TRUE(trusts(new_key));
  EXPECT_TRUE(log.has("key-not-trusted", "other.pem"));
}

TEST_F(KeyFolderTest, WithoutItsLastKeyNothingIsTrusted) {
  write("current.pem", old_key.to_pem());
  ASSERT_THAT(look(), IsOk());

  remove("current.pem");
  ASSERT_THAT(look(), IsOk());

  EXPECT_FALSE(trusts(old_key));
}

TEST_F(KeyFolderTest, AFolderThatCannotBeReadLeavesTheKeysAsTheyAre) {
  write("current.pem", old_key.to_pem());
  ASSERT_THAT(look(), IsOk());

  std::filesystem::remove_all(path);

  EXPECT_THAT(look(), HasCode(Code::Unavailable));
  EXPECT_TRUE(trusts(old_key));
}

}  // namespace
}  // namespace sluice::grant
