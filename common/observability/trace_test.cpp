#include "common/observability/trace.h"

#include <gtest/gtest.h>

namespace sluice::observability {
namespace {

constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceParent, SurvivesARoundTrip) {
  const auto parent = parse_trace_parent(kGood);

  if (!parent) {
    FAIL() << "is well-formed";
  }
  EXPECT_EQ(parent->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(parent->parent_id, "00f067aa0ba902b7");
  EXPECT_TRUE(parent->sampled);
  EXPECT_EQ(format(*parent), kGood);
}

TEST(TraceParent, ReadsTheSampledBitOnly) {
  std::string header(kGood);
  header.replace(53, 2, "fe");

  const auto parent = parse_trace_parent(header);

  if (!parent) {
    FAIL() << "is well-formed";
  }
  EXPECT_FALSE(parent->sampled);
}

TEST(TraceParent, AcceptsALaterVersionWithMoreBehindADash) {
  std::string header(kGood);
  header.replace(0, 2, "cc");

  EXPECT_TRUE(parse_trace_parent(header + "-what-is-next").has_value());
  EXPECT_FALSE(parse_trace_parent(header + ".what").has_value());
}

TEST(TraceParent, RefusesWhatIsNotWellFormed) {
  std::string upper(kGood);
  upper[5] = 'F';
  std::string zero_trace(kGood);
  zero_trace.replace(3, 32, std::string(32, '0'));
  std::string zero_parent(kGood);
  zero_parent.replace(36, 16, std::string(16, '0'));
  std::string forbidden(kGood);
  forbidden.replace(0, 2, "ff");

  for (const std::string& bad :
       {std::string(),
        std::string("00-1-2-3"),
        std::string(kGood) + "-more",
        upper,
        zero_trace,
        zero_parent,
        forbidden}) {
    EXPECT_FALSE(parse_trace_parent(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace sluice::observability
