#include "services/audit-writer/domain/stored_record.h"

#include "services/audit-writer/limits.h"
#include "services/audit-writer/testing/builders.h"

#include "common/audit/limits.h"
#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(StoredRecord, KeepsTheProducersBytesWithoutTheBody) {
  audit::v1::Record record = test_record("chat.request");
  const std::string without = record.SerializeAsString();
  record.set_body(R"({"a":1})");
  const std::string with = record.SerializeAsString();

  const auto stored = store_form(with);

  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored.value().bytes, without);
  EXPECT_EQ(stored.value().body, R"({"a":1})");
  EXPECT_EQ(stored.value().sha256, crypto::sha256(with));
  EXPECT_TRUE(stored.value().fields.body().empty());
  EXPECT_TRUE(stored.value().exact_result.empty());
}

TEST(StoredRecord, KeepsFieldsItDoesNotKnow) {
  // Field 200, of a newer producer: a length-delimited, a varint, a fixed32 and a fixed64.
  const std::string newer = std::string(
                                "\xC2\x0C\x03"
                                "new",
                                6
                            ) +
                            std::string("\xC8\x0C\x96\x01", 4) +
                            std::string("\xD5\x0C\x01\x02\x03\x04", 6) +
                            std::string("\xD9\x0C\x01\x02\x03\x04\x05\x06\x07\x08", 10);
  const std::string known = test_record("chat.request").SerializeAsString();

  const auto stored = store_form(newer + known);

  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored.value().bytes, newer + known);
}

TEST(StoredRecord, DerivesTheDayFromTheEventId) {
  audit::v1::Record record = test_record("chat.request");
  record.set_event_id("018c8c64-1c00-7abc-8def-0123456789ab");  // 2023-12-21T13:04:54.784Z
  record.set_wall_unix_ms(0);

  const auto stored = store_form(record.SerializeAsString());

  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored.value().day, 0x018c8c641c00 / 86'400'000);
}

TEST(StoredRecord, ResultsOfWritesAreSplitIntoExactAndRedacted) {
  audit::v1::Record record = test_record("tool.outcome");
  record.set_effect_class("write");
  record.set_body(R"({"password":"hunter2"})");

  const auto stored = store_form(record.SerializeAsString());

  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored.value().exact_result, R"({"password":"hunter2"})");
  EXPECT_EQ(stored.value().body, R"({"password":"***"})");
}

TEST(StoredRecord, BodiesAreBoundedWhateverTheProducerSends) {
  audit::v1::Record record = test_record("chat.request");
  record.set_body(std::string(200000, 'x'));

  const auto stored = store_form(record.SerializeAsString());

  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored.value().body.size(), audit::kBodyBytesMax);
}

TEST(StoredRecord, RefusesWhatCannotBeARow) {
  const auto refused = [](auto change) {
    audit::v1::Record record = test_record("chat.request");
    change(record);
    return store_form(record.SerializeAsString());
  };

  EXPECT_THAT(store_form("\xFF\xFF"), HasCode(Code::Invalid));
  EXPECT_THAT(store_form(""), HasCode(Code::Invalid));
  EXPECT_THAT(store_form(std::string(audit::kRecordBytesMax + 1, '\0')), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.set_event_id("nonsense"); }), HasCode(Code::Invalid));
  EXPECT_THAT(
      refused([](auto& r) { r.set_event_id("550e8400-e29b-41d4-a716-446655440000"); }),
      HasCode(Code::Invalid)
  );
  EXPECT_THAT(refused([](auto& r) { r.clear_action(); }), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.clear_instance(); }), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.set_sequence(0); }), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.set_sequence(UINT64_MAX); }), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.set_policy_version(UINT64_MAX); }), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.set_wall_unix_ms(INT64_MAX); }), HasCode(Code::Invalid));
  EXPECT_THAT(refused([](auto& r) { r.set_deadline_unix_ms(-1); }), HasCode(Code::Invalid));
}

TEST(WithoutField, RefusesEveryCut) {
  audit::v1::Record record = test_record("chat.request");
  record.set_body("body");
  const std::string bytes = record.SerializeAsString();

  std::size_t refused = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = without_field(std::string_view(bytes).substr(0, size), 52);
    refused += cut.ok() ? 0U : 1U;
  }

  EXPECT_GT(refused, bytes.size() / 2) << "all but the cuts between two fields";
  EXPECT_THAT(without_field("\x0B", 52), HasCode(Code::Invalid)) << "groups";
  EXPECT_THAT(without_field(std::string(11, '\xFF'), 52), HasCode(Code::Invalid))
      << "endless varint";
}

TEST(Reject, KeepsABoundedBeginning) {
  const auto rejected = reject(std::string(100000, 'x'), "why", std::string(1000, 'e'));

  EXPECT_EQ(rejected.bytes.size(), kRejectedBytesMax);
  EXPECT_EQ(rejected.bytes_total, 100000U);
  EXPECT_EQ(rejected.event_id.size(), 64U);
  EXPECT_EQ(rejected.sha256.size(), 32U);
}

}  // namespace
}  // namespace sluice::audit_writer
