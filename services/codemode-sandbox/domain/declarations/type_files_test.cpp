#include "services/codemode-sandbox/domain/declarations/type_files.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"

#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

TypeFiles by_server() {
  TypeFiles files;
  files.add("zoo", "one\ntwo\nthree\n");
  files.add("Files", "text\n");
  return files;
}

TypeFiles by_tool() {
  TypeFiles files;
  files.add("zoo/feed", "feed\n");
  files.add("files/read", "read\n");
  files.add("zoo/read", "read the zoo\n");
  return files;
}

TEST(TypeFiles, ListsATree) {
  EXPECT_EQ(by_server().list().text, "servers/\n  Files.d.ts\n  zoo.d.ts\n");
  EXPECT_EQ(
      by_tool().list().text,
      "servers/\n  files/\n    read.d.ts\n  zoo/\n    feed.d.ts\n    read.d.ts\n"
  );
  EXPECT_FALSE(TypeFiles().list().found);
  EXPECT_NE(TypeFiles().list().text.find("No server"), std::string::npos);
}

TEST(TypeFiles, NamesAreTakenAsModelsWriteThem) {
  for (const char* name :
       {"zoo", "servers/zoo.d.ts", "ZOO.D.TS", "./servers/zoo", "/servers/zoo.d.ts", " zoo.ts "}) {
    EXPECT_EQ(by_server().read(name, 0, 0).text, "one\ntwo\nthree\n") << name;
  }
  EXPECT_EQ(by_tool().read("feed", 0, 0).text, "feed\n");
  EXPECT_EQ(by_tool().read("servers/zoo/read.d.ts", 0, 0).text, "read the zoo\n");
}

TEST(TypeFiles, WhatIsUnknownOrUnclearIsToldWithTheValidNames) {
  const FileAnswer unknown = by_server().read("shop", 0, 0);
  EXPECT_FALSE(unknown.found);
  EXPECT_EQ(
      unknown.text, "There is no file \"shop\"; the files are servers/Files.d.ts, servers/zoo.d.ts"
  );
  EXPECT_EQ(
      by_tool().read("read", 0, 0).text,
      "Several files match; send one of servers/files/read.d.ts, servers/zoo/read.d.ts"
  );
  EXPECT_FALSE(by_server().read("../etc/passwd", 0, 0).found);
  EXPECT_FALSE(by_server().read("", 0, 0).found);
}

TEST(TypeFiles, LinesAreCountedFromOneAndInclusive) {
  const TypeFiles files = by_server();
  EXPECT_EQ(files.read("zoo", 2, 2).text, "two\n");
  EXPECT_EQ(files.read("zoo", 2, 0).text, "two\nthree\n");
  EXPECT_EQ(files.read("zoo", 0, 1).text, "one\n");
  EXPECT_EQ(files.read("zoo", 3, 900).text, "three\n");
  for (const auto& [start, end] : {std::pair{4U, 0U}, std::pair{3U, 2U}, std::pair{9U, 9U}}) {
    const FileAnswer answer = files.read("zoo", start, end);
    EXPECT_FALSE(answer.found);
    EXPECT_NE(answer.text.find("servers/zoo.d.ts has lines 1 to 3"), std::string::npos);
  }
}

TEST(TypeFiles, ALongFileComesInPieces) {
  TypeFiles files;
  std::string text;
  for (int i = 0; i < 3'000; ++i) {
    text.append(std::string(50, 'x')).append("\n");
  }
  files.add("big", text);
  const std::string first = files.read("big", 0, 0).text;
  EXPECT_LE(first.size(), kFileAnswerBytesMax + 100);
  EXPECT_TRUE(first.ends_with("// Lines 1 to 1285 of 3000. Go on with startLine 1286.\n"))
      << first.substr(first.size() - 80);
  EXPECT_TRUE(files.read("big", 1'286, 0).text.starts_with("xxx"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
