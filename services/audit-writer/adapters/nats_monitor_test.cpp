#include "services/audit-writer/adapters/nats_monitor.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(ParseVarz, ReadsWhetherEveryWriteIsSynced) {
  const auto always = parse_varz(
      R"({"version":"2.10.27","jetstream":{"config":{"store_dir":"/x","sync_always":true}}})"
  );
  const auto timed =
      parse_varz(R"({"version":"2.10.27","jetstream":{"config":{"sync_interval":120000000000}}})");
  const auto none = parse_varz(R"({"version":"2.10.27","jetstream":{}})");

  ASSERT_THAT(always, IsOk());
  EXPECT_TRUE(always.value().jetstream);
  EXPECT_TRUE(always.value().sync_always);
  EXPECT_EQ(always.value().version, "2.10.27");
  ASSERT_THAT(timed, IsOk());
  EXPECT_TRUE(timed.value().jetstream);
  EXPECT_FALSE(timed.value().sync_always);
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none.value().jetstream);
}

TEST(ParseVarz, RefusesWhatIsNoMonitoringEndpoint) {
  EXPECT_THAT(parse_varz("<html>"), HasCode(Code::Invalid));
  EXPECT_THAT(parse_varz("[]"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::audit_writer
