#include "common/http/internal/response_parser.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

// Feeds all bytes in pieces; the error when one is refused.
Result<std::size_t> feed(ResponseParser& parser, std::string_view bytes, std::size_t piece) {
  std::size_t used = 0;
  while (!bytes.empty() && !parser.done()) {
    SLUICE_TRY(const std::size_t step, parser.feed(bytes.substr(0, piece)));
    used += step;
    bytes.remove_prefix(step);
  }
  return used;
}

TEST(ResponseParser, ReadsALengthDelimitedBodyAtEveryCut) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nX-A:  b \r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ResponseParser parser({}, Expect::Body);
    const auto used = feed(parser, bytes + "HTTP/1.1 next", piece);
    ASSERT_THAT(used, IsOk());
    EXPECT_EQ(used.value(), bytes.size());
    EXPECT_TRUE(parser.done());
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_EQ(parser.status(), 200);
    EXPECT_EQ(parser.content_length(), 5U);
    EXPECT_EQ(parser.take_headers().get("x-a"), "b");
    EXPECT_EQ(parser.take_body(), "hello");
  }
}

TEST(ResponseParser, ReadsChunksWithExtensionsAndTrailers) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: "
      "v\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ResponseParser parser({}, Expect::Body);
    ASSERT_THAT(feed(parser, bytes, piece), IsOk());
    EXPECT_TRUE(parser.done());
    EXPECT_EQ(parser.take_body(), "abcde");
    EXPECT_EQ(parser.take_headers().fields().size(), 1U);
  }
}

TEST(ResponseParser, SkipsInterimResponses) {
  ResponseParser parser({}, Expect::Body);
  ASSERT_THAT(
      feed(
          parser,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 "
          "Created\r\nContent-Length: 0\r\n\r\n",
          9
      ),
      IsOk()
  );
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.status(), 201);
  EXPECT_FALSE(parser.take_headers().has("link"));
}

TEST(ResponseParser, EndsABodyWithoutLengthAtTheEndOfTheConnection) {
  ResponseParser parser({}, Expect::Body);
  ASSERT_THAT(feed(parser, "HTTP/1.1 200 OK\r\n\r\nabc", 100), IsOk());
  EXPECT_FALSE(parser.done());
  EXPECT_THAT(parser.finish(), IsOk());
  EXPECT_TRUE(parser.done());
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_EQ(parser.take_body(), "abc");
}

TEST(ResponseParser, SeesABodyThatIsCutOff) {
  for (const char* bytes :
       {"",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    ResponseParser parser({}, Expect::Body);
    ASSERT_THAT(feed(parser, bytes, 100), IsOk());
    EXPECT_THAT(parser.finish(), HasCode(Code::Unavailable)) << bytes;
  }
}

TEST(ResponseParser, ExpectsNoBodyOfHeadAnd204And304) {
  ResponseParser head({}, Expect::HeadOnly);
  ASSERT_THAT(feed(head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 100), IsOk());
  EXPECT_TRUE(head.done());
  for (const char* bytes :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
       }) {
    ResponseParser parser({}, Expect::Body);
    ASSERT_THAT(feed(parser, bytes, 100), IsOk());
    EXPECT_TRUE(parser.done()) << bytes;
  }
}

TEST(ResponseParser, RefusesMalformedAndOversizedHeads) {
  for (const char* bytes :
       {"HTTP/1.1 2x0 OK\r\n\r\n",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    ResponseParser parser({}, Expect::Body);
    EXPECT_THAT(feed(parser, bytes, 100), HasCode(Code::Unavailable)) << bytes;
  }
  ResponseParser parser({.header_bytes_max = 100}, Expect::Body);
  EXPECT_THAT(
      feed(parser, "HTTP/1.1 200 OK\r\nX: " + std::string(200, 'a') + "\r\n\r\n", 50),
      HasCode(Code::Exhausted)
  );
  ResponseParser many({.headers_max = 2}, Expect::Body);
  EXPECT_THAT(
      feed(many, "HTTP/1.1 200 OK\r\nA: a\r\nB: b\r\nC: c\r\n\r\n", 50), HasCode(Code::Exhausted)
  );
}

}  // namespace
}  // namespace sluice::http
