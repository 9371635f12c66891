// A fresh database with the real migrations and the roles of the services.
#pragma once

#include "tests/integration/postgres_rig.h"

#include "common/postgres/migrate.h"

#include <string>
#include <utility>

namespace sluice::postgres {

class MigratedTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    for (const char* role :
         {"sluice_owner", "policy_engine", "mcp_connector", "audit_writer", "audit_reader"}) {
      ASSERT_THAT(make_role(role), sluice::testing::IsOk());
    }
    ASSERT_THAT(migrate(options(), "migrations"), sluice::testing::IsOk());
  }

  [[nodiscard]] Options as_role(std::string role) const {
    Options own = options();
    own.user = std::move(role);
    return own;
  }

 private:
  // Roles are of the server, which all databases share.
  static Result<void> make_role(const std::string& name) {
    return server().execute(
        "SELECT 'CREATE ROLE " + name +
        " LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '" + name + "') \\gexec\n"
    );
  }
};

}  // namespace sluice::postgres
