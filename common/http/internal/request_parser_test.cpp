#include "common/http/internal/request_parser.h"

#include "common/json/scan.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

struct Parsed {
  int refused = 0;  // status, or 0
  std::string why;
  bool done = false;
  std::size_t used = 0;
  HttpRequest request;
  bool keep_alive = false;
};

// Feeds the bytes in pieces of that size.
Parsed parse(
    std::string_view bytes,
    std::size_t piece,
    std::size_t body_max = 1000,
    RequestLimits limits = {}
) {
  RequestParser parser(limits);
  Parsed out;
  while (!bytes.empty() && !parser.done()) {
    const auto fed = parser.feed(bytes.substr(0, piece));
    if (fed.refusal.has_value()) {
      out.refused = fed.refusal->status;
      out.why = fed.refusal->message;
      return out;
    }
    if (parser.head_done()) {
      parser.set_body_max(body_max);
    }
    out.used += fed.consumed;
    bytes.remove_prefix(fed.consumed);
    if (fed.consumed == 0) {
      break;
    }
  }
  out.done = parser.done();
  out.keep_alive = parser.head_done() && parser.keep_alive();
  out.request = parser.take();
  return out;
}

std::string head(std::string_view fields, std::string_view line = "POST /v1/x HTTP/1.1") {
  return std::string(line) + "\r\nHost: a.example\r\n" + std::string(fields) + "\r\n";
}

struct Case {
  const char* name;
  std::string bytes;
  int status;
};

TEST(RequestParser, ReadsARequestAtEveryCut) {
  const std::string bytes =
      head("Content-Type:  application/json \r\nX-Empty:\r\nX_Under: 1\r\nContent-Length: 7\r\n") +
      "{\"a\":1}";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const Parsed parsed = parse(bytes, piece);
    ASSERT_EQ(parsed.refused, 0) << parsed.why;
    ASSERT_TRUE(parsed.done) << piece;
    EXPECT_EQ(parsed.used, bytes.size());
    EXPECT_EQ(parsed.request.method, "POST");
    EXPECT_EQ(parsed.request.path, "/v1/x");
    EXPECT_EQ(parsed.request.body, "{\"a\":1}");
    EXPECT_EQ(parsed.request.headers.get("content-type"), "application/json");
    EXPECT_TRUE(parsed.request.headers.has("x-empty"));
    EXPECT_EQ(parsed.request.headers.get("x_under"), "1");
    EXPECT_GE(parsed.request.body.capacity(), parsed.request.body.size() + json::kScanPadding);
    EXPECT_TRUE(parsed.keep_alive);
  }
}

// A head that comes at once is looked at eight bytes at a time, one in pieces byte by byte.
TEST(RequestParser, RefusesEveryControlAndForeignByteAtEveryPlace) {
  constexpr int kPlaces = 20;
  for (int place = 0; place < kPlaces; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      const bool plain = (byte >= 0x20 && byte < 0x7f) || c == '\t';
      std::string value(kPlaces, 'v');
      value[static_cast<std::size_t>(place)] = c;
      const std::string bytes = head("X-Value: " + value + "\r\n", "GET /v1/x HTTP/1.1");
      for (const std::size_t piece : {bytes.size(), std::size_t{1}}) {
        EXPECT_EQ(parse(bytes, piece).refused, plain ? 0 : 400) << byte << " at " << place;
      }
    }
  }
}

TEST(RequestParser, ReadsAChunkedBodyAtEveryCut) {
  const std::string bytes =
      head("Transfer-Encoding: chunked\r\n") + "4\r\nabcd\r\nA\r\n0123456789\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const Parsed parsed = parse(bytes, piece);
    ASSERT_EQ(parsed.refused, 0) << parsed.why;
    ASSERT_TRUE(parsed.done) << piece;
    EXPECT_EQ(parsed.request.body, "abcd0123456789");
    EXPECT_GE(parsed.request.body.capacity(), parsed.request.body.size() + json::kScanPadding);
  }
}

TEST(RequestParser, StopsBehindEachPipelinedRequest) {
  const std::string one = head("Content-Length: 3\r\n") + "abc";
  const Parsed parsed = parse(one + one, 1 << 16);
  EXPECT_TRUE(parsed.done);
  EXPECT_EQ(parsed.used, one.size());
}

TEST(RequestParser, ServesASecondRequestAfterReset) {
  RequestParser parser{{}};
  for (int i = 0; i < 3; ++i) {
    const auto fed = parser.feed(head("", "GET /a?b=c HTTP/1.1"));
    ASSERT_FALSE(fed.refusal.has_value());
    ASSERT_TRUE(parser.done());
    const HttpRequest request = parser.take();
    EXPECT_EQ(request.path, "/a");
    EXPECT_EQ(request.query, "b=c");
    parser.reset();
    EXPECT_FALSE(parser.started());
  }
}

TEST(RequestParser, IgnoresEmptyLinesBeforeTheRequest) {
  const Parsed parsed = parse("\r\n\r\n" + head("", "GET / HTTP/1.1"), 3);
  EXPECT_EQ(parsed.refused, 0) << parsed.why;
  EXPECT_TRUE(parsed.done);
}

TEST(RequestParser, ReadsConnectionClose) {
  EXPECT_FALSE(parse(head("Connection: close\r\n", "GET / HTTP/1.1"), 64).keep_alive);
}

TEST(RequestParser, ReadsExpectContinue) {
  RequestParser parser{{}};
  ASSERT_FALSE(
      parser.feed(head("Expect: 100-continue\r\nContent-Length: 1\r\n")).refusal.has_value()
  );
  EXPECT_TRUE(parser.head_done());
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_TRUE(parser.has_body());
}

std::vector<Case> smuggling_cases() {
  const std::string chunks = "0\r\n\r\n";
  return {
      {"length then coding",
       head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + chunks,
       400},
      {"coding then length",
       head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + chunks,
       400},
      {"mixed case both", head("TRANSFER-encoding: ChUnKeD\r\nconTENT-length: 5\r\n") + chunks, 400
      },
      {"coding twice",
       head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + chunks,
       400},
      {"chunked, identity", head("Transfer-Encoding: chunked, identity\r\n") + chunks, 400},
      {"identity, chunked", head("Transfer-Encoding: identity, chunked\r\n") + chunks, 400},
      {"gzip, chunked", head("Transfer-Encoding: gzip, chunked\r\n") + chunks, 400},
      {"xchunked", head("Transfer-Encoding: xchunked\r\n") + chunks, 400},
      {"identity", head("Transfer-Encoding: identity\r\n") + chunks, 400},
      {"empty coding", head("Transfer-Encoding:\r\n") + chunks, 400},
      {"VT before chunked", head("Transfer-Encoding: \vchunked\r\n") + chunks, 400},
      {"FF behind chunked", head("Transfer-Encoding: chunked\f\r\n") + chunks, 400},
      {"two lengths", head("Content-Length: 5\r\nContent-Length: 6\r\n") + "abcdef", 400},
      {"same length twice", head("Content-Length: 5\r\nContent-Length: 5\r\n") + "abcde", 400},
      {"list of lengths", head("Content-Length: 5, 5\r\n") + "abcde", 400},
      {"+5", head("Content-Length: +5\r\n") + "abcde", 400},
      {"0x5", head("Content-Length: 0x5\r\n") + "abcde", 400},
      {"5_0", head("Content-Length: 5_0\r\n") + "abcde", 400},
      {"-1", head("Content-Length: -1\r\n"), 400},
      {"empty length", head("Content-Length:\r\n"), 400},
      {"20 digits", head("Content-Length: 18446744073709551617\r\n"), 400},
      {"leading zeros", head("Content-Length: 005\r\n") + "abcde", 400},
      {"chunk 0x5", head("Transfer-Encoding: chunked\r\n") + "0x5\r\nabcde\r\n0\r\n\r\n", 400},
      {"chunk +5", head("Transfer-Encoding: chunked\r\n") + "+5\r\nabcde\r\n0\r\n\r\n", 400},
      {"chunk 5_0", head("Transfer-Encoding: chunked\r\n") + "5_0\r\nabcde\r\n0\r\n\r\n", 400},
      {"chunk 17 digits",
       head("Transfer-Encoding: chunked\r\n") + "10000000000000005\r\nabcde\r\n0\r\n\r\n",
       400},
      {"chunk leading space",
       head("Transfer-Encoding: chunked\r\n") + " 5\r\nabcde\r\n0\r\n\r\n",
       400},
      {"chunk trailing space",
       head("Transfer-Encoding: chunked\r\n") + "5 \r\nabcde\r\n0\r\n\r\n",
       400},
      {"chunk empty size", head("Transfer-Encoding: chunked\r\n") + "\r\nabcde\r\n0\r\n\r\n", 400},
      {"chunk bare LF", head("Transfer-Encoding: chunked\r\n") + "5\nabcde\r\n0\r\n\r\n", 400},
      {"chunk data bare LF", head("Transfer-Encoding: chunked\r\n") + "5\r\nabcde\n0\r\n\r\n", 400},
      {"chunk longer than said",
       head("Transfer-Encoding: chunked\r\n") + "5\r\nabcdefg\r\n0\r\n\r\n",
       400},
      {"chunk extension",
       head("Transfer-Encoding: chunked\r\n") + "5;a=b\r\nabcde\r\n0\r\n\r\n",
       400},
      {"chunk extension bare LF",
       head("Transfer-Encoding: chunked\r\n") + "5;\nabcde\r\n0\r\n\r\n",
       400},
      {"trailer", head("Transfer-Encoding: chunked\r\n") + "0\r\nX-A: b\r\n\r\n", 400},
      {"space before colon", head("X-A : b\r\n"), 400},
      {"length with space before colon", head("Content-Length : 5\r\n") + "abcde", 400},
      {"tab before first field", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400},
      {"folded line", head("X-A: b\r\n c\r\n"), 400},
      {"field without colon", head("X-A\r\n"), 400},
      {"empty name", head(": b\r\n"), 400},
      {"NUL in value", head(std::string("X-A: b\0c\r\n", 10)), 400},
      {"NUL in name", head(std::string("X\0A: b\r\n", 8)), 400},
      {"bare CR in value", head("X-A: b\rc\r\n"), 400},
      {"bare LF ends a line", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"high byte in value", head("X-A: \xc3\xa9\r\n"), 400},
      {"high byte in name", head("X\xc3: b\r\n"), 400},
      {"DEL in value", head("X-A: b\x7f\r\n"), 400},
      {"brackets in name", head("X[A]: b\r\n"), 400},
  };
}

TEST(RequestParser, RefusesWhatTwoParsersReadDifferently) {
  for (const Case& row : smuggling_cases()) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 16}) {
      const Parsed parsed = parse(row.bytes, piece);
      EXPECT_EQ(parsed.refused, row.status)
          << row.name << " in pieces of " << piece << ": " << parsed.why;
    }
  }
}

TEST(RequestParser, RefusesBadLinesMethodsAndHosts) {
  const std::vector<Case> rows = {
      {"HTTP/1.0", head("", "GET / HTTP/1.0"), 505},
      {"HTTP/1.10", head("", "GET / HTTP/1.10"), 505},
      {"HTTP/1.32", head("", "GET / HTTP/1.32"), 505},
      {"HTTP/2.0", head("", "GET / HTTP/2.0"), 505},
      {"version overflow", head("", "GET / HTTP/1.18446744073709551617"), 505},
      {"HTTP/0.9 line", "GET /\r\n\r\n", 505},
      {"lower-case method", head("", "get / HTTP/1.1"), 400},
      {"method with tokens", head("", "GE(T / HTTP/1.1"), 400},
      {"CONNECT", head("", "CONNECT a.example:443 HTTP/1.1"), 501},
      {"TRACE", head("", "TRACE / HTTP/1.1"), 501},
      {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", head("Host: b\r\n", "GET / HTTP/1.1"), 400},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"absolute form", head("", "GET http://b.example/ HTTP/1.1"), 400},
      {"asterisk", head("", "OPTIONS * HTTP/1.1"), 400},
      {"GET with length", head("Content-Length: 1\r\n", "GET / HTTP/1.1") + "x", 400},
      {"GET chunked", head("Transfer-Encoding: chunked\r\n", "GET / HTTP/1.1"), 400},
      {"HEAD with body", head("Content-Length: 1\r\n", "HEAD / HTTP/1.1") + "x", 400},
      {"h2c upgrade",
       head(
           "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
           "GET / HTTP/1.1"
       ),
       400},
      {"websocket upgrade",
       head("Connection: Upgrade\r\nUpgrade: websocket\r\n", "GET / HTTP/1.1"),
       400},
      {"expectation", head("Expect: 200-ok\r\nContent-Length: 1\r\n"), 417},
      {"gzip body", head("Content-Encoding: gzip\r\nContent-Length: 1\r\n"), 415},
      {"authorization twice", head("Authorization: a\r\nAuthorization: b\r\n"), 400},
      {"origin twice", head("Origin: a\r\nOrigin: b\r\n"), 400},
  };
  for (const Case& row : rows) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1} << 16}) {
      const Parsed parsed = parse(row.bytes, piece);
      EXPECT_EQ(parsed.refused, row.status)
          << row.name << " in pieces of " << piece << ": " << parsed.why;
      EXPECT_FALSE(parsed.why.empty()) << row.name;
    }
  }
}

TEST(RequestParser, KeepsItsLimits) {
  EXPECT_EQ(parse(head("X: " + std::string(40 << 10, 'a') + "\r\n"), 1000).refused, 431);
  std::string many;
  for (int i = 0; i < 101; ++i) {
    many += "X: y\r\n";
  }
  EXPECT_EQ(parse(head(many), 1000).refused, 431);
  EXPECT_EQ(parse(head("", "GET /" + std::string(9000, 'a') + " HTTP/1.1"), 1000).refused, 414);
  EXPECT_EQ(parse(std::string(40 << 10, 'A'), 1000).refused, 400);
  EXPECT_EQ(parse(head("Content-Length: 5\r\n") + "abcde", 2, 4).refused, 413);
  EXPECT_EQ(
      parse(head("Transfer-Encoding: chunked\r\n") + "5\r\nabcde\r\n0\r\n\r\n", 2, 4).refused, 413
  );
  EXPECT_TRUE(parse(head("Content-Length: 5\r\n") + "abcde", 2, 5).done);
}

TEST(RequestParser, WaitsForTheRestOfAHeadOrBody) {
  EXPECT_FALSE(parse("GET / HT", 3).done);
  EXPECT_FALSE(parse(head("Content-Length: 5\r\n") + "abcd", 3).done);
}

}  // namespace
}  // namespace sluice::http
