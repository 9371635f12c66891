#include "services/ingress/domain/mcp_event_id.h"

#include "services/ingress/limits.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(McpEventIdTest, NamesItsStreamAndItsPlace) {
  const McpEventId id{.stream = new_stream_name(), .number = 12, .lists = std::nullopt};

  const auto read = parse_event_id(to_text(id));

  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read.value().stream, id.stream);
  EXPECT_EQ(read.value().number, 12U);
  EXPECT_FALSE(read.value().lists.has_value());
  EXPECT_NE(new_stream_name(), id.stream);
}

TEST(McpEventIdTest, OfAStreamThatListensSaysWhichListsItsClientKnows) {
  const ListMarks marks = marks_of(CatalogSnapshot());
  const auto read =
      parse_event_id(to_text({.stream = new_stream_name(), .number = 1, .lists = marks}));

  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read.value().lists, marks);
  EXPECT_EQ(marks.tools.size(), 2 * kMcpListMarkBytes);
}

TEST(McpEventIdTest, AnythingElseIsRefused) {
  const std::string stream(2 * kMcpStreamNameBytes, 'a');
  for (const std::string& text :
       {std::string(),
        std::string("7"),
        stream,
        stream + "-",
        stream + "-x",
        stream + "-1x",
        stream + "-1-abc",
        stream + "-99999999999999999999999999",
        stream.substr(1) + "-1",
        stream + "-1-" + std::string(6 * kMcpListMarkBytes, 'g'),
        std::string(kMcpEventIdBytesMax + 1, 'a')}) {
    EXPECT_THAT(parse_event_id(text), HasCode(Code::Invalid)) << text;
  }
}

TEST(McpEventIdTest, WhatAClientUnderstandsFollowsFromItsVersion) {
  EXPECT_EQ(resuming_of("2024-11-05"), McpResuming::No);
  EXPECT_EQ(resuming_of("2025-03-26"), McpResuming::ById);
  EXPECT_EQ(resuming_of("2025-06-18"), McpResuming::ById);
  EXPECT_EQ(resuming_of("2025-11-25"), McpResuming::Primed);
}

}  // namespace
}  // namespace sluice::ingress
