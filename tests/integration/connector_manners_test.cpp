// Bad manners seen in published servers, over whole connections: each is survived without a setting
// for that server. The table of all of them is in README.md.
#include "tests/integration/connector_http_rig.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

using RunningStdio = RunningConnection<StdioOf>;
using RunningHttp = RunningConnection<HttpOpener>;

template <class Running>
Result<Answer> echo(Running* running) {
  SLUICE_TRY(
      const auto ticket,
      running->connection.call_tool("echo", R"({"text":"hi"})", running->loop.clock()->now() + 5s)
  );
  running->loop.wait([&ticket] { return ticket->ended(); }, 6s);
  return ticket->take();
}

template <class Running>
void expect_echo(Running* running) {
  const auto answer = echo(running);
  ASSERT_THAT(answer, IsOk());
  EXPECT_NE(answer.value().result.find("\"hi\""), std::string::npos) << answer.value().result;
}

// How a server behaves, and what is known of it then.
struct Manner {
  std::string name;
  std::vector<std::string> options;
  std::size_t tools = 7;
  std::size_t resources = 0;
};

void PrintTo(const Manner& manner, std::ostream* out) {
  *out << manner.name;
}

class Manners : public ::testing::TestWithParam<Manner> {};

TEST_P(Manners, AreSurvivedAndItsToolsWork) {
  RunningStdio running(fake_server(GetParam().options));
  ASSERT_TRUE(running.attempted());
  ASSERT_TRUE(running.connection.connected()) << running.connection.status().message();

  EXPECT_EQ(running.connection.catalog()->tools().size(), GetParam().tools);
  EXPECT_EQ(running.connection.catalog()->offerings().resources.size(), GetParam().resources);
  expect_echo(&running);
  expect_echo(&running);
}

std::vector<Manner> manners() {
  return {
      {.name = "AnswersInBatches", .options = {"--batch"}},
      {.name = "AnswersUnderWrongIdsAndTwice", .options = {"--wrong-ids"}},
      {.name = "LogsUnasked", .options = {"--chatty"}},
      {.name = "ListsEverythingTwice",
       .options = {"--duplicates", "--offers", "good"},
       .resources = 2},
      {.name = "ToolObjectsInItsCapabilities", .options = {"--capabilities", "tools"}},
      {.name = "NoCapabilitiesButTools", .options = {"--capabilities", "none"}},
      {.name = "OldProtocol", .options = {"--version", "2024-11-05"}},
      {.name = "LessOldProtocol", .options = {"--version", "2025-03-26"}},
      {.name = "GarbageAsFastAsItIsRead", .options = {"--flood"}},
      {.name = "CatalogOfAMegabyteOnOneLine", .options = {"--large-catalog", "1000000"}},
      {.name = "SlowToStart", .options = {"--slow-start", "2"}},
      {.name = "AllAtOnce",
       .options =
           {"--banner", "--garbage", "--wrong-ids", "--chatty", "--batch", "--storm", "--pages"}}
  };
}

INSTANTIATE_TEST_SUITE_P(
    OfStdioServers,
    Manners,
    ::testing::ValuesIn(manners()),
    [](const auto& of) { return of.param.name; }
);

// What a server may do to its start, and where that fails.
struct FailedStart {
  std::string name;
  std::vector<std::string> options;
  Stage stage;
};

void PrintTo(const FailedStart& start, std::ostream* out) {
  *out << start.name;
}

class FailedStarts : public ::testing::TestWithParam<FailedStart> {};

TEST_P(FailedStarts, AreErrorsThatSayWhere) {
  ServerConfig server = fake_server(GetParam().options);
  server.start_timeout = 5s;
  RunningStdio running(std::move(server));
  ASSERT_TRUE(running.attempted());

  EXPECT_EQ(running.connection.status().state(), connector::v1::SERVER_STATE_ERROR);
  EXPECT_EQ(running.connection.status().stage(), GetParam().stage);
  EXPECT_NE(running.connection.status().message(), "");
  EXPECT_THAT(echo(&running), HasCode(Code::Unavailable));
}

INSTANTIATE_TEST_SUITE_P(
    OfStdioServers,
    FailedStarts,
    ::testing::Values(
        FailedStart{"NeverAnswersInitialize", {"--never-ready"}, Stage::Initialize},
        FailedStart{"CannotListItsTools", {"--tools", "refused"}, Stage::ListTools},
        FailedStart{"NeverListsItsTools", {"--tools", "silent"}, Stage::ListTools},
        FailedStart{"ListsAToolWithoutAName", {"--tools", "nameless"}, Stage::ListTools}
    ),
    [](const auto& of) { return of.param.name; }
);

TEST(MannersOfStdio, AnEmptyListIsAListAndItsToolsMayComeLater) {
  RunningStdio running(fake_server({"--tools", "empty"}));
  ASSERT_TRUE(running.attempted());

  EXPECT_TRUE(running.connection.connected());
  EXPECT_TRUE(running.connection.catalog()->tools().empty());
}

TEST(MannersOfStdio, OfTwoToolsWithOneNameTheFirstIsOffered) {
  RunningStdio running(fake_server({"--duplicates"}));
  ASSERT_TRUE(running.attempted());

  const Tool* tool = running.connection.catalog()->find("echo");

  ASSERT_NE(tool, nullptr);
  EXPECT_EQ(tool->definition.find("the second of that name"), std::string::npos)
      << tool->definition;
}

TEST(MannersOfStdio, AStormWithoutEndIsListedLessAndLessOftenAndCallsGoOn) {
  RunningStdio running(fake_server({"--endless-storm"}));
  ASSERT_TRUE(running.attempted());

  running.loop.wait([] { return false; }, 4s);
  const TimePoint began = running.loop.clock()->now();
  expect_echo(&running);

  EXPECT_LT(running.loop.clock()->now() - began, 1s);
  EXPECT_TRUE(running.connection.connected());
}

// The same over HTTP.
class HttpManners : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(HttpManners, AreSurvivedAndTheEndIsQuick) {
  const FakeHttpServer server(GetParam());
  RealLoop watch;
  TimePoint began;
  {
    RunningHttp running(server.config());
    ASSERT_TRUE(running.attempted());
    ASSERT_TRUE(running.connection.connected()) << running.connection.status().message();
    EXPECT_EQ(running.connection.catalog()->tools().size(), 12U);
    expect_echo(&running);
    running.loop.wait([] { return false; }, 200ms);
    expect_echo(&running);
    began = watch.clock()->now();
  }
  EXPECT_LT(watch.clock()->now() - began, 2s);
}

INSTANTIATE_TEST_SUITE_P(
    OfHttpServers,
    HttpManners,
    ::testing::Values(
        std::vector<std::string>{"--no-delete"},
        std::vector<std::string>{"--silent-get"},
        std::vector<std::string>{"--stateless", "--silent-get"},
        std::vector<std::string>{"--stateless", "--no-get", "--json"},
        std::vector<std::string>{"--duplicates"},
        std::vector<std::string>{"--version", "2025-03-26"}
    )
);

}  // namespace
}  // namespace sluice::mcp_connector
