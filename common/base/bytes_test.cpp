#include "common/base/bytes.h"

#include "common/base/ids.h"
#include "common/base/secret.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

namespace sluice {
namespace {

TEST(Bytes, HexRoundTripsEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
  }

  const auto back = from_hex(to_hex(all));

  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value(), all);
}

TEST(Bytes, HexRefusesOddLengthUpperCaseAndForeignCharacters) {
  EXPECT_FALSE(from_hex("abc").ok());
  EXPECT_FALSE(from_hex("AB").ok());
  EXPECT_FALSE(from_hex("zz").ok());
}

TEST(Bytes, Base64MatchesTheRfc4648Examples) {
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
}

TEST(Bytes, Base64RoundTripsEveryLength) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(from_base64(to_base64(text)).value(), text);
    EXPECT_EQ(from_base64url(to_base64url(text)).value(), text);
    text += static_cast<char>(i * 7);
  }
}

TEST(Bytes, Base64RefusesBadPaddingStrayBitsAndForeignCharacters) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Z===", "Zm9v!mFy", "Zm9 "}) {
    EXPECT_FALSE(from_base64(text).ok()) << text;
  }
  EXPECT_FALSE(from_base64url("Zg==").ok());
}

TEST(Bytes, ConstantTimeEqualityComparesLengthAndContent) {
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
}

TEST(Bytes, Utf8RefusesOverlongSurrogatesAndCutSequences) {
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* text : {"\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xf5\x80\x80\x80", "\x80"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Bytes, Utf8SeesAStrayByteAtEveryPlace) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::string text(size, 'a');
      EXPECT_TRUE(is_utf8(text));
      text[place] = '\xff';
      EXPECT_FALSE(is_utf8(text)) << place << " of " << size;
    }
  }
}

TEST(Ids, AreDistinctTypesAndHashable) {
  static_assert(!std::is_same_v<TenantId, RequestId>);
  const std::unordered_set<TenantId> tenants{TenantId("a"), TenantId("a"), TenantId("b")};

  EXPECT_EQ(tenants.size(), 2U);
}

TEST(Secret, IsWipedWhenMovedFrom) {
  Secret<std::string> first("token");
  const Secret<std::string> second(std::move(first));

  EXPECT_EQ(second.reveal(), "token");
  EXPECT_TRUE(first.empty());  // NOLINT: the moved-from state is the point
}

}  // namespace
}  // namespace sluice
