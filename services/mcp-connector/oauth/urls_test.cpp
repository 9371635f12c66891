#include "services/mcp-connector/oauth/urls.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

TEST(ParseUrl, TakesItApart) {
  const auto url = parse_url("HTTPS://Mcp.Example:443/A/b?c=d");

  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->origin(), "https://mcp.example");
  EXPECT_EQ(url->path, "/A/b");
  EXPECT_EQ(url->query, "c=d");
  EXPECT_EQ(parse_url("http://h:8080")->origin(), "http://h:8080");
}

TEST(ParseUrl, RefusesWhatIsNotPlain) {
  for (const char* text :
       {"",
        "mcp.example",
        "ftp://a/",
        "javascript://a/%0aalert(1)",
        "https://",
        "https://u@a/",
        "https://a/#f",
        "https://a/ b",
        "https://a\\b/",
        "https://:1/",
        "https://a/\r\nx"}) {
    EXPECT_FALSE(parse_url(text).has_value()) << text;
  }
}

TEST(Covers, TheServerAndWhatIsAboveIt) {
  EXPECT_TRUE(covers("https://a.example/mcp", "https://a.example/mcp"));
  EXPECT_TRUE(covers("https://a.example/mcp/", "https://A.example:443/mcp"));
  EXPECT_TRUE(covers("https://a.example", "https://a.example/mcp?key=1"));
  EXPECT_FALSE(covers("https://a.example/mc", "https://a.example/mcp"));
  EXPECT_FALSE(covers("https://a.example/mcp/x", "https://a.example/mcp"));
  EXPECT_FALSE(covers("https://evil.example/mcp", "https://a.example/mcp"));
  EXPECT_FALSE(covers("http://a.example/mcp", "https://a.example/mcp"));
  EXPECT_FALSE(covers("https://a.example/mcp?x=1", "https://a.example/mcp"));
  EXPECT_FALSE(covers("", "https://a.example/mcp"));
}

TEST(IsLoopback, IsThisMachineOnly) {
  for (const char* text :
       {"http://localhost/cb", "http://127.0.0.1:8080/cb", "http://[::1]:80/", "http://[::1]:9/"}) {
    EXPECT_TRUE(is_loopback(*parse_url(text))) << text;
  }
  for (const char* text : {"http://localhost.example/", "http://128.0.0.1/", "http://[::2]/"}) {
    EXPECT_FALSE(is_loopback(*parse_url(text))) << text;
  }
}

TEST(Parameters, AreEncoded) {
  EXPECT_EQ(form({{"a", "b c&d"}, {"e", "ü/~"}}), "a=b%20c%26d&e=%C3%BC%2F~");
  EXPECT_EQ(with_parameters("https://a/x", {{"b", "c"}}), "https://a/x?b=c");
  EXPECT_EQ(with_parameters("https://a/x?y=z", {{"b", "c"}}), "https://a/x?y=z&b=c");
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
