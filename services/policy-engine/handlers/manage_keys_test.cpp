#include "services/policy-engine/handlers/manage_keys.h"

#include "services/policy-engine/domain/key_change.h"
#include "services/policy-engine/limits.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::MatchesRegex;
using ::testing::Not;

policy::v1::VirtualKey key_with(
    const std::string& id, std::vector<std::string> roles = {"caller"}
) {
  policy::v1::VirtualKey key;
  key.set_id(id);
  key.mutable_roles()->Assign(roles.begin(), roles.end());
  return key;
}

class ManageKeysTest : public ::testing::Test {
 protected:
  Result<policy::v1::ManageReply> manage(policy::v1::ManageRequest request) {
    return fixture.run((*fixture.manage)(std::move(request), fixture.context_of("root")));
  }

  Result<policy::v1::ManageReply> create(policy::v1::VirtualKey key) {
    policy::v1::ManageRequest request;
    *request.mutable_create_key()->mutable_key() = std::move(key);
    return manage(std::move(request));
  }

  Result<policy::v1::ManageReply> update(policy::v1::VirtualKey key) {
    policy::v1::ManageRequest request;
    *request.mutable_update_key()->mutable_key() = std::move(key);
    return manage(std::move(request));
  }

  Result<policy::v1::ManageReply> revoke(const std::string& id) {
    policy::v1::ManageRequest request;
    request.mutable_revoke_key()->set_id(id);
    return manage(std::move(request));
  }

  Result<policy::v1::AuthenticateReply> authenticate(const std::string& text) {
    policy::v1::AuthenticateRequest request;
    request.set_credential(text);
    return fixture.run((*fixture.authenticate)(request, fixture.context_without_token()));
  }

  PolicyFixture fixture;
};

TEST_F(ManageKeysTest, AMadeKeyWorksAtOnceWithWhatItMayDo) {
  policy::v1::VirtualKey asked = key_with("ci");
  asked.set_agent("builder");
  asked.set_tools_restricted(true);
  asked.add_tools("files-read_file");
  asked.set_models_restricted(true);
  asked.add_models("demo/*");

  const auto reply = create(asked);

  ASSERT_THAT(reply, IsOk());
  EXPECT_THAT(reply.value().key_text(), MatchesRegex("sk-sl-[A-Za-z0-9_-]{43}"));
  EXPECT_EQ(reply.value().policy_version(), 2U);
  EXPECT_EQ(reply.value().keys(0).created_by(), "key:root");
  EXPECT_FALSE(reply.value().keys(0).from_file());
  const auto token = authenticate(reply.value().key_text());
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token.value().claims().principal(), "key:ci");
  EXPECT_EQ(token.value().claims().agent(), "builder");
  EXPECT_THAT(token.value().claims().filter().tools(), ElementsAre("files-read_file"));
  EXPECT_TRUE(token.value().claims().models_restricted());
  EXPECT_THAT(token.value().claims().models(), ElementsAre("demo/*"));
}

TEST_F(ManageKeysTest, TheTextOfAKeyStandsNowhere) {
  const auto reply = create(key_with("ci"));
  ASSERT_THAT(reply, IsOk());
  const std::string text = reply.value().key_text();

  EXPECT_THAT(fixture.stored.actions(), ElementsAre("key.created"));
  for (const auto& record : fixture.stored.outbox) {
    EXPECT_THAT(record.SerializeAsString(), Not(HasSubstr(text)));
    EXPECT_EQ(record.principal(), "key:root");
    EXPECT_THAT(record.body(), HasSubstr(R"("id":"ci")"));
  }
  EXPECT_NE(fixture.stored.stored.keys[0].digest, text);
}

TEST_F(ManageKeysTest, IdsAreMadeWhereNoneIsGivenAndNeverUsedTwice) {
  const auto made = create(key_with(""));
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(made.value().keys(0).id(), MatchesRegex("key-[0-9a-f]{16}"));
  ASSERT_THAT(create(key_with("ci")), IsOk());

  EXPECT_THAT(create(key_with("ci")), HasCode(Code::Conflict));
  EXPECT_THAT(create(key_with("alice")), HasCode(Code::Conflict));
  ASSERT_THAT(revoke("ci"), IsOk());
  EXPECT_THAT(create(key_with("ci")), HasCode(Code::Conflict));
}

TEST_F(ManageKeysTest, ARevokedKeyIsRefusedAndSoAreItsTokens) {
  const auto made = create(key_with("ci"));
  ASSERT_THAT(made, IsOk());
  RequestContext context = fixture.context_without_token();
  context.caller_token = authenticate(made.value().key_text()).value().caller_token();
  ASSERT_THAT(fixture.run(fixture.callers->verify(context)), IsOk());

  const auto revoked = revoke("ci");

  ASSERT_THAT(revoked, IsOk());
  EXPECT_TRUE(revoked.value().keys(0).revoked());
  EXPECT_THAT(authenticate(made.value().key_text()), HasCode(Code::Unauthenticated));
  EXPECT_THAT(fixture.run(fixture.callers->verify(context)), HasCode(Code::Unauthenticated));
  EXPECT_THAT(fixture.stored.actions(), ElementsAre("key.created", "key.revoked"));
}

TEST_F(ManageKeysTest, AnExpiredKeyIsRefusedAndItsTokensEndWithIt) {
  policy::v1::VirtualKey asked = key_with("ci");
  asked.set_expires_unix_ms(fixture.clock.unix_ms() + 10'000);
  const auto made = create(asked);
  ASSERT_THAT(made, IsOk());
  const auto token = authenticate(made.value().key_text());
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token.value().claims().not_after_unix_ms(), asked.expires_unix_ms());
  RequestContext context = fixture.context_without_token();
  context.caller_token = token.value().caller_token();

  fixture.clock.advance(std::chrono::seconds(10));

  EXPECT_THAT(authenticate(made.value().key_text()), HasCode(Code::Unauthenticated));
  EXPECT_THAT(fixture.run(fixture.callers->verify(context)), HasCode(Code::Unauthenticated));
}

TEST_F(ManageKeysTest, ATokenLosesTheRolesThatItsKeyLost) {
  const auto made = create(key_with("ops", {"caller", "admin"}));
  ASSERT_THAT(made, IsOk());
  RequestContext context = fixture.context_without_token();
  context.caller_token = authenticate(made.value().key_text()).value().caller_token();

  ASSERT_THAT(update(key_with("ops")), IsOk());

  const auto caller = fixture.run(fixture.callers->verify(context));
  ASSERT_THAT(caller, IsOk());
  EXPECT_THAT(caller.value().claims.roles(), ElementsAre("caller"));
}

TEST_F(ManageKeysTest, AnUpdateTakesThePlaceOfAllAKeyMayDo) {
  policy::v1::VirtualKey narrow = key_with("ci");
  narrow.set_servers_restricted(true);
  const auto made = create(narrow);
  ASSERT_THAT(made, IsOk());

  ASSERT_THAT(update(key_with("ci", {"caller", "approver"})), IsOk());

  const auto token = authenticate(made.value().key_text());
  ASSERT_THAT(token, IsOk());
  EXPECT_FALSE(token.value().claims().filter().restricted());
  EXPECT_THAT(token.value().claims().roles(), ElementsAre("approver", "caller"));
}

TEST_F(ManageKeysTest, KeysOfTheFileAreListedAndReadOnly) {
  policy::v1::ManageRequest list;
  list.mutable_list_keys();
  ASSERT_THAT(create(key_with("ci")), IsOk());
  ASSERT_THAT(create(key_with("old")), IsOk());
  ASSERT_THAT(revoke("old"), IsOk());

  const auto listed = manage(list);

  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed.value().keys_size(), 7);
  EXPECT_EQ(listed.value().keys(0).id(), "alice");
  EXPECT_TRUE(listed.value().keys(0).from_file());
  EXPECT_EQ(listed.value().keys(5).id(), "old");
  EXPECT_TRUE(listed.value().keys(5).revoked());
  EXPECT_THAT(revoke("alice"), HasCode(Code::Conflict));
  EXPECT_THAT(update(key_with("alice")), HasCode(Code::Conflict));
  EXPECT_THAT(revoke("nobody"), HasCode(Code::NotFound));
}

TEST_F(ManageKeysTest, EveryFaultOfAKeyIsTold) {
  policy::v1::VirtualKey bad = key_with("no spaces", {"king"});
  bad.set_tenant("no spaces");
  bad.set_expires_unix_ms(1);
  bad.add_models("");

  const auto reply = create(bad);

  ASSERT_THAT(reply, HasCode(Code::Invalid));
  for (const char* member : {"id ", "tenant ", "roles ", "expires_at ", "models "}) {
    EXPECT_THAT(reply.error().message(), HasSubstr(member));
  }
  EXPECT_EQ(fixture.stored.stored.revision, 0U);
}

TEST_F(ManageKeysTest, OnlyAdminsManageKeys) {
  policy::v1::ManageRequest list;
  list.mutable_list_keys();

  EXPECT_THAT(
      fixture.run((*fixture.manage)(list, fixture.context_of("alice"))), HasCode(Code::Denied)
  );
}

TEST(KeyChange, TheLastAdminStays) {
  PolicyFixture fixture;
  const auto loaded = std::make_shared<LoadedPolicy>();
  CallerKey admin;
  admin.id = "boss";
  admin.digest = "d";
  admin.roles = {"admin"};
  admin.origin = KeyOrigin{"setup", 1};
  const StoredPolicy before{1, {admin}};
  const KeyAdmin who{"key:boss", "default", "boss", RequestContext(), loaded, 1'000};
  CallerKey demoted = admin;
  demoted.roles = {"caller"};
  CallerKey second = admin;
  second.id = "second";
  second.digest = "e";

  EXPECT_THAT(revocation_of("boss", who)(before), HasCode(Code::Conflict));
  EXPECT_THAT(update_of(demoted, who)(before), HasCode(Code::Conflict));
  EXPECT_THAT(revocation_of("boss", who)(StoredPolicy{1, {admin, second}}), IsOk());
  second.expires_unix_ms = 1'000;
  EXPECT_THAT(
      revocation_of("boss", who)(StoredPolicy{1, {admin, second}}), HasCode(Code::Conflict)
  );
}

TEST(KeyChange, KeysOfFileAndApiAreCountedTogether) {
  const auto loaded = std::make_shared<LoadedPolicy>();
  for (std::size_t i = 0; i + 1 < kKeysMax; ++i) {
    CallerKey key;
    key.id = "k" + std::to_string(i);
    loaded->policy.keys.push_back(key);
  }
  const KeyAdmin who{"key:boss", "default", "boss", RequestContext(), loaded, 1'000};
  CallerKey one;
  one.id = "one";
  one.origin = KeyOrigin{};
  CallerKey more;
  more.id = "more";

  EXPECT_THAT(creation_of(more, who)(StoredPolicy{}), IsOk());
  EXPECT_THAT(creation_of(more, who)(StoredPolicy{1, {one}}), HasCode(Code::Conflict));
}

}  // namespace
}  // namespace sluice::policy_engine
