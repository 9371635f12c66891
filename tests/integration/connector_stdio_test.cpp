// Real child processes: what they get, how they may misbehave, and that nothing of them is left.
#include "services/mcp-connector/adapters/child_process.h"
#include "tests/integration/connector_rig.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

std::string text_of(const Answer& answer) {
  const auto value = json::parse(answer.result);
  const json::Value* content = value.ok() ? value.value().find("content") : nullptr;
  return content == nullptr ? "no content in " + answer.result
                            : content->as_array()->front().text_or("text", "");
}

bool process_exists(int pid) {
  // A zombie does not count: it runs nothing any more.
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(status, line);
  const auto end = line.rfind(')');
  return end != std::string::npos && line.size() > end + 2 && line[end + 2] != 'Z';
}

TEST(Stdio, CallsAToolOfARealProcess) {
  StdioRig rig(fake_server({}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto answer = rig.call("echo", R"({"text":"hé \"quoted\""})");

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(text_of(answer.value()), "hé \"quoted\"");
}

TEST(Stdio, AChildSeesOnlyTheAllowListAndWhatIsNamed) {
  ServerConfig server = fake_server({});
  server.inherited = {"TOKEN"};
  server.env.emplace("OWN", Secret<std::string>("value"));
  StdioRig rig(server);
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto answer = rig.call("environment", "{}");

  ASSERT_THAT(answer, IsOk());
  const auto environment = json::parse(text_of(answer.value()));
  ASSERT_THAT(environment, IsOk());
  EXPECT_EQ(environment.value().text_or("HOME", ""), "/nowhere");
  EXPECT_EQ(environment.value().text_or("TOKEN", ""), "t0ken");
  EXPECT_EQ(environment.value().text_or("OWN", ""), "value");
  EXPECT_EQ(environment.value().find("SECRET"), nullptr);
}

TEST(Stdio, ArgumentsNeverMeetAShell) {
  StdioRig rig(fake_server({"--", "$(touch /tmp/never)", "a b", "; exit 1"}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto answer = rig.call("arguments", "{}");

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(text_of(answer.value()), R"x(["--", "$(touch /tmp/never)", "a b", "; exit 1"])x");
}

TEST(Stdio, SettingsThatCannotWorkSayWhy) {
  ServerConfig no_program = stdio_server("x");
  no_program.command = "no-such-program-anywhere";
  ServerConfig no_variable = fake_server({});
  no_variable.inherited = {"NOT_SET"};
  ServerConfig no_directory = fake_server({});
  no_directory.working_directory = "/no/such/directory";
  ServerConfig no_mode = stdio_server("x");
  no_mode.command = "/etc/passwd";

  for (const auto& [server, word] :
       {std::pair{no_program, "no-such-program"},
        std::pair{no_variable, "NOT_SET"},
        std::pair{no_directory, "working directory"},
        std::pair{no_mode, "/etc/passwd"}}) {
    StdioRig rig(server);
    const auto opened = rig.open();
    ASSERT_THAT(opened, HasCode(Code::Invalid));
    EXPECT_NE(opened.error().message().find(word), std::string::npos) << opened.error().message();
  }
}

TEST(Stdio, ToleratesBannersGarbageAndStorms) {
  StdioRig rig(fake_server({"--banner", "--garbage", "--storm"}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto tools = rig.loop.run(rig.session->list_tools(rig.loop.clock()->now() + 10s));

  ASSERT_THAT(tools, IsOk());
  EXPECT_EQ(tools.value().size(), 7U);
  EXPECT_EQ(rig.list_changes, 7);
}

TEST(Stdio, ReadsPagesAndHugeCatalogs) {
  StdioRig pages(fake_server({"--pages"}));
  ASSERT_THAT(pages.open(), IsOk());
  ASSERT_THAT(pages.initialize(), IsOk());
  StdioRig huge(fake_server({"--large-catalog", "3000000"}));
  ASSERT_THAT(huge.open(), IsOk());
  ASSERT_THAT(huge.initialize(), IsOk());

  const auto paged = pages.loop.run(pages.session->list_tools(pages.loop.clock()->now() + 10s));
  const auto large = huge.loop.run(huge.session->list_tools(huge.loop.clock()->now() + 10s));

  ASSERT_THAT(paged, IsOk());
  EXPECT_EQ(paged.value().size(), 7U);
  ASSERT_THAT(large, IsOk());
  EXPECT_EQ(large.value().front().text_or("description", "").size(), 3'000'000U);
}

TEST(Stdio, ListsThatFailHaveNoEndOrAreNoneAreEmptyAndTheToolsStay) {
  for (const auto& [how, listed] :
       {std::pair{"good", 2U},
        std::pair{"refused", 0U},
        std::pair{"endless", 0U},
        std::pair{"malformed", 0U}}) {
    SCOPED_TRACE(how);
    StdioRig rig(fake_server({"--offers", how, "--storm"}));
    ASSERT_THAT(rig.open(), IsOk());
    const auto started = rig.initialize();
    ASSERT_THAT(started, IsOk());

    const auto offered = rig.offerings(started.value().capabilities);

    ASSERT_THAT(offered, IsOk());
    EXPECT_EQ(offered.value().resources.size(), listed);
    EXPECT_EQ(offered.value().templates.size(), listed / 2);
    EXPECT_EQ(offered.value().prompts.size(), listed / 2);
    EXPECT_EQ(rig.list_changes, 9);
    EXPECT_THAT(rig.call("echo", R"({"text":"hi"})"), IsOk());
  }
}

TEST(Stdio, SkipsALineOverTheLimitAndGoesOn) {
  StdioRig rig(fake_server({"--long-line", "17000000"}));
  ASSERT_THAT(rig.open(), IsOk());

  EXPECT_THAT(rig.initialize(), IsOk());
}

TEST(Stdio, WaitsForASlowServerButNotForEver) {
  StdioRig slow(fake_server({"--slow-start", "1"}));
  ASSERT_THAT(slow.open(), IsOk());
  StdioRig never(fake_server({"--never-ready"}));
  ASSERT_THAT(never.open(), IsOk());

  EXPECT_THAT(slow.initialize(), IsOk());
  EXPECT_THAT(never.initialize(500ms), HasCode(Code::Deadline));
}

TEST(Stdio, ALoudServerNeverBlocksOnItsErrors) {
  StdioRig rig(fake_server({"--stderr", "2000000"}));
  ASSERT_THAT(rig.open(), IsOk());

  ASSERT_THAT(rig.initialize(), IsOk());

  EXPECT_LE(rig.link->last_words().size(), 512U);
  EXPECT_NE(rig.link->last_words().find("the last words"), std::string::npos);
}

TEST(Stdio, PassesProgressOfALongCall) {
  StdioRig rig(fake_server({}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  ASSERT_THAT(rig.call("sleep", R"({"ms":50})"), IsOk());

  ASSERT_EQ(rig.progress.size(), 1U);
}

TEST(Stdio, AServerThatCrashesMidCallFailsTheCallAtOnce) {
  tests::TemporaryDirectory directory;
  StdioRig rig(fake_server({}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto answer = rig.call("crash", R"({"path":")" + directory.file("ledger") + R"("})");

  EXPECT_THAT(answer, HasCode(Code::Unavailable));
  EXPECT_EQ(tests::read_text(directory.file("ledger")), "effect before the crash\n");
  EXPECT_EQ(rig.gone, 1);
  EXPECT_THAT(
      rig.session->call_tool("echo", "{}", rig.loop.clock()->now() + 1s), HasCode(Code::Unavailable)
  );
}

TEST(Stdio, AServerThatObeysEofEndsAtOnce) {
  StdioRig rig(fake_server({}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  EXPECT_LT(rig.stop(), 2000ms);
}

TEST(Stdio, AServerThatIgnoresEofIsTerminated) {
  StdioRig rig(fake_server({"--ignore-eof"}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto took = rig.stop();

  EXPECT_GE(took, 1900ms);
  EXPECT_LT(took, 4000ms);
}

TEST(Stdio, AServerThatIgnoresEverythingIsKilledWithItsGroup) {
  tests::TemporaryDirectory directory;
  StdioRig rig(
      fake_server({"--ignore-eof", "--ignore-sigterm", "--grandchild", directory.file("pid")})
  );
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());
  const int grandchild = std::stoi(tests::read_text(directory.file("pid")));
  ASSERT_TRUE(process_exists(grandchild));

  const auto took = rig.stop();

  EXPECT_LT(took, 7000ms);
  EXPECT_TRUE(tests::eventually([grandchild] { return !process_exists(grandchild); }, 2s));
}

TEST(Stdio, AnEndThatLeavesAGrandchildOnThePipeIsStillSeen) {
  tests::TemporaryDirectory directory;
  StdioRig rig(fake_server({"--grandchild", directory.file("pid")}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());
  const int grandchild = std::stoi(tests::read_text(directory.file("pid")));

  const auto answer = rig.call("crash", R"({"path":")" + directory.file("ledger") + R"("})", 5s);

  EXPECT_THAT(answer, HasCode(Code::Unavailable));
  EXPECT_TRUE(tests::eventually([grandchild] { return !process_exists(grandchild); }, 2s));
}

TEST(Stdio, AServerThatDoesNotReadFillsABoundedBuffer) {
  StdioRig rig(fake_server({"--deaf"}));
  ASSERT_THAT(rig.open(), IsOk());
  const std::string large = R"({"text":")" + std::string(std::size_t{4} << 20, 'x') + R"("})";
  std::vector<std::unique_ptr<McpSession::Ticket>> tickets;

  Result<void> last;
  for (int i = 0; i < 20 && last.ok(); ++i) {
    auto ticket = rig.session->call_tool("echo", large, rig.loop.clock()->now() + 10s);
    if (ticket.ok()) {
      tickets.push_back(std::move(ticket).value());
    } else {
      last = ticket.error();
    }
  }

  EXPECT_THAT(last, HasCode(Code::Exhausted));
  rig.session->fail_all(Error(Code::Unavailable, "enough"));
  tickets.clear();
}

TEST(ChildProcess, DiesWithTheObjectThatOwnsIt) {
  RealLoop loop;
  int pid = 0;
  {
    ChildSpec spec{
        .command = "sleep", .arguments = {"1000"}, .environment = {}, .working_directory = {}
    };
    const auto child = loop.run(ChildProcess::start(loop.executor(), loop.clock(), spec));
    ASSERT_THAT(child, IsOk());
    pid = child.value()->pid();
    EXPECT_TRUE(process_exists(pid));
  }

  EXPECT_FALSE(process_exists(pid));
}

}  // namespace
}  // namespace sluice::mcp_connector
