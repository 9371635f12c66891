#include "common/observability/metrics.h"

#include "common/base/check.h"

#include <exception>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace sluice::observability {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter* counter) : counter_(counter) {}

  void add(double amount) override { counter_->Increment(amount); }

 private:
  prometheus::Counter* counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge* gauge) : gauge_(gauge) {}

  void set(double value) override { gauge_->Set(value); }

  void add(double amount) override { gauge_->Increment(amount); }

 private:
  prometheus::Gauge* gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram* histogram) : histogram_(histogram) {}

  void observe(double value) override { histogram_->Observe(value); }

 private:
  prometheus::Histogram* histogram_;
};

// A name or label the library refuses is a mistake in our own source: it throws, and this says so
// and aborts.
template <class Make>
auto& made(Make make) {
  try {
    return make();
  } catch (const std::exception&) {
    SLUICE_UNREACHABLE("metric names and labels are valid, and one name has one type");
  }
}

class PrometheusMetrics final : public Metrics {
 public:
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels)
      override {
    auto& raw = made([&]() -> auto& {
      return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
    });
    return wrapped(counters_, raw);
  }

  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) override {
    auto& raw = made([&]() -> auto& {
      return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
    });
    return wrapped(gauges_, raw);
  }

  Histogram& histogram(
      const std::string& name,
      const std::string& help,
      const std::vector<double>& bounds,
      const Labels& labels
  ) override {
    auto& raw = made([&]() -> auto& {
      auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
      return family.Add(labels, bounds);
    });
    return wrapped(histograms_, raw);
  }

  [[nodiscard]] std::string expose() const override {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  template <class Raw, class Wrapper>
  static Wrapper& wrapped(std::map<Raw*, std::unique_ptr<Wrapper>>& known, Raw& raw) {
    auto& place = known[&raw];
    if (!place) {
      place = std::make_unique<Wrapper>(&raw);
    }
    return *place;
  }

  prometheus::Registry registry_;
  std::map<prometheus::Counter*, std::unique_ptr<PrometheusCounter>> counters_;
  std::map<prometheus::Gauge*, std::unique_ptr<PrometheusGauge>> gauges_;
  std::map<prometheus::Histogram*, std::unique_ptr<PrometheusHistogram>> histograms_;
};

}  // namespace

std::unique_ptr<Metrics> make_metrics() {
  return std::make_unique<PrometheusMetrics>();
}

}  // namespace sluice::observability
