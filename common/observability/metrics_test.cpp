#include "common/observability/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::observability {
namespace {

TEST(Metrics, ExposesCountersGaugesAndHistograms) {
  const auto metrics = make_metrics();

  metrics->counter("sluice_test_calls_total", "Calls.", {{"code", "ok"}}).add();
  metrics->counter("sluice_test_calls_total", "Calls.", {{"code", "ok"}}).add(2);
  metrics->gauge("sluice_test_open_connections", "Open.").set(4);
  metrics->gauge("sluice_test_open_connections", "Open.").add(-1);
  metrics->histogram("sluice_test_latency_seconds", "Latency.", {0.1, 1.0}).observe(0.5);

  const std::string text = metrics->expose();
  EXPECT_THAT(text, testing::HasSubstr("# TYPE sluice_test_calls_total counter\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_test_calls_total{code=\"ok\"} 3\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_test_open_connections 3\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_test_latency_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_test_latency_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, testing::HasSubstr("sluice_test_latency_seconds_count 1\n"));
}

TEST(Metrics, SameNameAndLabelsGiveTheSameObject) {
  const auto metrics = make_metrics();

  Counter& first = metrics->counter("sluice_test_a_total", "A.", {{"k", "v"}});
  Counter& again = metrics->counter("sluice_test_a_total", "A.", {{"k", "v"}});
  Counter& other = metrics->counter("sluice_test_a_total", "A.", {{"k", "w"}});

  EXPECT_EQ(&first, &again);
  EXPECT_NE(&first, &other);
}

TEST(MetricsDeathTest, OneNameWithTwoTypesIsABug) {
  const auto metrics = make_metrics();
  metrics->counter("sluice_test_a_total", "A.");

  EXPECT_DEATH(metrics->gauge("sluice_test_a_total", "A."), "one name has one type");
}

}  // namespace
}  // namespace sluice::observability
