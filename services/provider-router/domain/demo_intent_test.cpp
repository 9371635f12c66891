#include "services/provider-router/domain/demo_intent.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

TEST(DemoIntent, ReadsPaths) {
  for (const std::string_view text :
       {"Read /tmp/a b/x",
        "read the file /tmp/a",
        "Please open \"/tmp/a\".",
        "cat /tmp/a, please",
        "Show me the contents of /tmp/a!"}) {
    const auto intents = demo_intents(text);
    ASSERT_EQ(intents.size(), 1U) << text;
    EXPECT_EQ(intents[0].action, DemoAction::ReadFile);
    EXPECT_EQ(intents[0].path, "/tmp/a") << text;
  }
  EXPECT_EQ(
      demo_intents("Read /data/hello.txt and tell me what it says").at(0).path, "/data/hello.txt"
  );
}

TEST(DemoIntent, ListsDirectories) {
  EXPECT_EQ(demo_intents("list the files in /tmp/x").at(0).path, "/tmp/x");
  EXPECT_EQ(demo_intents("ls /tmp/x").at(0).action, DemoAction::ListDirectory);
  EXPECT_EQ(demo_intents("List the allowed directories.").at(0).action, DemoAction::ListAllowed);
}

TEST(DemoIntent, WritesQuotedAndPlainText) {
  const auto quoted = demo_intents("Write \"hello to you\" to /tmp/a.txt.");
  const auto plain = demo_intents("write hello my world to the file /tmp/b.txt");

  ASSERT_EQ(quoted.size(), 1U);
  EXPECT_EQ(quoted[0].text, "hello to you");
  EXPECT_EQ(quoted[0].path, "/tmp/a.txt");
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(plain[0].text, "hello my world");
  EXPECT_EQ(plain[0].path, "/tmp/b.txt");
}

TEST(DemoIntent, EchoesToTheEndOfTheSentence) {
  EXPECT_EQ(demo_intents("echo good morning. Then rest.").at(0).text, "good morning");
  EXPECT_EQ(demo_intents("echo \"a. b\" please").at(0).text, "a. b");
}

TEST(DemoIntent, AddsNumbers) {
  for (const std::string_view text :
       {"add 2 and 3", "What is 2 + 3?", "the sum of 2 and 3", "2 plus 3"}) {
    const auto intents = demo_intents(text);
    ASSERT_EQ(intents.size(), 1U) << text;
    EXPECT_EQ(intents[0].first, "2");
    EXPECT_EQ(intents[0].second, "3");
  }
  EXPECT_EQ(demo_intents("add -1.5 and 10").at(0).first, "-1.5");
}

TEST(DemoIntent, FindsSeveralInOrder) {
  const auto intents = demo_intents("Read /a/x.txt and list /a, then write done to /a/y.txt");

  ASSERT_EQ(intents.size(), 3U);
  EXPECT_EQ(intents[0].action, DemoAction::ReadFile);
  EXPECT_EQ(intents[1].action, DemoAction::ListDirectory);
  EXPECT_EQ(intents[2].action, DemoAction::WriteFile);
}

TEST(DemoIntent, DividesATextIntoSteps) {
  using Steps = std::vector<std::string_view>;
  EXPECT_EQ(demo_steps("read /a, then list /b, then bye"), (Steps{"read /a", " list /b", " bye"}));
  EXPECT_EQ(demo_steps("now and then"), Steps{"now and then"});
  EXPECT_EQ(demo_steps("echo \"x, then y\""), Steps{"echo \"x, then y\""});
  EXPECT_EQ(demo_steps(""), Steps{""});
}

TEST(DemoIntent, UnderstandsNothingElse) {
  for (const std::string_view text :
       {"",
        "hello",
        "read",
        "read it",
        "list",
        "write",
        "write to",
        "echo",
        "add",
        "add 2",
        "2 +",
        "I already read the news",
        "\"read /a\""}) {
    EXPECT_TRUE(demo_intents(text).empty()) << text;
  }
  EXPECT_LE(demo_intents(std::string(100000, '/')).size(), kDemoIntentsMax);
}

}  // namespace
}  // namespace sluice::provider_router
