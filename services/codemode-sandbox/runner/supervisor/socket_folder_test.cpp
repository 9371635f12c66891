#include "services/codemode-sandbox/runner/supervisor/socket_folder.h"

#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/un.h>

namespace sluice::codemode_runner {
namespace {

class SocketFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/socket-folder-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] FileDescriptor listen_at(const std::string& name) const {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ + "/" + name;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 4), 0);
    return socket;
  }

  std::string folder_;
};

TEST_F(SocketFolder, ListsSocketsOnly) {
  const FileDescriptor b = listen_at("b.sock");
  const FileDescriptor a = listen_at("a.sock");
  const FileDescriptor other = listen_at("c.socket");
  std::ofstream(folder_ + "/file.sock") << "no socket";

  const auto files = socket_files(folder_);

  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, folder_ + "/a.sock");
  EXPECT_EQ(files[1].path, folder_ + "/b.sock");
}

TEST_F(SocketFolder, ASocketMadeAnewIsAnotherOne) {
  FileDescriptor socket = listen_at("a.sock");
  const auto before = socket_files(folder_);
  socket.reset();
  std::filesystem::remove(folder_ + "/a.sock");
  const FileDescriptor again = listen_at("a.sock");

  const auto after = socket_files(folder_);

  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_NE(before[0], after[0]);
}

TEST_F(SocketFolder, AnAbsentFolderIsEmpty) {
  EXPECT_TRUE(socket_files(folder_ + "/none").empty());
}

TEST_F(SocketFolder, TellsALiveSocketFromOneLeftBehind) {
  FileDescriptor socket = listen_at("a.sock");
  EXPECT_TRUE(somebody_listens(folder_ + "/a.sock"));

  socket.reset();

  EXPECT_FALSE(somebody_listens(folder_ + "/a.sock"));
  EXPECT_FALSE(somebody_listens(folder_ + "/none.sock"));
}

}  // namespace
}  // namespace sluice::codemode_runner
