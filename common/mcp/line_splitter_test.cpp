#include "common/mcp/line_splitter.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::mcp {
namespace {

std::vector<std::string> lines_of(LineSplitter& splitter) {
  std::vector<std::string> lines;
  while (auto line = splitter.next()) {
    lines.push_back(std::move(*line));
  }
  return lines;
}

TEST(LineSplitter, CutsLinesHoweverTheBytesArrive) {
  const std::string stream = "one\r\ntwo\n\nthree\npart";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    LineSplitter splitter;

    for (std::size_t at = 0; at < stream.size(); at += piece) {
      splitter.feed(std::string_view(stream).substr(at, piece));
    }

    EXPECT_EQ(lines_of(splitter), (std::vector<std::string>{"one", "two", "three"})) << piece;
  }
}

TEST(LineSplitter, SkipsALineOverTheLimitAndGoesOn) {
  LineSplitter splitter(8);

  splitter.feed("12345678\n123456789");
  splitter.feed("more of it");
  splitter.feed("\nnext\n");

  EXPECT_EQ(lines_of(splitter), (std::vector<std::string>{"12345678", "next"}));
  EXPECT_EQ(splitter.lines_too_long(), 1U);
}

TEST(LineSplitter, HoldsNothingOfAnEndlessLine) {
  LineSplitter splitter(1024);
  const std::string block(4096, 'x');

  for (int i = 0; i < 1000; ++i) {
    splitter.feed(block);
  }

  EXPECT_TRUE(lines_of(splitter).empty());
  EXPECT_EQ(splitter.lines_too_long(), 1U);
}

TEST(MayBeMessage, TellsBannersFromMessages) {
  EXPECT_TRUE(may_be_message(R"( {"jsonrpc":"2.0"})"));
  EXPECT_TRUE(may_be_message("[1]"));
  EXPECT_FALSE(may_be_message("Server running on stdio"));
  EXPECT_FALSE(may_be_message("  "));
}

}  // namespace
}  // namespace sluice::mcp
