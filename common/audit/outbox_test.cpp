#include "common/audit/outbox.h"

#include "common/audit/limits.h"
#include "common/audit/orphans.h"
#include "common/audit/testing/temporary_directory.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice::audit {
namespace {

using sluice::testing::IsOk;

constexpr std::size_t kPlenty = std::size_t{256} << 20;

Position append(Outbox& outbox, std::string_view payload) {
  outbox.begin_frame().append(payload);
  return outbox.commit_frame();
}

std::unique_ptr<Outbox> opened(const std::string& root, std::size_t bytes_max = kPlenty) {
  auto outbox = Outbox::open(root, "i1", bytes_max);
  EXPECT_THAT(outbox, IsOk());
  return std::move(outbox).value();
}

// Everything take() gives, with its segment.
std::vector<std::pair<std::string, std::uint64_t>> taken(Outbox& outbox) {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (;;) {
    const auto next = outbox.take();
    EXPECT_THAT(next, IsOk());
    if (!next.ok() || !next.value()) {
      return out;
    }
    out.emplace_back(next.value()->payload, next.value()->segment);
  }
}

std::vector<std::string> orphaned(Orphan& orphan) {
  std::vector<std::string> out;
  for (;;) {
    const auto next = orphan.next();
    EXPECT_THAT(next, IsOk());
    if (!next.ok() || !next.value()) {
      return out;
    }
    out.emplace_back(*next.value());
  }
}

// What a killed process leaves: its files, and a lock nobody holds.
void leave_behind(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

TEST(Outbox, GivesRecordsInOrderOnlyAfterTheyAreWritten) {
  const TemporaryDirectory root;
  const auto outbox = opened(root.path());
  append(*outbox, "one");
  append(*outbox, "two");
  EXPECT_TRUE(taken(*outbox).empty());

  ASSERT_THAT(outbox->flush(), IsOk());

  EXPECT_EQ(outbox->unsent(), 2U);
  const auto records = taken(*outbox);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].first, "one");
  EXPECT_EQ(records[1].first, "two");
  EXPECT_EQ(outbox->unsent(), 0U);
  EXPECT_EQ(outbox->backlog(), 2U);
  outbox->acknowledge({{records[0].second, 2}});
  EXPECT_EQ(outbox->backlog(), 0U);
}

TEST(Outbox, RemovesItsDirectoryWhenAllIsAcknowledgedAndLeavesItOtherwise) {
  const TemporaryDirectory root;
  {
    const auto outbox = opened(root.path());
    append(*outbox, "one");
    ASSERT_THAT(outbox->flush(), IsOk());
    outbox->acknowledge({{taken(*outbox)[0].second, 1}});
  }
  EXPECT_FALSE(std::filesystem::exists(root.path() + "/i1"));
  {
    const auto outbox = opened(root.path());
    append(*outbox, "one");
    ASSERT_THAT(outbox->flush(), IsOk());
  }
  EXPECT_TRUE(std::filesystem::exists(root.path() + "/i1"));
}

TEST(Outbox, RotatesSegmentsAndDeletesAcknowledgedOnes) {
  const TemporaryDirectory root;
  const auto outbox = opened(root.path());
  const std::string payload(100000, 'x');
  for (int i = 0; i < 100; ++i) {
    append(*outbox, payload);
    ASSERT_THAT(outbox->flush(), IsOk());
  }
  EXPECT_EQ(segments_of(outbox->directory()).size(), 3U);

  const auto records = taken(*outbox);
  ASSERT_EQ(records.size(), 100U);
  for (const auto& [bytes, segment] : records) {
    ASSERT_EQ(bytes, payload);
    outbox->acknowledge({{segment, 1}});
  }

  EXPECT_EQ(segments_of(outbox->directory()).size(), 1U);
  EXPECT_EQ(outbox->bytes(), 0U);
}

TEST(Outbox, ReadsBackFromTheFilesWhatDoesNotFitMemory) {
  const TemporaryDirectory root;
  const auto outbox = opened(root.path());
  constexpr int kRecords = 3000;
  for (int i = 0; i < kRecords; ++i) {
    append(*outbox, std::to_string(i) + std::string(4000, '.'));
    if (i % 10 == 9) {
      ASSERT_THAT(outbox->flush(), IsOk());
    }
  }

  int next = 0;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [bytes, segment] : taken(*outbox)) {
      ASSERT_EQ(bytes.substr(0, bytes.find('.')), std::to_string(next));
      ++next;
      outbox->acknowledge({{segment, 1}});
    }
    append(*outbox, std::to_string(kRecords + round) + ".");
    ASSERT_THAT(outbox->flush(), IsOk());
  }

  EXPECT_EQ(next, kRecords + 1);
  EXPECT_EQ(outbox->unsent(), 1U);
}

TEST(Outbox, IsFullAtItsBoundAndUsableAgainAfterAcknowledgements) {
  const TemporaryDirectory root;
  const auto outbox = opened(root.path(), kSegmentBytesMax);
  while (!outbox->full()) {
    append(*outbox, std::string(500000, 'x'));
    ASSERT_THAT(outbox->flush(), IsOk());
  }

  for (const auto& [bytes, segment] : taken(*outbox)) {
    outbox->acknowledge({{segment, 1}});
  }

  EXPECT_FALSE(outbox->full());
}

TEST(Outbox, HeldFramesAreGivenOnlyWhenReleased) {
  const TemporaryDirectory root;
  const auto outbox = opened(root.path());
  append(*outbox, "before");
  const Position delivered = append(*outbox, "delivered");
  const Position early = append(*outbox, "delivered before it is passed");
  const Position released = append(*outbox, "released");
  const Position soon = append(*outbox, "released before it is passed");
  append(*outbox, "after");
  for (const Position position : {delivered, early, released, soon}) {
    outbox->hold(position);
  }
  ASSERT_THAT(outbox->flush(), IsOk());
  outbox->resolve(early, true);
  outbox->resolve(soon, false);

  const auto first = taken(*outbox);
  outbox->resolve(delivered, true);
  outbox->resolve(released, false);
  const auto second = taken(*outbox);

  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[0].first, "before");
  EXPECT_EQ(first[1].first, "released before it is passed");
  EXPECT_EQ(first[2].first, "after");
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].first, "released");
  EXPECT_EQ(outbox->backlog(), 4U);
  outbox->acknowledge({{first[0].second, 4}});
  EXPECT_EQ(outbox->backlog(), 0U);
}

TEST(Outbox, TellsWhatToDoWhenItsDirectoryIsNotWritable) {
  const auto outbox = Outbox::open("/proc/nowhere", "i1", kPlenty);

  EXPECT_THAT(outbox, sluice::testing::HasCode(Code::Unavailable));
}

TEST(Orphan, OfARunningInstanceIsNotTaken) {
  const TemporaryDirectory root;
  const auto outbox = opened(root.path());

  EXPECT_TRUE(Orphan::find(root.path(), 8).empty());
}

TEST(Orphan, OfADeadInstanceIsReadOnceAndRemoved) {
  const TemporaryDirectory root;
  const TemporaryDirectory other;
  const auto outbox = opened(other.path());
  append(*outbox, "one");
  append(*outbox, "two");
  ASSERT_THAT(outbox->flush(), IsOk());
  leave_behind(outbox->directory(), root.path() + "/dead");

  auto found = Orphan::find(root.path(), 8);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(Orphan::find(root.path(), 8).empty()) << "locked by the first finder";
  EXPECT_EQ(orphaned(found[0]), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(found[0].torn(), 0U);
  found[0].remove();

  EXPECT_FALSE(std::filesystem::exists(root.path() + "/dead"));
}

TEST(Orphan, ATornTailIsReportedAndWhatIsBeforeItRead) {
  const TemporaryDirectory root;
  const TemporaryDirectory other;
  const auto outbox = opened(other.path());
  append(*outbox, "one");
  append(*outbox, "two");
  ASSERT_THAT(outbox->flush(), IsOk());
  leave_behind(outbox->directory(), root.path() + "/dead");
  const std::string segment = segment_path(root.path() + "/dead", 1);
  std::filesystem::resize_file(segment, std::filesystem::file_size(segment) - 1);

  auto found = Orphan::find(root.path(), 8);
  ASSERT_EQ(found.size(), 1U);

  EXPECT_EQ(orphaned(found[0]), (std::vector<std::string>{"one"}));
  EXPECT_EQ(found[0].torn(), 1U);
  EXPECT_EQ(found[0].damaged(), 0U);
}

TEST(Orphan, ADamagedSegmentIsKeptAsideForInspection) {
  const TemporaryDirectory root;
  const TemporaryDirectory other;
  const auto outbox = opened(other.path());
  append(*outbox, "one");
  append(*outbox, "two");
  ASSERT_THAT(outbox->flush(), IsOk());
  leave_behind(outbox->directory(), root.path() + "/dead");
  {
    std::fstream file(
        segment_path(root.path() + "/dead", 1), std::ios::in | std::ios::out | std::ios::binary
    );
    file.seekp(-1, std::ios::end);
    file.put('!');
  }

  auto found = Orphan::find(root.path(), 8);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(orphaned(found[0]), (std::vector<std::string>{"one"}));
  EXPECT_EQ(found[0].damaged(), 1U);
  found[0].remove();

  EXPECT_FALSE(std::filesystem::exists(root.path() + "/dead"));
  EXPECT_TRUE(std::filesystem::exists(root.path() + "/.damaged-dead-1"));
}

}  // namespace
}  // namespace sluice::audit
