#include "common/audit/outbox_frame.h"

#include "common/audit/crc32c.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <gtest/gtest.h>

namespace sluice::audit {
namespace {

std::string framed(std::string_view payload) {
  std::string out;
  const std::size_t begin = open_frame(out);
  out.append(payload);
  close_frame(out, begin);
  return out;
}

TEST(Crc32c, GivesThePublishedValues) {
  // RFC 3720 B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    EXPECT_EQ(crc32c(text.substr(0, size)), crc32c_by_tables(text.substr(0, size))) << size;
  }
}

TEST(OutboxFrame, ReadsWhatWasWritten) {
  const std::string bytes = framed("first") + framed(std::string(1000, 'x'));

  const auto first = read_frame(bytes);
  ASSERT_EQ(first.state, FrameState::Whole);
  EXPECT_EQ(first.payload, "first");
  const auto second = read_frame(std::string_view(bytes).substr(first.size));
  EXPECT_EQ(second.state, FrameState::Whole);
  EXPECT_EQ(second.payload, std::string(1000, 'x'));
}

TEST(OutboxFrame, EveryCutIsIncomplete) {
  const std::string bytes = framed("a record");

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto frame = read_frame(std::string_view(bytes).substr(0, size));
    EXPECT_EQ(frame.state, FrameState::Incomplete) << size;
    EXPECT_GT(frame.size, size);
  }
}

TEST(OutboxFrame, EveryFlippedBitIsNoticed) {
  const std::string bytes = framed("a record");

  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(read_frame(damaged).state, FrameState::Whole) << bit;
  }
}

TEST(OutboxFrame, ZerosAreDamage) {
  EXPECT_EQ(read_frame(std::string(100, '\0')).state, FrameState::Damaged);
}

TEST(OutboxFrame, BatchesAreARecordBatch) {
  const std::vector<std::string> records{
      "a", std::string(127, 'b'), std::string(128, 'c'), std::string(70000, 'd')
  };

  std::string bytes;
  for (const auto& record : records) {
    append_to_batch(bytes, record);
  }

  v1::RecordBatch batch;
  ASSERT_TRUE(batch.ParseFromString(bytes));
  ASSERT_EQ(batch.records_size(), 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(batch.records(i), records[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(batch.SerializeAsString(), bytes);
}

}  // namespace
}  // namespace sluice::audit
