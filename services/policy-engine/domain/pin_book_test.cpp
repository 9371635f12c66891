#include "services/policy-engine/domain/pin_book.h"

#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr const char* kOther = R"({"description":"another"})";

std::string settings(const std::string& pins) {
  return R"({"policy": {"preset": "open", "tool_pins": ")" + pins +
         R"("}, "mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", )"
         R"("tools_to_execute": ["*"]}]}, "auth": {"keys": [)" +
         key_entry("alice") + ", " + key_entry("root", R"(, "roles": ["caller", "admin"])") + "]}}";
}

class PinBookTest : public ::testing::Test {
 protected:
  // Names of the tools listed.
  std::vector<std::string> listed(PolicyFixture& fixture) {
    const auto reply = fixture.run((*fixture.visible)({}, fixture.context_of("alice")));
    EXPECT_THAT(reply, IsOk());
    std::vector<std::string> names;
    for (const auto& tool : reply.value().tools()) {
      names.push_back(tool.tool());
    }
    return names;
  }

  policy::v1::Decision decided(PolicyFixture& fixture, const std::string& definition = "{}") {
    policy::v1::DecideRequest request = fixture.request_for("read_file", policy::v1::MODE_MANUAL);
    request.mutable_calls(0)->set_definition_hash(crypto::sha256(definition));
    const auto reply = fixture.run((*fixture.decide)(request, fixture.context_of("alice")));
    EXPECT_THAT(reply, IsOk());
    return reply.value().decisions(0);
  }

  // A server tells another definition, and says so.
  static void change(PolicyFixture& fixture, const std::string& definition) {
    fixture.servers.put("files", "read_file", definition);
    fixture.catalogs.invalidate();
  }
};

TEST_F(PinBookTest, PinsTheFirstDefinitionAndQuarantinesAnother) {
  PolicyFixture fixture(settings("first_use"));
  EXPECT_THAT(listed(fixture), ElementsAre("delete_file", "read_file", "write_file"));

  change(fixture, kOther);

  EXPECT_THAT(listed(fixture), ElementsAre("delete_file", "write_file"));
  for (const char* definition : {kOther, "{}"}) {
    const policy::v1::Decision decision = decided(fixture, definition);
    EXPECT_EQ(decision.verdict(), policy::v1::VERDICT_DENY);
    EXPECT_EQ(decision.rule(), "pins.quarantined");
    EXPECT_THAT(decision.reason(), HasSubstr("sluice pins show files read_file"));
    EXPECT_TRUE(decision.grant().empty());
  }
  EXPECT_THAT(
      fixture.pins.noted(),
      ElementsAre(
          "tool.pinned files-read_file",
          "tool.pinned files-write_file",
          "tool.pinned files-delete_file",
          "tool.quarantined files-read_file"
      )
  );
  EXPECT_THAT(fixture.metrics->expose(), HasSubstr("sluice_policy_tools_quarantined 1"));
}

TEST_F(PinBookTest, LetsGoADefinitionThatIsThePinnedOneAgain) {
  PolicyFixture fixture(settings("first_use"));
  listed(fixture);
  change(fixture, kOther);
  listed(fixture);

  change(fixture, "{}");

  EXPECT_FALSE(decided(fixture).grant().empty());
  EXPECT_EQ(fixture.pins.noted().back(), "tool.released files-read_file");
}

TEST_F(PinBookTest, NotesAQuarantineOnce) {
  PolicyFixture fixture(settings("first_use"));
  listed(fixture);
  change(fixture, kOther);
  listed(fixture);
  const std::size_t noted = fixture.pins.records.size();

  fixture.servers.put("files", "write_file");  // another catalog with the same definitions
  fixture.catalogs.invalidate();
  listed(fixture);

  EXPECT_EQ(fixture.pins.records.size(), noted);
}

TEST_F(PinBookTest, WaitsForAnAdminWhereTheOperatorSaysSo) {
  PolicyFixture fixture(settings("approve"));

  EXPECT_THAT(listed(fixture), ElementsAre());

  EXPECT_EQ(decided(fixture).rule(), "pins.quarantined");
}

TEST_F(PinBookTest, LooksAtNothingWhereTheOperatorSaysSo) {
  PolicyFixture fixture(settings("off"));
  listed(fixture);
  change(fixture, kOther);

  EXPECT_FALSE(decided(fixture, kOther).grant().empty());
  EXPECT_EQ(fixture.pins.checks, 0);
}

TEST_F(PinBookTest, GoesOnWithThePinsItKnowsWhileTheStoreIsDown) {
  PolicyFixture fixture(settings("first_use"));
  listed(fixture);
  fixture.pins.set_down(true);
  fixture.servers.put("files", "new_file");
  change(fixture, kOther);

  EXPECT_THAT(listed(fixture), ElementsAre("delete_file", "write_file"));
  EXPECT_EQ(decided(fixture, kOther).rule(), "pins.quarantined") << "a change is none less known";
  EXPECT_EQ(fixture.catalogs.version(), "") << "answers that are kept are not kept";

  fixture.pins.set_down(false);
  fixture.clock.advance(kPinRetryInterval);
  fixture.catalogs.refresh_if_old();
  fixture.loop.restart();
  fixture.loop.poll();

  EXPECT_THAT(listed(fixture), ElementsAre("delete_file", "new_file", "write_file"));
  EXPECT_EQ(fixture.catalogs.version(), fixture.servers.version());
}

TEST_F(PinBookTest, AgreesToNothingItHasNotReadWhileTheStoreIsDown) {
  PolicyFixture fixture(settings("first_use"));
  fixture.pins.set_down(true);

  EXPECT_THAT(listed(fixture), ElementsAre());
  const auto shown = fixture.run((*fixture.visible)({}, fixture.context_of("alice")));
  EXPECT_EQ(shown.value().catalog_version(), "") << "it is not whole";
  EXPECT_EQ(decided(fixture).rule(), "catalog.pins_unread");
}

TEST_F(PinBookTest, ForgetsPinsThatAnAdminMayHaveChanged) {
  PolicyFixture fixture(settings("first_use"));
  listed(fixture);
  Policy policy = fixture.state.loaded()->policy;
  policy.stored_revision = 1;
  fixture.state.load(std::make_shared<const LoadedPolicy>(LoadedPolicy{policy, "h", 2}));
  fixture.pins.set_down(true);

  EXPECT_EQ(decided(fixture).rule(), "catalog.pins_unread");
}

TEST_F(PinBookTest, PinsOfAServerAreBounded) {
  connector::v1::CatalogReply catalog;
  auto* const server = catalog.add_servers();
  server->set_name("files");
  auto* const tool = server->add_tools();
  tool->set_name("one_more");
  tool->set_definition_hash(std::string(32, 'h'));
  PinsByName pins;
  for (std::size_t i = 0; i < kPinsPerServerMax; ++i) {
    pins[{"files", std::to_string(i)}].pinned_hash = "h";
  }

  EXPECT_TRUE(planned_changes(catalog, pins, ToolPins::FirstUse).empty());
  pins.erase(pins.begin());
  EXPECT_EQ(planned_changes(catalog, pins, ToolPins::FirstUse).size(), 1U);
  tool->set_name(std::string("a\0b", 3));
  EXPECT_TRUE(planned_changes(catalog, pins, ToolPins::FirstUse).empty()) << "not storable";
}

}  // namespace
}  // namespace sluice::policy_engine
