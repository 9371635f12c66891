#include "services/mcp-connector/config.h"

#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using testing::IsOk;

struct Read {
  std::vector<ServerConfig> servers;
  std::vector<std::string> warnings;
  std::string faults;
};

Read read(const std::string& mcp, config::Environment environment = {}) {
  auto document = config::Document::from_text(R"({"mcp":)" + mcp + "}", std::move(environment));
  EXPECT_THAT(document, IsOk());
  Read out;
  out.servers = read_servers(document.value());
  const auto finished = document.value().finish();
  out.faults = finished.ok() ? "" : finished.error().message();
  out.warnings = document.value().warnings();
  return out;
}

Read read_one(const std::string& members, config::Environment environment = {}) {
  return read(R"({"client_configs":[{)" + members + "}]}", std::move(environment));
}

constexpr const char* kStdio =
    R"("connection_type":"stdio","stdio_config":{"command":"npx","args":["-y","pkg"]})";

TEST(ReadServers, TakesBifrostsExampleUnchanged) {
  const auto out = read(
      R"({"client_configs":[
        {"name":"filesystem","connection_type":"stdio","stdio_config":{"command":"npx","args":["-y","pkg"],"envs":["TOKEN"]},
         "tools_to_execute":["*"],"tools_to_auto_execute":["read_file"],"is_code_mode_client":true},
        {"name":"youtube","connection_type":"http","connection_string":"http://localhost:3001/mcp","auth_type":"headers",
         "headers":{"Authorization":"env.YT_TOKEN"},"allowed_extra_headers":[],"tools_to_execute":["search"],
         "is_ping_available":true,"tool_pricing":{},"client_id":"x","oauth_config_id":"","tool_sync_interval":"10m"}],
       "tool_manager_config":{"tool_execution_timeout":"45s","max_agent_depth":10,"code_mode_binding_level":"server",
         "disable_auto_tool_inject":false}})",
      {{"YT_TOKEN", "Bearer t0ken"}}
  );

  EXPECT_EQ(out.faults, "");
  ASSERT_EQ(out.servers.size(), 2U);
  EXPECT_EQ(out.servers[0].id, mcp::server_id("filesystem"));
  EXPECT_EQ(out.servers[0].command, "npx");
  EXPECT_EQ(out.servers[0].args, (std::vector<std::string>{"-y", "pkg"}));
  EXPECT_EQ(out.servers[0].inherited, std::vector<std::string>{"TOKEN"});
  EXPECT_EQ(out.servers[0].call_timeout, milliseconds(45000));
  EXPECT_EQ(out.servers[1].type, ConnectionType::Http);
  EXPECT_EQ(out.servers[1].address.reveal(), "http://localhost:3001/mcp");
  ASSERT_EQ(out.servers[1].headers.size(), 1U);
  EXPECT_EQ(out.servers[1].headers[0].first, "Authorization");
  EXPECT_EQ(out.servers[1].headers[0].second.reveal(), "Bearer t0ken");
  EXPECT_TRUE(out.servers[0].allows("anything"));
  EXPECT_TRUE(out.servers[1].allows("search"));
  EXPECT_FALSE(out.servers[1].allows("delete"));
}

TEST(ReadServers, WithoutToolsToExecuteNothingIsAllowed) {
  const auto out = read_one(std::string(R"("name":"a",)") + kStdio);

  EXPECT_EQ(out.faults, "");
  EXPECT_FALSE(out.servers.at(0).allows("read_file"));
}

TEST(ReadServers, DerivesAMissingNameWithAWarning) {
  const auto package = read_one(
      R"("connection_type":"stdio","stdio_config":{"command":"npx","args":["-y","@modelcontextprotocol/server-filesystem@1.2","/tmp"]})"
  );
  const auto host =
      read_one(R"("connection_type":"http","connection_string":"https://api.example.com:8080/mcp")"
      );

  EXPECT_EQ(package.servers.at(0).name, "filesystem");
  EXPECT_EQ(package.warnings.size(), 1U);
  EXPECT_EQ(host.servers.at(0).name, "api_example_com");
}

TEST(ReadServers, APrefixIsTheNameOrNone) {
  const auto with = [](const std::string& prefix) {
    return read_one(R"("name":"a","prefix":)" + prefix + "," + kStdio);
  };

  EXPECT_FALSE(read_one(std::string(R"("name":"a",)") + kStdio).servers.at(0).unprefixed);
  EXPECT_FALSE(with(R"("a")").servers.at(0).unprefixed);
  EXPECT_TRUE(with(R"("")").servers.at(0).unprefixed);
  EXPECT_NE(with(R"("b")").faults.find("client_configs[0].prefix"), std::string::npos);
}

TEST(ReadServers, ReportsBadAndDoubleNames) {
  const auto out = read(
      std::string(R"({"client_configs":[{"name":"a-b",)") + kStdio + R"(},{"name":"x",)" + kStdio +
      R"(},{"name":"x",)" + kStdio + "}]}"
  );

  EXPECT_NE(out.faults.find("client_configs[0].name"), std::string::npos) << out.faults;
  EXPECT_NE(out.faults.find("client_configs[2].name"), std::string::npos) << out.faults;
}

TEST(ReadServers, SetsEnvFromValuesAndReferences) {
  const auto out = read_one(
      std::string(R"("name":"a","env":{"A":"plain","B":"env.SECRET"},)") + kStdio,
      {{"SECRET", "s3"}}
  );

  EXPECT_EQ(out.faults, "");
  EXPECT_EQ(out.servers.at(0).env.at("A").reveal(), "plain");
  EXPECT_EQ(out.servers.at(0).env.at("B").reveal(), "s3");
}

TEST(ReadServers, AnUnsetReferenceIsAFault) {
  const auto out = read_one(std::string(R"("name":"a","env":{"B":"env.NOT_SET"},)") + kStdio);

  EXPECT_NE(out.faults.find("NOT_SET"), std::string::npos) << out.faults;
}

TEST(ReadServers, AnAddressMayComeFromTheEnvironment) {
  const auto out = read_one(
      R"("name":"a","connection_type":"http","connection_string":"env.WHERE")",
      {{"WHERE", "https://mcp.example/mcp?key=k"}}
  );

  EXPECT_EQ(out.faults, "");
  EXPECT_EQ(out.servers.at(0).address.reveal(), "https://mcp.example/mcp?key=k");
}

TEST(ReadServers, ReportsAnAddressOrHeaderThatCannotBeUsed) {
  for (const auto& [members, fault] :
       {std::pair{R"("connection_type":"http")", "connection_string"},
        std::pair{
            R"("connection_type":"http","connection_string":"ftp://a.example/")",
            "connection_string"
        },
        std::pair{
            R"("connection_type":"http","connection_string":"http://a/","headers":{"Mcp-Session-Id":"x"})",
            "headers"
        },
        std::pair{
            R"("connection_type":"http","connection_string":"http://a/","headers":{"a b":"x"})",
            "headers"
        },
        std::pair{
            R"("connection_type":"http","connection_string":"http://a/","headers":{"X-A":"x\r\ny"})",
            "headers.X-A"
        }}) {
    const auto out = read_one(std::string(R"("name":"a",)") + members);
    EXPECT_NE(out.faults.find(fault), std::string::npos) << members << ": " << out.faults;
  }
}

TEST(ReadServers, ReadsTheNetworksAServerMayBeIn) {
  const auto out =
      read_one(R"("name":"a","connection_type":"http","connection_string":"http://10.1.2.3/mcp",)"
               R"("allowed_private_networks":["10.0.0.0/8","fd00::/8"])");
  const auto plain =
      read_one(R"("name":"a","connection_type":"http","connection_string":"http://a.example/mcp")");
  const auto tls =
      read_one(R"("name":"a","connection_type":"http","connection_string":"https://a.example/mcp")"
      );

  EXPECT_EQ(out.faults, "");
  EXPECT_EQ(
      out.servers.at(0).allowed_private_networks,
      (std::vector<std::string>{"10.0.0.0/8", "fd00::/8"})
  );
  EXPECT_TRUE(out.warnings.empty());
  EXPECT_EQ(plain.faults, "");
  ASSERT_EQ(plain.warnings.size(), 1U);
  EXPECT_NE(plain.warnings[0].find("allowed_private_networks"), std::string::npos);
  EXPECT_TRUE(tls.servers.at(0).allowed_private_networks.empty());
  EXPECT_TRUE(tls.warnings.empty());
}

TEST(ReadServers, ReportsANetworkThatIsNoCidrRange) {
  for (const auto* range : {"10.0.0.1", "localhost", "10.0.0.0/33", "fd00::/x"}) {
    const auto out = read_one(
        std::string(
            R"("name":"a","connection_type":"http","connection_string":"https://a/","allowed_private_networks":[")"
        ) +
        range + R"("])"
    );
    EXPECT_NE(out.faults.find("client_configs[0].allowed_private_networks"), std::string::npos)
        << range << ": " << out.faults;
    EXPECT_NE(out.faults.find(range), std::string::npos) << out.faults;
  }
}

TEST(ReadServers, ShowsNoSecret) {
  const auto stdio = read_one(
      std::string(R"("name":"a","env":{"A":"hunter2","B":"env.SECRET"},)") + kStdio,
      {{"SECRET", "hunter3"}}
  );
  const auto http = read_one(
      R"("name":"b","connection_type":"http","connection_string":"https://u:hunter4@h/mcp?key=hunter5",)"
      R"("headers":{"Authorization":"Bearer hunter6"})"
  );

  EXPECT_EQ(stdio.servers.at(0).shown.find("hunter"), std::string::npos) << stdio.servers[0].shown;
  EXPECT_NE(stdio.servers.at(0).shown.find("env.SECRET"), std::string::npos);
  EXPECT_EQ(http.servers.at(0).shown.find("hunter"), std::string::npos) << http.servers[0].shown;
}

TEST(ReadServers, ReportsEveryFaultAtOnce) {
  const auto out = read_one(
      R"("name":"a","connection_type":"carrier-pigeon","stdio_config":{"command":""},"health_interval_ms":1,)"
      R"("tool_sync_interval":"soon","colour":"red")"
  );

  for (const auto* key :
       {"connection_type", "command", "health_interval_ms", "tool_sync_interval", "colour"}) {
    EXPECT_NE(out.faults.find(key), std::string::npos) << key << " in " << out.faults;
  }
}

TEST(ReadServers, ReadsDurationsWithUnits) {
  const auto out = read(
      std::string(R"({"client_configs":[{"name":"a","tool_sync_interval":-1,)") + kStdio +
      R"(},{"name":"b","tool_sync_interval":"500ms","call_timeout_ms":1000,)" + kStdio +
      R"(}],"tool_manager_config":{"tool_execution_timeout":30},"health_interval_ms":2000})"
  );

  EXPECT_EQ(out.faults, "");
  EXPECT_EQ(out.servers.at(0).sync_interval, milliseconds(0));
  EXPECT_EQ(out.servers.at(0).call_timeout, milliseconds(30000));
  EXPECT_EQ(out.servers.at(0).health_interval, milliseconds(2000));
  EXPECT_EQ(out.servers.at(1).sync_interval, milliseconds(500));
  EXPECT_EQ(out.servers.at(1).call_timeout, milliseconds(1000));
}

TEST(ReadServers, AProtocolVersionPinsTheEraAndAutoPinsNothing) {
  const std::string stdio = std::string(R"("name":"a",)") + kStdio;

  EXPECT_EQ(read_one(stdio).servers.at(0).pinned_version, std::nullopt);
  EXPECT_EQ(
      read_one(stdio + R"(,"protocol_version":"auto")").servers.at(0).pinned_version, std::nullopt
  );
  EXPECT_EQ(
      read_one(stdio + R"(,"protocol_version":"2026-07-28")").servers.at(0).pinned_version,
      "2026-07-28"
  );
  EXPECT_EQ(
      read_one(stdio + R"(,"protocol_version":"2024-11-05")").servers.at(0).pinned_version,
      "2024-11-05"
  );
  EXPECT_NE(read_one(stdio + R"(,"protocol_version":"1999-01-01")").faults, "");
  EXPECT_NE(
      read_one(
          R"("name":"a","connection_type":"sse","connection_string":"http://a/sse","protocol_version":"2026-07-28")"
      )
          .faults,
      ""
  );
}

TEST(ConfigSharing, SaysWhoseCallsGoOverOneConnection) {
  const std::string stdio = R"("connection_type":"stdio","stdio_config":{"command":"x"})";
  EXPECT_EQ(read_one(stdio).servers.at(0).sharing, Sharing::Shared);
  EXPECT_EQ(
      read_one(stdio + R"(,"sharing":"per_principal")").servers.at(0).sharing, Sharing::PerPrincipal
  );
  EXPECT_EQ(
      read_one(stdio + R"(,"sharing":"per_session")").servers.at(0).sharing, Sharing::PerSession
  );
  EXPECT_NE(read_one(stdio + R"(,"sharing":"mine")").faults, "");
}

TEST(ReadServers, TheHeadersOfAMessageAreNotTheOperators) {
  for (const char* name : {"Mcp-Method", "mcp-name", "Mcp-Param-Region", "MCP-Protocol-Version"}) {
    const auto out = read_one(
        R"("name":"a","connection_type":"http","connection_string":"http://a/mcp","headers":{")" +
        std::string(name) + R"(":"x"})"
    );
    EXPECT_NE(out.faults.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace sluice::mcp_connector
