// codemode-sandbox: the front of the script runners; checks who calls and how much before any
// script is looked at. The only file in this service that names concrete adapters.
#include "services/codemode-sandbox/adapters/no_runners.h"
#include "services/codemode-sandbox/config.h"
#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/handlers/describe.h"
#include "services/codemode-sandbox/handlers/run.h"
#include "services/codemode-sandbox/handlers/runs.h"
#include "services/codemode-sandbox/limits.h"

#include "common/grant/grant.h"
#include "common/service/connect.h"
#include "common/service/run.h"

#include "proto/endpoints.h"

namespace sluice::codemode_sandbox {
namespace {

Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Keys and connections. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(grant::KeyRing keys, grant::KeyRing::load(runtime.secret_path("token-keys")));
  SLUICE_CO_TRY(service::Link link, co_await service::connect(runtime, config.bus, config.audit));

  // 2. Ports, filled with real things.
  NoRunners runners;
  const CallerCheck callers(std::move(keys), runtime.clock());

  // 3. Handlers. From here down everything is covered by unit tests.
  RunHandler run({&callers, &runners});
  DescribeHandler describe({&callers, &runners});
  RunsHandler runs({&callers, &runners});

  // 4. Routes, then run until SIGTERM and drain.
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kCodemodeRun, run));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kCodemodeDescribe, describe));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kCodemodeRuns, runs));
  SLUICE_CO_CHECK_OK(co_await runtime.stopped());
  co_return co_await service::drain(runtime, &link, runtime.clock()->now() + kDrainTimeout);
}

}  // namespace
}  // namespace sluice::codemode_sandbox

int main(int argc, char** argv) {
  return sluice::service::run("codemode-sandbox", argc, argv, sluice::codemode_sandbox::serve);
}
