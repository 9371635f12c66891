#include "common/http/internal/target.h"

#include "common/http/internal/url.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(ParseTarget, SplitsPathAndQuery) {
  const auto target = parse_target("/v1/models?a=%2f&b=[1]");
  ASSERT_THAT(target, IsOk());
  EXPECT_EQ(target.value().path, "/v1/models");
  EXPECT_EQ(target.value().query, "a=%2f&b=[1]");
}

TEST(ParseTarget, TakesTheOneSpellingOfAPath) {
  for (const char* text :
       {"/",
        "/a",
        "/a/",
        "/a/b-c_d.e~f",
        "/a%20b",
        "/caf%C3%A9",
        "/a:b@c",
        "/a,b",
        "/...",
        "/.well-known/x"}) {
    EXPECT_THAT(parse_target(text), IsOk()) << text;
  }
}

TEST(ParseTarget, RefusesEveryOtherSpelling) {
  for (const char* text : {"",        "a",          "*",          "http://h/",
                           "h:443",   "//mcp",      "/a//b",      "/mcp/../admin",
                           "/mcp/..", "/./a",       "/.",         "/%2e%2e/a",
                           "/%2E",    "/a%2fb",     "/a%2Fb",     "/a%5cb",
                           "/a\\b",   "/a;param",   "/a%3bparam", "/%61",
                           "/%7e",    "/a%00",      "/a%0d%0a",   "/a%7f",
                           "/%c0%af", "/%e0%80%af", "/%ff",       "/a%",
                           "/a%2",    "/a%zz",      "/a b",       "/a#b",
                           "/a?b#c",  "/a\"b",      "/a<b",       "/%25"}) {
    EXPECT_THAT(parse_target(text), HasCode(Code::Invalid)) << text;
  }
}

TEST(PercentDecode, DecodesAndRefusesHalfSequences) {
  EXPECT_EQ(percent_decode("caf%C3%a9").value(), "caf\xc3\xa9");
  EXPECT_EQ(percent_decode("%41").value(), "A");
  EXPECT_THAT(percent_decode("%4"), HasCode(Code::Invalid));
  EXPECT_THAT(percent_decode("a%"), HasCode(Code::Invalid));
  EXPECT_THAT(percent_decode("%x1"), HasCode(Code::Invalid));
}

TEST(ParseUrl, ReadsHostPortAndTarget) {
  const auto plain = parse_url("http://api.example");
  ASSERT_THAT(plain, IsOk());
  EXPECT_FALSE(plain.value().tls);
  EXPECT_EQ(plain.value().port, 80);
  EXPECT_EQ(plain.value().target, "/");
  const auto full = parse_url("https://[::1]:8443/v1?x=1");
  ASSERT_THAT(full, IsOk());
  EXPECT_TRUE(full.value().tls);
  EXPECT_EQ(full.value().host, "::1");
  EXPECT_EQ(full.value().port, 8443);
  EXPECT_EQ(full.value().authority, "[::1]:8443");
  EXPECT_EQ(full.value().target, "/v1?x=1");
  EXPECT_EQ(parse_url("http://h?q").value().target, "/?q");
  EXPECT_EQ(parse_url("https://h:1/").value().origin(), "https://h:1");
}

TEST(ParseUrl, RefusesWhatIsNotPlain) {
  for (const char* text :
       {"",
        "ftp://h/",
        "http:/h",
        "http://",
        "http:///x",
        "http://u@h/",
        "http://u:p@h/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:x/",
        "http://h/a b",
        "http://h/#f",
        "http://[::1",
        "http://[]/",
        "http://[::1]x/",
        "http://h\r\n/",
        "HTTP://h/"}) {
    EXPECT_THAT(parse_url(text), HasCode(Code::Invalid)) << text;
  }
}

}  // namespace
}  // namespace sluice::http
