#include "common/http/sse.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

std::vector<SseEvent> feed_all(std::string_view bytes, std::size_t piece) {
  SseParser parser;
  std::vector<SseEvent> all;
  while (!bytes.empty()) {
    auto events = parser.feed(bytes.substr(0, piece));
    EXPECT_THAT(events, IsOk());
    for (auto& event : events.value()) {
      all.push_back(std::move(event));
    }
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return all;
}

std::string with_line_ends(std::string text, std::string_view end) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += end;
    } else {
      out += c;
    }
  }
  return out;
}

TEST(SseParser, ReadsEventsWithAnyLineEndAtEveryCut) {
  const std::string text =
      "\xEF\xBB\xBF: comment\nevent: delta\ndata: {\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}\nid: "
      "7\nretry: 250\n\n"
      "data\ndata:two\ndata:  three\nunknown: x\n\n\n\ndata: [DONE]\n\n";
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const std::string bytes = with_line_ends(text, end);
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      const auto events = feed_all(bytes, piece);
      ASSERT_EQ(events.size(), 3U) << piece;
      EXPECT_EQ(events[0].event, "delta");
      EXPECT_EQ(events[0].data, "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}");
      EXPECT_EQ(events[0].id, "7");
      EXPECT_EQ(events[0].retry_ms, 250);
      EXPECT_EQ(events[1].data, "\ntwo\n three");
      EXPECT_EQ(events[1].event, "");
      EXPECT_FALSE(events[1].id.has_value());
      EXPECT_EQ(events[2].data, "[DONE]");
    }
  }
}

TEST(SseParser, DispatchesNothingWithoutData) {
  EXPECT_TRUE(feed_all("event: x\n\n: ping\n\nid: 1\n\n", 4).empty());
}

TEST(SseParser, IgnoresABadRetryAndAnIdWithNul) {
  const auto events = feed_all(std::string_view("retry: 1x\nid: a\0b\ndata: d\n\n", 27), 5);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_FALSE(events[0].retry_ms.has_value());
  EXPECT_FALSE(events[0].id.has_value());
}

TEST(SseParser, KnowsWhetherAnEventIsOpen) {
  SseParser parser;
  EXPECT_FALSE(parser.partial());
  ASSERT_THAT(parser.feed("data: a"), IsOk());
  EXPECT_TRUE(parser.partial());
  ASSERT_THAT(parser.feed("\n"), IsOk());
  EXPECT_TRUE(parser.partial());
  ASSERT_THAT(parser.feed("\n"), IsOk());
  EXPECT_FALSE(parser.partial());
}

TEST(SseParser, RefusesEventsOverTheLimit) {
  SseParser one_line(10);
  EXPECT_THAT(one_line.feed("data: 0123456789"), HasCode(Code::Exhausted));
  SseParser many_lines(20);
  Result<std::vector<SseEvent>> last = std::vector<SseEvent>();
  for (int i = 0; i < 10 && last.ok(); ++i) {
    last = many_lines.feed("data: 0123\n");
  }
  EXPECT_THAT(last, HasCode(Code::Exhausted));
}

TEST(FormatSse, WritesWhatTheParserReads) {
  EXPECT_EQ(format_sse("a\nb", "e"), "event: e\ndata: a\ndata: b\n\n");
  EXPECT_EQ(format_sse(""), "data: \n\n");
  EXPECT_EQ(format_sse("a", "e", "7"), "id: 7\nevent: e\ndata: a\n\n");
  const auto events = feed_all(format_sse("x\n\ny", "done"), 3);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data, "x\n\ny");
  EXPECT_EQ(events[0].event, "done");
}

}  // namespace
}  // namespace sluice::http
