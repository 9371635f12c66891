// run: the one main() of all services. --version, --check-config, --print-config, --print-settings;
// settings; logging; signals; the listener of /healthz /readyz /metrics; serve; exit code (0
// stopped, 1 failed while running, 2 could not start).
#pragma once

#include "common/config/config.h"
#include "common/service/runtime.h"

#include <functional>
#include <string>

namespace sluice::service {

namespace detail {
// load reads the service's sections and returns a function that starts it.
using Starter = std::function<Async<void>(Runtime)>;
using Loader = std::function<Starter(config::Document&)>;
int run(const std::string& name, int argc, char** argv, Loader load);
}  // namespace detail

// Config: struct with static Config load(config::Document&), which never fails (faults are noted in
// the document).
template <class Config>
int run(const std::string& name, int argc, char** argv, Async<void> (*serve)(Runtime, Config)) {
  return detail::run(name, argc, argv, [serve](config::Document& document) -> detail::Starter {
    auto config = std::make_shared<Config>(Config::load(document));
    return
        [serve, config](Runtime runtime) { return serve(std::move(runtime), std::move(*config)); };
  });
}

}  // namespace sluice::service
