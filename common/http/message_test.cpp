#include "common/http/message.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

Headers with_type(std::string value) {
  Headers headers;
  headers.add("Content-Type", std::move(value));
  return headers;
}

TEST(HasMediaType, ComparesWithoutParametersAndCase) {
  for (const char* same :
       {"application/json",
        "Application/JSON; charset=utf-8",
        "application/json ;a=b",
        " application/json\t"}) {
    EXPECT_TRUE(has_media_type(with_type(same), "application/json")) << same;
  }
  for (const char* other :
       {"",
        ";application/json",
        "application/json-seq",
        "text/plain",
        "application/json, text/plain"}) {
    EXPECT_FALSE(has_media_type(with_type(other), "application/json")) << other;
  }
  EXPECT_FALSE(has_media_type(Headers(), "application/json"));
}

TEST(IsToken, TakesWhatANameOfAFieldMayBe) {
  for (const char* token : {"a", "X-Api-Key", "!#$%&'*+-.^_`|~09azAZ"}) {
    EXPECT_TRUE(is_token(token)) << token;
  }
  for (const char* other : {"", "a b", "a:b", "a\r\nb", "a\x7f", "\xc3\xa9", "a(b)", "\"a\""}) {
    EXPECT_FALSE(is_token(other)) << other;
  }
}

}  // namespace
}  // namespace sluice::http
