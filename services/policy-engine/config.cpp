#include "services/policy-engine/config.h"

#include "common/postgres/settings.h"
#include "common/service/connect.h"

namespace sluice::policy_engine {

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.audit = service::read_audit(document, "policy-engine");
  config.postgres = postgres::read_options(document, "policy-engine");
  config.policy = read_policy(document);
  return config;
}

}  // namespace sluice::policy_engine
