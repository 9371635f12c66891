#include "services/codemode-sandbox/config.h"

#include "common/service/connect.h"

namespace sluice::codemode_sandbox {

Config Config::load(config::Document& document) {
  static_cast<void>(document.section("codemode"));  // has no setting: every key in it is a fault
  return {
      .bus = service::read_bus(document),
      .audit = service::read_audit(document, "codemode-sandbox"),
  };
}

}  // namespace sluice::codemode_sandbox
