#include "common/mcp/server_name.h"

#include <gtest/gtest.h>

namespace sluice::mcp {
namespace {

TEST(ServerName, ComesFromThePackage) {
  const auto name = [](std::string_view package) {
    return derived_server_name({.package = package});
  };

  EXPECT_EQ(name("@modelcontextprotocol/server-filesystem@1.2"), "filesystem");
  EXPECT_EQ(name("@modelcontextprotocol/server-everything"), "everything");
  EXPECT_EQ(name("mcp-server-git"), "git");
  EXPECT_EQ(name("/usr/bin/my.tool"), "my_tool");
  EXPECT_EQ(name("7zip"), "_7zip");
  EXPECT_EQ(name(std::string(50, 'x')), std::string(32, 'x'));
}

TEST(ServerName, ComesFromTheHost) {
  const auto name = [](std::string_view address) {
    return derived_server_name({.is_stdio = false, .address = address});
  };

  EXPECT_EQ(name("http://tools.example.com:8080/mcp"), "tools_example_com");
  EXPECT_EQ(name("localhost/sse"), "localhost");
}

}  // namespace
}  // namespace sluice::mcp
