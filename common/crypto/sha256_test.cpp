#include "common/crypto/sha256.h"

#include "common/base/bytes.h"

#include <gtest/gtest.h>

namespace sluice::crypto {
namespace {

// Source: FIPS 180-4 examples (NIST, SHA256.pdf), and the one-million-a vector of the same page.
TEST(Sha256, HashesThePublishedExamples) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(
      to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  );
  EXPECT_EQ(
      to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
  );
  EXPECT_EQ(
      to_hex(sha256(std::string(1'000'000, 'a'))),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
  );
}

TEST(Sha256, InPiecesEqualsInOneGo) {
  Sha256 hash;

  hash.update("abcdbcdecdefdefgefghfghi").update("").update("ghijhijkijkljklmklmnlmnomnopnopq");

  EXPECT_EQ(hash.finish(), sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
}

TEST(Sha256, FieldsAreTheirLengthAndTheirBytes) {
  EXPECT_EQ(Sha256().field("abc").finish(), sha256(std::string("\0\0\0\0\0\0\0\3abc", 11)));
}

TEST(Sha256, FieldsCutElsewhereHashDifferently) {
  EXPECT_NE(Sha256().field("ab").field("c").finish(), Sha256().field("a").field("bc").finish());
  EXPECT_NE(Sha256().field("").field("a").finish(), Sha256().field("a").field("").finish());
}

}  // namespace
}  // namespace sluice::crypto
