// Every bit of a signed grant that would be let through, flipped: nothing else is let through.
#include "services/mcp-connector/domain/grant_check.h"

#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/testing/matchers.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::string_view kArguments = R"({"path":"/a"})";

// Every field is set: an empty one would have no bits to flip.
policy::v1::Grant full_grant() {
  policy::v1::Grant grant;
  grant.set_version(1);
  grant.set_grant_id(std::string(16, 'g'));
  grant.set_chain_id(std::string(32, 'c'));
  grant.set_run_id("run-1");
  grant.set_call_path("12:3");
  grant.set_tenant("default");
  grant.set_principal("key:k1");
  grant.set_server_id("0123456789abcdef");
  grant.set_tool("write_file");
  grant.set_definition_hash(std::string(32, 'h'));
  grant.set_effect_class(policy::v1::EFFECT_CLASS_WRITE);
  grant.set_args_digest(crypto::sha256(kArguments));
  grant.set_idempotency_key(std::string(16, 'i'));
  grant.set_policy_version(7);
  grant.set_decision_id(std::string(16, 'd'));
  grant.set_approval_id("apr_00000000000000000000000000");
  grant.set_not_before_unix_ms(kNow);
  grant.set_not_after_unix_ms(kNow + grant::kGrantLifeMs);
  grant.set_method("tools/call");
  grant.set_rule("preset.manual");
  grant.set_metered(true);
  return grant;
}

class GrantFlip : public ::testing::Test {
 protected:
  GrantFlip() { ring_.add(key_.public_key()); }

  // What the connector does with a grant before it commits the intent.
  [[nodiscard]] Result<void> admitted(const std::string& signed_grant) const {
    SLUICE_TRY(
        const policy::v1::Grant grant, grant::verify_grant(ring_, signed_grant, kNow + 1'000)
    );
    SLUICE_CHECK_OK(check_grant(
        grant,
        {.server_id = "0123456789abcdef",
         .method = "tools/call",
         .arguments = kArguments,
         .tenant = "default",
         .principal = "key:k1",
         .policy_version = 7,
         .now_unix_ms = kNow + 1'000}
    ));
    return check_definition(grant, std::string(32, 'h'));
  }

  crypto::PrivateKey key_ = crypto::PrivateKey::generate();
  grant::KeyRing ring_;
};

TEST_F(GrantFlip, NoFieldIsEmpty) {
  const policy::v1::Grant grant = full_grant();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  grant.GetReflection()->ListFields(grant, &fields);
  EXPECT_EQ(static_cast<int>(fields.size()), policy::v1::Grant::descriptor()->field_count());
}

TEST_F(GrantFlip, EveryFlippedBitIsRefused) {
  const std::string good = grant::sign_grant(key_, full_grant());
  ASSERT_THAT(admitted(good), IsOk());
  std::size_t flipped = 0;
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
      ++flipped;
      accepted += admitted(changed).ok() ? 1 : 0;
    }
  }
  RecordProperty("flipped_bits", static_cast<int>(flipped));
  EXPECT_EQ(accepted, 0U) << "of " << flipped << " flipped bits";
  EXPECT_EQ(flipped, good.size() * 8);
}

// The same grant with the same signature in any other bytes is another statement.
TEST_F(GrantFlip, OtherEncodingsOfTheSameStatementAreRefused) {
  const std::string good = grant::sign_grant(key_, full_grant());
  policy::v1::SignedGrant parts;
  ASSERT_TRUE(parts.ParseFromString(good));
  policy::v1::SignedGrant signature_only;
  signature_only.set_signature(parts.signature());
  policy::v1::SignedGrant rest = parts;
  rest.clear_signature();

  for (const std::string& other :
       {signature_only.SerializeAsString() + rest.SerializeAsString(),  // another order
        good + signature_only.SerializeAsString(),                      // a field twice
        good + std::string("\x82\xfa\x01\x01u"),                        // an unknown field
        std::string("\x0a\x00", 2) + good}) {                           // an empty payload first
    EXPECT_THAT(admitted(other), HasCode(Code::Denied));
  }
}

}  // namespace
}  // namespace sluice::mcp_connector
