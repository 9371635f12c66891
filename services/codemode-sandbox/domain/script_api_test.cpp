#include "services/codemode-sandbox/domain/script_api.h"

#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

TEST(ScriptApi, HoldsWhatIsOfferedToScriptsSorted) {
  FakePolicyEngine policy;
  policy.show("zoo", "feed");
  policy.show("files", "write");
  policy.show("files", "read");
  policy.show("plain", "read", policy::v1::EFFECT_CLASS_READ, false);
  policy.show("no-identifier", "read");

  const ScriptApi tools({}, policy.shown);

  runner::Run run;
  tools.add_to(&run);
  ASSERT_EQ(run.namespaces_size(), 2);
  EXPECT_EQ(run.namespaces(0).name(), "files");
  EXPECT_THAT(run.namespaces(0).functions(), ::testing::ElementsAre("read", "write"));
  EXPECT_EQ(run.namespaces(1).name(), "zoo");
  ASSERT_NE(tools.find("files", "read"), nullptr);
  EXPECT_EQ(tools.find("files", "read")->definition_hash, "hash of read");
  EXPECT_EQ(tools.find("plain", "read"), nullptr);
  EXPECT_EQ(tools.find("files", "feed"), nullptr);
}

TEST(ScriptApi, HintsAreBounded) {
  FakePolicyEngine policy;
  for (int i = 10; i < 40; ++i) {
    policy.show("files", "t" + std::to_string(i));
  }

  const std::string hint = ScriptApi({}, policy.shown).hint("files");

  EXPECT_TRUE(hint.starts_with("files has: t10, t11, ")) << hint;
  EXPECT_TRUE(hint.ends_with("t29 and 10 more")) << hint;
  EXPECT_EQ(ScriptApi({}, {}).hint("files"), "no server is offered to scripts");
}

}  // namespace
}  // namespace sluice::codemode_sandbox
