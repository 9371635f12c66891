#include "common/crypto/jws_key.h"

#include "common/base/bytes.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::crypto {
namespace {

using testing::HasCode;
using testing::IsOk;

std::string bytes(std::string_view base64url) {
  auto decoded = from_base64url(base64url);
  EXPECT_THAT(decoded, IsOk());
  return decoded.ok() ? std::move(decoded).value() : std::string();
}

// Payload of RFC 7515, appendices A.2 and A.3.
const std::string kPayload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
const std::string kRsaModulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
    "4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql"
    "L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
    "bSf63kpaSHSXndS5z5rexMdbBYUs"
    "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
    "DWNmoud"
    "F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const std::string kRsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujG"
    "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6"
    "LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const std::string kEcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const std::string kEcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

struct Vector {
  JwsKey key;
  std::string message;
  std::string signature;
};

std::vector<Vector> vectors() {
  return {
      {.key = JwsKey::rsa(bytes(kRsaModulus), bytes("AQAB")).value(),  // RFC 7515 A.2
       .message = "eyJhbGciOiJSUzI1NiJ9." + kPayload,
       .signature = bytes(kRsaSignature)},
      {.key = JwsKey::p256(bytes(kEcX), bytes(kEcY)).value(),  // RFC 7515 A.3
       .message = "eyJhbGciOiJFUzI1NiJ9." + kPayload,
       .signature = bytes(
           "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
       )},
      {.key = JwsKey::ed25519(bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).value(),
       .message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",  // RFC 8037 A.4
       .signature = bytes(
           "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
       )},
  };
}

TEST(JwsKey, VerifiesTheVectorsOfTheStandards) {
  for (const Vector& one : vectors()) {
    EXPECT_TRUE(one.key.verify(one.message, one.signature)) << name_of(one.key.algorithm());
  }
}

TEST(JwsKey, RefusesEveryChangedByteAndEveryOtherLength) {
  for (const Vector& one : vectors()) {
    for (std::size_t i = 0; i < one.signature.size(); ++i) {
      std::string changed = one.signature;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(one.key.verify(one.message, changed)) << i;
    }
    EXPECT_FALSE(one.key.verify(one.message + "x", one.signature));
    EXPECT_FALSE(one.key.verify(one.message, one.signature + '\0'));
    EXPECT_FALSE(one.key.verify(one.message, one.signature.substr(1)));
    EXPECT_FALSE(one.key.verify(one.message, std::string(one.signature.size(), '\0')));
    EXPECT_FALSE(one.key.verify(one.message, ""));
  }
}

TEST(JwsKey, AKeyServesItsOwnAlgorithmOnly) {
  const auto all = vectors();
  for (const Vector& one : all) {
    for (const Vector& other : all) {
      EXPECT_EQ(
          one.key.verify(other.message, other.signature),
          one.key.algorithm() == other.key.algorithm()
      );
    }
  }
}

TEST(JwsKey, NamesAlgorithmsWithPublicKeysOnly) {
  EXPECT_EQ(jws_algorithm_named("RS256"), JwsAlgorithm::Rs256);
  EXPECT_EQ(jws_algorithm_named("ES256"), JwsAlgorithm::Es256);
  EXPECT_EQ(jws_algorithm_named("EdDSA"), JwsAlgorithm::EdDsa);
  for (const char* other : {"none", "None", "", "HS256", "rs256", "RS512", "PS256"}) {
    EXPECT_EQ(jws_algorithm_named(other), std::nullopt) << other;
  }
  EXPECT_EQ(name_of(JwsAlgorithm::EdDsa), "EdDSA");
}

TEST(JwsKey, RefusesWeakAndMalformedKeys) {
  const std::string modulus = bytes(kRsaModulus);
  for (const auto& [n, e] : std::vector<std::pair<std::string, std::string>>{
           {modulus.substr(1), bytes("AQAB")},           // 2040 bits
           {"\x01" + modulus.substr(1), bytes("AQAB")},  // 2041 bits
           {std::string(1025, '\xff'), "\x03"},          // too long
           {modulus, ""},
           {modulus, "\x01"},
           {modulus, "\x02"},
           {modulus, "\x01\x01\x01\x01\x01"},
           {"", "\x03"},
       }) {
    EXPECT_THAT(JwsKey::rsa(n, e), HasCode(Code::Invalid)) << n.size() << " " << e.size();
  }
  EXPECT_THAT(JwsKey::rsa(std::string(2, '\0') + modulus, std::string("\0\1\0\1", 4)), IsOk());
  EXPECT_THAT(JwsKey::p256(bytes(kEcX), bytes(kEcX)), HasCode(Code::Invalid));  // not on the curve
  EXPECT_THAT(JwsKey::p256(bytes(kEcX), bytes(kEcY).substr(1)), HasCode(Code::Invalid));
  EXPECT_THAT(JwsKey::p256(std::string(32, '\0'), std::string(32, '\0')), HasCode(Code::Invalid));
  EXPECT_THAT(JwsKey::ed25519("short"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::crypto
