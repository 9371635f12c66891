#include "services/policy-engine/handlers/manage_pins.h"

#include "services/policy-engine/testing/policy_fixture.h"

#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using testing::IsOk;
using ::testing::SizeIs;

constexpr const char* kOther = R"({"description":"another"})";

// Three pinned tools of "files", of which read_file has changed.
class ManagePinsTest : public ::testing::Test {
 protected:
  ManagePinsTest() {
    get_catalog();
    fixture.servers.put("files", "read_file", kOther);
    fixture.catalogs.invalidate();
    get_catalog();
  }

  void get_catalog() {
    ASSERT_THAT(fixture.run(fixture.catalogs.get(fixture.context_without_token())), IsOk());
  }

  Result<policy::v1::ManageReply> manage(
      policy::v1::ManageRequest request, std::string_view key = "root"
  ) {
    return fixture.run((*fixture.manage)(std::move(request), fixture.context_of(key)));
  }

  Result<policy::v1::ManageReply> approve(
      const std::string& tool, const std::string& definition, std::string_view key = "root"
  ) {
    policy::v1::ManageRequest request;
    request.mutable_approve_pin()->set_server("files");
    request.mutable_approve_pin()->set_tool(tool);
    request.mutable_approve_pin()->set_definition_hash(crypto::sha256(definition));
    return manage(std::move(request), key);
  }

  PolicyFixture fixture;
};

TEST_F(ManagePinsTest, ListsPins) {
  policy::v1::ManageRequest request;
  request.mutable_list_pins();
  EXPECT_THAT(manage(request).value().pins(), SizeIs(3));

  request.mutable_list_pins()->set_quarantined_only(true);
  const auto reply = manage(request);

  ASSERT_THAT(reply.value().pins(), SizeIs(1));
  const policy::v1::ToolPin& pin = reply.value().pins(0);
  EXPECT_EQ(pin.tool(), "read_file");
  EXPECT_EQ(pin.pinned_by(), "first use");
  EXPECT_EQ(pin.pinned_hash(), crypto::sha256("{}"));
  EXPECT_EQ(pin.offered_hash(), crypto::sha256(kOther));
  EXPECT_TRUE(pin.quarantined());
  EXPECT_THAT(manage(request, "alice"), HasCode(Code::Denied));
}

TEST_F(ManagePinsTest, ShowsWhatIsDifferent) {
  policy::v1::ManageRequest request;
  request.mutable_get_pin()->set_server("files");
  request.mutable_get_pin()->set_tool("read_file");

  const auto reply = manage(request);

  ASSERT_THAT(reply, IsOk());
  ASSERT_THAT(reply.value().pins(0).differences(), SizeIs(1));
  EXPECT_EQ(reply.value().pins(0).differences(0).pointer(), "/description");
  EXPECT_EQ(reply.value().pins(0).differences(0).offered(), "\"another\"");
  request.mutable_get_pin()->set_tool(std::string("a\0b", 3));
  EXPECT_THAT(manage(request), HasCode(Code::NotFound));
}

TEST_F(ManagePinsTest, AnApprovedDefinitionIsInForceWhenItIsAnswered) {
  const std::uint64_t version = fixture.state.loaded()->version;

  const auto reply = approve("read_file", kOther);

  ASSERT_THAT(reply, IsOk());
  EXPECT_FALSE(reply.value().pins(0).quarantined());
  EXPECT_EQ(reply.value().pins(0).pinned_by(), "key:root");
  EXPECT_GT(fixture.state.loaded()->version, version) << "whoever keeps answers asks anew";
  EXPECT_EQ(fixture.catalogs.known()->tools()[1].pin, PinState::Agreed);
  const audit::v1::Record& record = fixture.pins.records.back();
  EXPECT_EQ(record.action(), "tool.pin_approved");
  EXPECT_EQ(record.principal(), "key:root");
  EXPECT_EQ(record.definition_hash(), crypto::sha256(kOther));
}

TEST_F(ManagePinsTest, ARepeatedApprovalChangesNothing) {
  ASSERT_THAT(approve("read_file", kOther), IsOk());
  const std::size_t records = fixture.pins.records.size();

  EXPECT_THAT(approve("read_file", kOther), IsOk());
  EXPECT_EQ(fixture.pins.records.size(), records);
}

TEST_F(ManagePinsTest, OnlyTheOfferedDefinitionIsApproved) {
  EXPECT_THAT(approve("read_file", "{}"), HasCode(Code::Conflict)) << "the pinned one";
  EXPECT_THAT(approve("read_file", R"({"a":1})"), HasCode(Code::Conflict));
  EXPECT_THAT(approve("unheard_of", kOther), HasCode(Code::NotFound));
  EXPECT_THAT(approve("read_file", kOther, "alice"), HasCode(Code::Denied));
  policy::v1::ManageRequest request;
  request.mutable_approve_pin()->set_server("files");
  request.mutable_approve_pin()->set_tool("read_file");
  EXPECT_THAT(manage(request), HasCode(Code::Invalid));
}

TEST_F(ManagePinsTest, SaysThatTheStoreIsDown) {
  fixture.pins.set_down(true);
  policy::v1::ManageRequest request;
  request.mutable_list_pins();

  EXPECT_THAT(manage(request), HasCode(Code::Unavailable));
  EXPECT_THAT(approve("read_file", kOther), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::policy_engine
