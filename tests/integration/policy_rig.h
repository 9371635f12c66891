// A fresh database with the real migrations, and policy-engine's role in it.
#pragma once

#include "tests/integration/migrated_rig.h"

#include <boost/asio/io_context.hpp>

namespace sluice::policy_engine {

using Loop = boost::asio::io_context;

class PolicyTest : public postgres::MigratedTest {
 protected:
  [[nodiscard]] postgres::Options as_service() const { return as_role("policy_engine"); }
};

}  // namespace sluice::policy_engine
