#include "common/http/internal/server_shared.h"

#include <algorithm>

namespace sluice::http {
namespace {

std::string metric_name(std::string service, std::string_view what) {
  std::replace(service.begin(), service.end(), '-', '_');
  return "sluice_" + service + "_http_" + std::string(what);
}

}  // namespace

ServerMetrics::ServerMetrics(observability::Metrics* metrics, const std::string& service)
    : metrics_(metrics),
      requests_name_(metric_name(service, "requests_total")),
      in_flight_(
          metrics->gauge(metric_name(service, "requests_in_flight"), "HTTP requests being handled")
      ),
      connections_(metrics->gauge(metric_name(service, "connections_open"), "HTTP connections open")
      ),
      uncaught_(metrics->counter(
          "sluice_uncaught_total", "Exceptions caught at an edge; above 0 is a bug"
      )) {}

void ServerMetrics::count(const Route* route, int status) {
  auto& counter = requests_[{route, status}];
  if (counter == nullptr) {
    counter = &metrics_->counter(
        requests_name_,
        "HTTP requests answered, by route and status",
        {{"route", route == nullptr ? "none" : route->path}, {"status", std::to_string(status)}}
    );
  }
  counter->add();
}

}  // namespace sluice::http
