#include "services/codemode-sandbox/adapters/socket_directory.h"

#include "common/audit/testing/temporary_directory.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace sluice::codemode_sandbox {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

class SocketDirectory : public ::testing::Test {
 protected:
  [[nodiscard]] std::string file(const std::string& name) const { return folder() + "/" + name; }

  [[nodiscard]] std::string folder() const { return directory_.path() + "/runners"; }

  void touch(const std::string& name) const { std::ofstream(file(name)) << ""; }

  [[nodiscard]] bool exists(const std::string& name) const {
    return std::filesystem::exists(file(name));
  }

 private:
  audit::TemporaryDirectory directory_;
};

TEST_F(SocketDirectory, APlaceIsMadeAndGoesWithItsInstance) {
  {
    const auto place = SocketPlace::take(folder() + "/", "one");
    ASSERT_THAT(place, IsOk());
    EXPECT_EQ(place.value().socket_path(), file("one.sock"));
    EXPECT_TRUE(exists("one.lock"));
    touch("one.sock");
  }
  EXPECT_FALSE(exists("one.sock"));
  EXPECT_FALSE(exists("one.lock"));
}

TEST_F(SocketDirectory, RemovesWhatDeadInstancesLeftAndNothingElse) {
  const auto living = SocketPlace::take(folder(), "living");
  ASSERT_THAT(living, IsOk());
  touch("living.sock");
  touch("dead.lock");
  touch("dead.sock");
  touch("other.txt");

  const auto place = SocketPlace::take(folder(), "new");

  ASSERT_THAT(place, IsOk());
  EXPECT_FALSE(exists("dead.lock"));
  EXPECT_FALSE(exists("dead.sock"));
  EXPECT_TRUE(exists("living.lock"));
  EXPECT_TRUE(exists("living.sock"));
  EXPECT_TRUE(exists("other.txt"));
}

TEST_F(SocketDirectory, OneInstanceHasAPlaceOnce) {
  const auto first = SocketPlace::take(folder(), "one");
  ASSERT_THAT(first, IsOk());

  EXPECT_THAT(SocketPlace::take(folder(), "one"), HasCode(Code::Unavailable));
}

TEST_F(SocketDirectory, RefusesAPathThatIsTooLongForASocket) {
  const auto place = SocketPlace::take("/tmp/" + std::string(100, 'x'), "one");

  EXPECT_THAT(place, HasCode(Code::Invalid));
}

TEST_F(SocketDirectory, SaysThatADirectoryCannotBeMade) {
  std::filesystem::create_directories(folder());
  touch("file");

  EXPECT_THAT(SocketPlace::take(file("file") + "/below", "one"), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
