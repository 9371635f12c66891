#include "services/policy-engine/domain/tool_filter.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace sluice::policy_engine {
namespace {

policy::v1::ToolFilter filter(
    std::initializer_list<const char*> servers, std::initializer_list<const char*> tools
) {
  policy::v1::ToolFilter made;
  made.set_restricted(true);
  for (const char* server : servers) {
    made.add_servers(server);
  }
  for (const char* tool : tools) {
    made.add_tools(tool);
  }
  return made;
}

TEST(ToolFilter, WithoutRestrictionEverythingPasses) {
  EXPECT_TRUE(passes({}, "files", "read_file"));
}

TEST(ToolFilter, EmptyListsNameNothing) {
  EXPECT_FALSE(passes(filter({}, {}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({"*"}, {}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({}, {"*"}), "files", "read_file"));
  EXPECT_TRUE(passes(filter({"*"}, {"*"}), "files", "read_file"));
}

TEST(ToolFilter, BothListsMustNameTheTool) {
  EXPECT_TRUE(passes(filter({"files"}, {"files-read_file"}), "files", "read_file"));
  EXPECT_TRUE(passes(filter({"files"}, {"files-*"}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({"other"}, {"files-read_file"}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({"files"}, {"files-write_file"}), "files", "read_file"));
}

TEST(ToolFilter, NamesMatchAsAWholeOnly) {
  EXPECT_FALSE(passes(filter({"*"}, {"files-read"}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({"*"}, {"file-*"}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({"*"}, {"files-*"}), "file", "s-read"));
  EXPECT_FALSE(passes(filter({"*"}, {"read_file"}), "files", "read_file"));
  EXPECT_FALSE(passes(filter({"*"}, {"files"}), "files", ""));
  EXPECT_TRUE(passes(filter({"*"}, {"files-a-b"}), "files", "a-b"));
}

TEST(ToolFilter, AServerPassesByTheListOfServersAlone) {
  EXPECT_TRUE(passes_server({}, "files"));
  EXPECT_TRUE(passes_server(filter({"files"}, {}), "files"));
  EXPECT_TRUE(passes_server(filter({"*"}, {"mail-*"}), "files"));
  EXPECT_FALSE(passes_server(filter({"mail"}, {"*"}), "files"));
  EXPECT_FALSE(passes_server(filter({}, {"*"}), "files"));
}

TEST(ToolFilter, SomeToolOfAServerPassesWhereBothListsLeaveRoomForOne) {
  EXPECT_TRUE(passes_some_tool({}, "files"));
  EXPECT_TRUE(passes_some_tool(filter({"*"}, {"*"}), "files"));
  EXPECT_TRUE(passes_some_tool(filter({"files"}, {"mail-*", "files-read_file"}), "files"));
  EXPECT_FALSE(passes_some_tool(filter({"mail"}, {"files-*"}), "files"));
  EXPECT_FALSE(passes_some_tool(filter({"*"}, {"mail-*", "file-s"}), "files"));
  EXPECT_FALSE(passes_some_tool(filter({"*"}, {}), "files"));
}

}  // namespace
}  // namespace sluice::policy_engine
