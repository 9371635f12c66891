// A fresh database with the real migrations, and policy-engine's role in it.
#pragma once

#include "tests/integration/postgres_rig.h"

#include "common/postgres/migrate.h"

#include <boost/asio/io_context.hpp>

#include <string>

namespace sluice::policy_engine {

using Loop = boost::asio::io_context;

class PolicyTest : public postgres::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    for (const char* role :
         {"sluice_owner", "policy_engine", "mcp_connector", "audit_writer", "audit_reader"}) {
      const std::string name(role);
      ASSERT_THAT(
          postgres::server().execute(
              "SELECT 'CREATE ROLE " + name +
              " LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '" + name +
              "') \\gexec\n"
          ),
          sluice::testing::IsOk()
      );
    }
    ASSERT_THAT(postgres::migrate(options(), "migrations"), sluice::testing::IsOk());
  }

  [[nodiscard]] postgres::Options as_service() const {
    postgres::Options own = options();
    own.user = "policy_engine";
    return own;
  }
};

}  // namespace sluice::policy_engine
