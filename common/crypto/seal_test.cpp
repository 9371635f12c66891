#include "common/crypto/seal.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::crypto {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

SealingKey key(char digit) {
  return SealingKey::from_hex(Secret<std::string>(std::string(64, digit))).value();
}

TEST(SealingKey, OpensWhatItSealed) {
  for (const std::size_t size : {0U, 1U, 16U, 100000U}) {
    const std::string plain(size, 'p');

    const std::string sealed = key('a').seal(plain, "event-1");

    EXPECT_EQ(sealed.size(), size + 29);
    EXPECT_EQ(sealed.find("pppppppp"), std::string::npos);
    const auto opened = key('a').open(sealed, "event-1");
    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(opened.value(), plain);
  }
}

TEST(SealingKey, SealsDifferentlyEachTime) {
  EXPECT_NE(key('a').seal("x", ""), key('a').seal("x", ""));
}

TEST(SealingKey, RefusesAnotherKeyContextOrAnyChange) {
  const std::string sealed = key('a').seal("the result", "event-1");

  EXPECT_THAT(key('b').open(sealed, "event-1"), HasCode(Code::Invalid));
  EXPECT_THAT(key('a').open(sealed, "event-2"), HasCode(Code::Invalid));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_THAT(key('a').open(changed, "event-1"), HasCode(Code::Invalid)) << i;
    EXPECT_THAT(key('a').open(sealed.substr(0, i), "event-1"), HasCode(Code::Invalid)) << i;
  }
}

TEST(SealingKey, IsSixtyFourHexDigits) {
  EXPECT_THAT(SealingKey::from_hex(Secret<std::string>("abc")), HasCode(Code::Invalid));
  EXPECT_THAT(
      SealingKey::from_hex(Secret<std::string>(std::string(64, 'g'))), HasCode(Code::Invalid)
  );
  EXPECT_THAT(
      SealingKey::from_hex(Secret<std::string>(std::string(62, 'a'))), HasCode(Code::Invalid)
  );
}

}  // namespace
}  // namespace sluice::crypto
