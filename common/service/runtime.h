// Runtime: what every service gets from its process: executor, clock, logs, metrics, secrets,
// readiness, stop signal. A small copyable handle.
#pragma once

#include "common/async/blocking_pool.h"
#include "common/async/clock.h"
#include "common/async/task_group.h"
#include "common/base/secret.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <functional>
#include <memory>
#include <string>

namespace sluice::service {

class Runtime {
 public:
  [[nodiscard]] Executor executor() const;
  [[nodiscard]] async::Clock* clock() const;
  [[nodiscard]] observability::Log* log() const;
  [[nodiscard]] observability::Metrics* metrics() const;
  [[nodiscard]] async::BlockingPool* blocking() const;
  [[nodiscard]] const std::string& service() const;
  // Unique per process: "<service>-<8 hex>", no dots. From SLUICE_INSTANCE when set.
  [[nodiscard]] const std::string& instance() const;

  // This service's own secret directory (SLUICE_SECRETS_DIR, default
  // /run/sluice/secrets/<service>).
  [[nodiscard]] std::string secret_path(const std::string& file) const;
  // Content without the trailing line end. Errors: NotFound, Denied.
  [[nodiscard]] Result<Secret<std::string>> secret(const std::string& file) const;

  // A task group for the service's background work; closed by run() after serve returned.
  [[nodiscard]] async::TaskGroup& tasks() const;

  // /readyz answers 200 when every check says nothing (an empty string), else 503 with what they
  // say.
  void add_readiness_check(std::string name, std::function<std::string()> check) const;
  // Written to <run directory>/<instance>.json beside pid and health port, so that tools find the
  // ports of local processes.
  void publish_port(const std::string& name, std::uint16_t port) const;

  // Returns when SIGTERM or SIGINT came. Errors: Cancelled.
  [[nodiscard]] Async<void> stopped() const;
  [[nodiscard]] bool stopping() const;

  struct Body;

  explicit Runtime(std::shared_ptr<Body> body) : body_(std::move(body)) {}

 private:
  std::shared_ptr<Body> body_;
};

}  // namespace sluice::service
