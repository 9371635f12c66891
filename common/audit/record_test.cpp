#include "common/audit/record.h"

#include "common/audit/client.h"
#include "common/audit/limits.h"
#include "common/crypto/random.h"

#include <gtest/gtest.h>

namespace sluice::audit {
namespace {

constexpr std::int64_t kNow = 1767323045000;

v1::Record completed(v1::Record record) {
  complete(record, {"ingress", "ingress-1", 7}, 3, {kNow, 99});
  return record;
}

TEST(RecordOf, TakesWhoAndWhichConversationFromTheContext) {
  RequestContext context;
  context.request = RequestId("req_1");
  context.chain = ChainId("c1");
  context.hop = 4;
  context.tenant = TenantId("default");
  context.principal = PrincipalId("key:k1");
  context.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  const auto record = record_of(context, "chat.request");

  EXPECT_EQ(record.action(), "chat.request");
  EXPECT_EQ(record.request_id(), "req_1");
  EXPECT_EQ(record.chain_id(), "c1");
  EXPECT_EQ(record.hop(), 4U);
  EXPECT_EQ(record.tenant(), "default");
  EXPECT_EQ(record.principal(), "key:k1");
  EXPECT_EQ(record.trace_id(), "0af7651916cd43dd8448eb211c80319c");
}

TEST(Record, CompletionFillsIdentityAndTimes) {
  const auto record = completed({});

  EXPECT_NEAR(
      static_cast<double>(crypto::uuid_v7_unix_ms(record.event_id())), static_cast<double>(kNow), 50
  );
  EXPECT_EQ(record.producer(), "ingress");
  EXPECT_EQ(record.instance(), "ingress-1");
  EXPECT_EQ(record.boot(), 7U);
  EXPECT_EQ(record.sequence(), 3U);
  EXPECT_EQ(record.schema_version(), kSchemaVersion);
  EXPECT_EQ(record.wall_unix_ms(), kNow);
  EXPECT_EQ(record.monotonic_ns(), 99);
}

TEST(Record, BodiesAreBoundedAndRedacted) {
  v1::Record record;
  record.set_action("chat.request");
  record.set_body(R"({"password":"hunter2","text":")" + std::string(100000, 'x') + "\"}");

  record = completed(std::move(record));

  EXPECT_TRUE(record.body_truncated());
  EXPECT_LE(record.body().size(), kBodyBytesMax);
  EXPECT_EQ(record.body().find("hunter2"), std::string::npos);
}

TEST(Record, ResultsOfWritesStayExact) {
  const std::string result = R"({"token":"abc","n":)" + std::string(50000, '1') + "}";
  v1::Record record;
  record.set_action("tool.outcome");
  record.set_effect_class("write");
  record.set_body(result);

  record = completed(std::move(record));

  EXPECT_EQ(record.body(), result);
  EXPECT_FALSE(record.body_truncated());
}

TEST(Record, ResultsOfReadsAreRedactedAndTooLargeOnesOfWritesAreCut) {
  v1::Record read;
  read.set_action("tool.outcome");
  read.set_effect_class("read");
  read.set_body(R"({"token":"abc"})");
  v1::Record write;
  write.set_action("tool.outcome");
  write.set_effect_class("delete");
  write.set_body(R"({"token":"abc"})" + std::string(kResultBytesMax, ' '));

  read = completed(std::move(read));
  write = completed(std::move(write));

  EXPECT_EQ(read.body(), R"({"token":"***"})");
  EXPECT_TRUE(write.body_truncated());
  EXPECT_LE(write.body().size(), kBodyBytesMax);
  EXPECT_EQ(write.body().find("abc"), std::string::npos);
}

TEST(Record, TextIsBoundedAndMadeReadable) {
  v1::Record record;
  record.set_detail(std::string(10000, 'x'));
  record.set_tool("bad\xFFname");

  record = completed(std::move(record));

  EXPECT_EQ(record.detail().size(), kTextBytesMax);
  EXPECT_EQ(record.tool(), "bad?name");
  v1::Record parsed;
  EXPECT_TRUE(parsed.ParseFromString(record.SerializeAsString()));
}

}  // namespace
}  // namespace sluice::audit
