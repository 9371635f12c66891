// What all connections of one server share.
#pragma once

#include "common/http/internal/identifiers.h"
#include "common/http/internal/response_head.h"
#include "common/http/internal/router.h"
#include "common/http/internal/stream.h"
#include "common/http/internal/watchdog.h"
#include "common/http/server.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace sluice::http {

// sluice_<service>_http_… and sluice_uncaught_total.
class ServerMetrics {
 public:
  ServerMetrics(observability::Metrics* metrics, const std::string& service);

  // route null: none matched.
  void count(const Route* route, int status);

  [[nodiscard]] observability::Gauge& in_flight() { return in_flight_; }

  [[nodiscard]] observability::Gauge& connections() { return connections_; }

  [[nodiscard]] observability::Counter& uncaught() { return uncaught_; }

 private:
  observability::Metrics* metrics_;
  std::string requests_name_;
  observability::Gauge& in_flight_;
  observability::Gauge& connections_;
  observability::Counter& uncaught_;
  std::map<std::pair<const Route*, int>, observability::Counter*> requests_;
};

struct ServerShared {
  ServerShared(Server::Deps d, ServerOptions o, std::vector<Route> routes, Watchdog::Sweep sweep)
      : executor(d.executor),
        clock(d.clock),
        log(d.log),
        options(std::move(o)),
        router(std::move(routes)),
        metrics(d.metrics, d.service),
        watchdog(d.clock, std::move(sweep)) {}

  Executor executor;
  async::Clock* clock;
  observability::Log* log;
  ServerOptions options;
  Router router;
  ServerMetrics metrics;
  Watchdog watchdog;
  Identifiers identifiers;
  DateField date;
  std::shared_ptr<TlsContext> tls;  // null: plain
  bool draining = false;
};

}  // namespace sluice::http
