// What a Runtime points to. Internal to this library: made by process.cpp, and by tests through
// testing/.
#pragma once

#include "common/service/runtime.h"

#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice::service {

struct Runtime::Body {
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    async::BlockingPool* blocking;
    std::string service;
    std::string instance;
    std::string secrets_directory;
    std::string run_directory;  // empty: no file
  };

  explicit Body(Deps deps);

  // SIGTERM or SIGINT came: everyone in stopped() goes on.
  void stop();
  // What /readyz says against being ready, "" when nothing.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> objections() const;
  void write_run_file() const;
  void remove_run_file() const;

  Deps deps;
  async::TaskGroup tasks;
  std::vector<std::pair<std::string, std::function<std::string()>>> checks;
  std::map<std::string, std::uint16_t> ports;
  std::vector<std::string> failed_tasks;
  std::list<async::OneShot<void>*> waiters;
  bool stopping = false;
  bool started = false;   // serve waits in stopped()
  bool finished = false;  // serve returned: what the checks refer to is gone
};

}  // namespace sluice::service
