#include "common/crypto/ed25519.h"

#include "common/base/bytes.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::crypto {
namespace {

using testing::HasCode;
using testing::IsOk;

struct Vector {
  const char* secret;
  const char* open;
  const char* message;
  const char* signature;
};

// Source: RFC 8032 §7.1, tests 1 to 3.
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "659"
     "4a7c15e9716ed28dc027beceea1ec40a"},
};

std::string bytes_of(const char* hex) {
  return from_hex(hex).value();
}

// PKCS#8 of a raw Ed25519 secret: RFC 8410 §7.
Secret<std::string> pem_of(const char* secret_hex) {
  const std::string der = bytes_of("302e020100300506032b657004220420") + bytes_of(secret_hex);
  return Secret<std::string>(
      "-----BEGIN PRIVATE KEY-----\n" + to_base64(der) + "\n-----END PRIVATE KEY-----\n"
  );
}

TEST(Ed25519, SignsAsThePublishedVectors) {
  for (const Vector& vector : kVectors) {
    const auto key = PrivateKey::from_pem(pem_of(vector.secret));
    ASSERT_THAT(key, IsOk());

    EXPECT_EQ(to_hex(key.value().public_key().raw()), vector.open);
    EXPECT_EQ(to_hex(key.value().sign(bytes_of(vector.message))), vector.signature);
  }
}

TEST(Ed25519, VerifiesThePublishedVectorsAndNothingChanged) {
  for (const Vector& vector : kVectors) {
    const auto key = PublicKey::from_raw(bytes_of(vector.open));
    ASSERT_THAT(key, IsOk());
    const std::string message = bytes_of(vector.message);
    const std::string signature = bytes_of(vector.signature);

    EXPECT_TRUE(key.value().verify(message, signature));
    EXPECT_FALSE(key.value().verify(message + "x", signature));
    for (std::size_t i = 0; i < signature.size(); ++i) {
      std::string changed = signature;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(key.value().verify(message, changed)) << i;
    }
    EXPECT_FALSE(key.value().verify(message, signature.substr(1)));
    EXPECT_FALSE(key.value().verify(message, ""));
  }
}

TEST(Ed25519, KeysSurviveTheirPemForms) {
  const PrivateKey key = PrivateKey::generate();

  const auto private_again = PrivateKey::from_pem(key.to_pem());
  const auto public_again = PublicKey::from_pem(key.public_key().to_pem());

  ASSERT_THAT(private_again, IsOk());
  ASSERT_THAT(public_again, IsOk());
  EXPECT_EQ(public_again.value().id(), key.public_key().id());
  EXPECT_EQ(public_again.value().id().size(), 16U);
  EXPECT_TRUE(public_again.value().verify("m", private_again.value().sign("m")));
}

TEST(Ed25519, GeneratedKeysDiffer) {
  EXPECT_NE(PrivateKey::generate().public_key().id(), PrivateKey::generate().public_key().id());
}

TEST(Ed25519, ForeignKeysAreRefused) {
  // An X25519 public key (RFC 8410 §10.2 shows the form), garbage, a private key where a public one
  // belongs.
  const std::string x25519 =
      "-----BEGIN PUBLIC KEY-----\n" +
      to_base64(bytes_of("302a300506032b656e032100") + std::string(32, '\1')) +
      "\n-----END PUBLIC KEY-----\n";

  EXPECT_THAT(PublicKey::from_pem(x25519), HasCode(Code::Invalid));
  EXPECT_THAT(PublicKey::from_pem(""), HasCode(Code::Invalid));
  EXPECT_THAT(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n"), HasCode(Code::Invalid));
  EXPECT_THAT(PublicKey::from_pem(std::string(5000, 'A')), HasCode(Code::Invalid));
  EXPECT_THAT(
      PublicKey::from_pem(PrivateKey::generate().to_pem().reveal()), HasCode(Code::Invalid)
  );
  EXPECT_THAT(PublicKey::from_raw("short"), HasCode(Code::Invalid));
  EXPECT_THAT(
      PrivateKey::from_pem(Secret<std::string>(PrivateKey::generate().public_key().to_pem())),
      HasCode(Code::Invalid)
  );
  EXPECT_THAT(PrivateKey::from_pem(Secret<std::string>("no key")), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::crypto
