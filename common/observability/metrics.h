// Metrics in Prometheus' text format. Names: sluice_<service>_<noun>_<unit>[_total]. One shard's
// thread writes; any reads.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::observability {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double amount = 1.0) = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double amount) = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

// References live as long as the registry; the same name and labels give the same object.
class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual Counter& counter(
      const std::string& name, const std::string& help, const Labels& labels = {}
  ) = 0;
  virtual Gauge& gauge(
      const std::string& name, const std::string& help, const Labels& labels = {}
  ) = 0;
  virtual Histogram& histogram(
      const std::string& name,
      const std::string& help,
      const std::vector<double>& bounds,
      const Labels& labels = {}
  ) = 0;
  // Text exposition format 0.0.4.
  [[nodiscard]] virtual std::string expose() const = 0;
};

[[nodiscard]] std::unique_ptr<Metrics> make_metrics();

}  // namespace sluice::observability
