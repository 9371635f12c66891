#include "common/grant/grant.h"

#include "common/base/bytes.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice::grant {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr std::int64_t kNow = 1'800'000'000'000;

policy::v1::CallerClaims claims() {
  policy::v1::CallerClaims made;
  made.set_tenant("default");
  made.set_principal("key:k1");
  made.add_roles("caller");
  made.set_key_id("k1");
  made.set_not_before_unix_ms(kNow);
  made.set_not_after_unix_ms(kNow + kTokenLifeMs);
  return made;
}

policy::v1::Grant some_grant() {
  policy::v1::Grant made;
  made.set_version(1);
  made.set_grant_id(std::string(16, 'g'));
  made.set_tenant("default");
  made.set_principal("key:k1");
  made.set_tool("write_file");
  made.set_args_digest(std::string(32, 'd'));
  made.set_not_before_unix_ms(kNow);
  made.set_not_after_unix_ms(kNow + kGrantLifeMs);
  return made;
}

class GrantTest : public ::testing::Test {
 protected:
  GrantTest() { ring.add(key.public_key()); }

  crypto::PrivateKey key = crypto::PrivateKey::generate();
  KeyRing ring;
};

TEST_F(GrantTest, TokensAndGrantsComeBackAsSigned) {
  const auto token = verify_token(ring, sign_token(key, claims()), kNow + 1);
  const auto grant = verify_grant(ring, sign_grant(key, some_grant()), kNow + 1);

  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token.value().SerializeAsString(), claims().SerializeAsString());
  ASSERT_THAT(grant, IsOk());
  EXPECT_EQ(grant.value().SerializeAsString(), some_grant().SerializeAsString());
}

TEST_F(GrantTest, EveryFlippedBitOfAGrantIsRefused) {
  const std::string good = sign_grant(key, some_grant());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));

      EXPECT_THAT(verify_grant(ring, changed, kNow), HasCode(Code::Denied)) << i << "/" << bit;
    }
  }
}

TEST_F(GrantTest, EveryFlippedBitOfATokenIsRefused) {
  const std::string good = sign_token(key, claims());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));

      EXPECT_THAT(verify_token(ring, changed, kNow), HasCode(Code::Unauthenticated))
          << i << "/" << bit;
    }
  }
}

TEST_F(GrantTest, CutLengthenedAndEmptyStatementsAreRefused) {
  const std::string good = sign_grant(key, some_grant());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(verify_grant(ring, good.substr(0, size), kNow), HasCode(Code::Denied));
  }
  EXPECT_THAT(verify_grant(ring, good + std::string("\x22\x01x", 3), kNow), HasCode(Code::Denied));
  EXPECT_THAT(verify_grant(ring, good + good, kNow), HasCode(Code::Denied));
  EXPECT_THAT(verify_grant(ring, std::string(1 << 20, 'x'), kNow), HasCode(Code::Denied));
}

TEST_F(GrantTest, OneKindIsNeverTakenForTheOther) {
  EXPECT_THAT(verify_grant(ring, sign_token(key, claims()), kNow), HasCode(Code::Denied));
  EXPECT_THAT(
      verify_token(ring, sign_grant(key, some_grant()), kNow), HasCode(Code::Unauthenticated)
  );
}

TEST_F(GrantTest, SignaturesWithoutTheDomainAreRefused) {
  policy::v1::SignedGrant statement;
  statement.set_payload(some_grant().SerializeAsString());
  statement.set_key_id(key.public_key().id());
  for (const std::string& covered :
       {statement.payload(),
        std::string(kGrantDomain) + statement.payload(),
        std::string(kTokenDomain) + '\0' + statement.payload()}) {
    statement.set_signature(key.sign(covered));

    EXPECT_THAT(verify_grant(ring, statement.SerializeAsString(), kNow), HasCode(Code::Denied));
  }
  statement.set_signature(key.sign(std::string(kGrantDomain) + '\0' + statement.payload()));
  EXPECT_THAT(verify_grant(ring, statement.SerializeAsString(), kNow), IsOk());
}

TEST_F(GrantTest, KeysOutsideTheRingAreRefusedAlsoUnderAKnownId) {
  const crypto::PrivateKey stranger = crypto::PrivateKey::generate();
  policy::v1::SignedGrant forged;
  ASSERT_TRUE(forged.ParseFromString(sign_grant(stranger, some_grant())));
  EXPECT_THAT(verify_grant(ring, forged.SerializeAsString(), kNow), HasCode(Code::Denied));

  forged.set_key_id(key.public_key().id());

  EXPECT_THAT(verify_grant(ring, forged.SerializeAsString(), kNow), HasCode(Code::Denied));
  EXPECT_THAT(verify_grant(KeyRing(), sign_grant(key, some_grant()), kNow), HasCode(Code::Denied));
}

TEST_F(GrantTest, TimesBoundValidity) {
  const std::string grant = sign_grant(key, some_grant());
  const std::string token = sign_token(key, claims());

  EXPECT_THAT(verify_grant(ring, grant, kNow + kGrantLifeMs), IsOk());
  EXPECT_THAT(verify_grant(ring, grant, kNow + kGrantLifeMs + 1), HasCode(Code::Denied));
  EXPECT_THAT(verify_grant(ring, grant, kNow - kClockSkewMs), IsOk());
  EXPECT_THAT(verify_grant(ring, grant, kNow - kClockSkewMs - 1), HasCode(Code::Denied));
  EXPECT_THAT(verify_token(ring, token, kNow + kTokenLifeMs + 1), HasCode(Code::Unauthenticated));
  EXPECT_THAT(verify_token(ring, token, kNow - kClockSkewMs - 1), HasCode(Code::Unauthenticated));
}

TEST_F(GrantTest, LivesLongerThanTheirKindAllowsAreRefused) {
  policy::v1::Grant grant = some_grant();
  grant.set_not_after_unix_ms(kNow + kGrantLifeMs + kClockSkewMs + 1);
  policy::v1::CallerClaims token = claims();
  token.set_not_after_unix_ms(kNow + kTokenLifeMs + kClockSkewMs + 1);
  policy::v1::Grant timeless = some_grant();
  timeless.clear_not_before_unix_ms();

  EXPECT_THAT(verify_grant(ring, sign_grant(key, grant), kNow), HasCode(Code::Denied));
  EXPECT_THAT(verify_token(ring, sign_token(key, token), kNow), HasCode(Code::Unauthenticated));
  EXPECT_THAT(verify_grant(ring, sign_grant(key, timeless), kNow), HasCode(Code::Denied));
}

TEST_F(GrantTest, OtherVersionsAndNamelessTokensAreRefused) {
  policy::v1::Grant grant = some_grant();
  grant.set_version(2);
  policy::v1::CallerClaims token = claims();
  token.clear_principal();

  EXPECT_THAT(verify_grant(ring, sign_grant(key, grant), kNow), HasCode(Code::Denied));
  EXPECT_THAT(verify_token(ring, sign_token(key, token), kNow), HasCode(Code::Unauthenticated));
}

policy::v1::CallerClaims run_claims() {
  policy::v1::CallerClaims made = claims();
  made.set_run_id("run_1");
  made.set_source_digest(std::string(32, 's'));
  made.set_not_after_unix_ms(kNow + kRunTokenLifeMs);
  return made;
}

TEST_F(GrantTest, ARunTokenIsGoodForItsRunOnly) {
  const std::string token = sign_token(key, run_claims());
  const auto late = kNow + kRunTokenLifeMs;

  const auto own = verify_run_or_caller_token(ring, token, late, "run_1");
  ASSERT_THAT(own, IsOk());
  EXPECT_EQ(own.value().run_id(), "run_1");
  for (const char* other : {"run_2", "", "run_", "run_11"}) {
    EXPECT_THAT(
        verify_run_or_caller_token(ring, token, kNow, other), HasCode(Code::Unauthenticated)
    ) << other;
  }
  EXPECT_THAT(verify_token(ring, token, kNow), HasCode(Code::Unauthenticated));
  EXPECT_THAT(
      verify_run_or_caller_token(ring, token, late + 1, "run_1"), HasCode(Code::Unauthenticated)
  );
}

TEST_F(GrantTest, WhereARunTokenIsTakenACallerTokenIsToo) {
  const std::string token = sign_token(key, claims());

  EXPECT_THAT(verify_run_or_caller_token(ring, token, kNow, "run_1"), IsOk());
  EXPECT_THAT(verify_run_or_caller_token(ring, token, kNow, ""), IsOk());
  EXPECT_THAT(
      verify_run_or_caller_token(ring, token, kNow + kTokenLifeMs + 1, "run_1"),
      HasCode(Code::Unauthenticated)
  );
}

TEST_F(GrantTest, ARunTokenOfAStrangerOrTooLongALifeIsRefused) {
  policy::v1::CallerClaims token = run_claims();
  token.set_not_after_unix_ms(kNow + kRunTokenLifeMs + kClockSkewMs + 1);

  EXPECT_THAT(
      verify_run_or_caller_token(ring, sign_token(key, token), kNow, "run_1"),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      verify_run_or_caller_token(
          ring, sign_token(crypto::PrivateKey::generate(), run_claims()), kNow, "run_1"
      ),
      HasCode(Code::Unauthenticated)
  );
}

TEST(GrantId, IsStableAndTakesEveryFieldIn) {
  const GrantIdentity base{"default", "key:k1", "0123456789abcdef", 0, "digest", ""};
  GrantIdentity changed[] = {base, base, base, base, base, base, base};
  changed[1].tenant = "other";
  changed[2].principal = "key:k2";
  changed[3].decision_id = "0123456789abcdeF";
  changed[4].index = 1;
  changed[5].args_digest = "digesu";
  changed[6].approval_id = "a";

  // Pinned: a change of this value breaks idempotency across versions.
  EXPECT_EQ(to_hex(grant_id(base)), "c65468c7e6b3453b5cdaef126782cf48");
  EXPECT_EQ(grant_id(base).size(), 16U);
  EXPECT_EQ(grant_id(changed[0]), grant_id(base));
  for (std::size_t i = 1; i < std::size(changed); ++i) {
    EXPECT_NE(grant_id(changed[i]), grant_id(base)) << i;
  }
  EXPECT_NE(grant_id({"a", "bc", "", 0, "", ""}), grant_id({"ab", "c", "", 0, "", ""}));
}

class KeyFolder : public ::testing::Test {
 protected:
  KeyFolder()
      : folder(
            ::testing::TempDir() + "sluice_keys_" + crypto::PrivateKey::generate().public_key().id()
        ) {
    std::filesystem::create_directories(folder);
  }

  ~KeyFolder() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder + "/" + name) << content;
  }

  std::string folder;
};

TEST_F(KeyFolder, LoadsEveryPemFile) {
  const auto first = crypto::PrivateKey::generate().public_key();
  const auto second = crypto::PrivateKey::generate().public_key();
  write("a.pem", first.to_pem());
  write("b.pem", second.to_pem());
  write("notes.txt", "not a key");

  const auto ring = KeyRing::load(folder);

  ASSERT_THAT(ring, IsOk());
  EXPECT_NE(ring.value().find(first.id()), nullptr);
  EXPECT_NE(ring.value().find(second.id()), nullptr);
  EXPECT_EQ(ring.value().find("0000000000000000"), nullptr);
}

TEST_F(KeyFolder, RefusesBrokenKeysAndTellsWhenThereIsNone) {
  EXPECT_THAT(KeyRing::load(folder), HasCode(Code::NotFound));
  EXPECT_THAT(KeyRing::load(folder + "/missing"), HasCode(Code::NotFound));
  write("a.pem", "garbage");
  EXPECT_THAT(KeyRing::load(folder), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::grant
