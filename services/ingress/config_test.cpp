#include "services/ingress/config.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

struct Loaded {
  Config config;
  Result<void> status;
};

Loaded load(const std::string& text) {
  auto document = config::Document::from_text(text, {});
  EXPECT_THAT(document, IsOk());
  Config config = Config::load(document.value());
  return {std::move(config), document.value().finish()};
}

TEST(IngressConfig, HasDefaultsForEverything) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"}})");

  ASSERT_THAT(loaded.status, IsOk());
  EXPECT_EQ(loaded.config.http.address, "127.0.0.1");
  EXPECT_EQ(loaded.config.tool_execution_timeout, std::chrono::seconds(30));
  EXPECT_FALSE(loaded.config.servers_configured);
  EXPECT_EQ(loaded.config.record_body_bytes_max, 0U);
  EXPECT_EQ(loaded.config.agent_depth, 10U);
}

TEST(IngressConfig, ReadsHowToolsAreOffered) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},"http":{"port":0},"mcp":{
      "client_configs":[{"name":"a","anything":1}],
      "tool_manager_config":{"disable_auto_tool_inject":true,"tool_execution_timeout":"45s","max_agent_depth":3}}})"
  );

  ASSERT_THAT(loaded.status, IsOk());
  EXPECT_TRUE(loaded.config.servers_configured);
  EXPECT_TRUE(loaded.config.disable_auto_tool_inject);
  EXPECT_EQ(loaded.config.tool_execution_timeout, std::chrono::seconds(45));
  EXPECT_EQ(loaded.config.agent_depth, 3U);
}

TEST(IngressConfig, AModelForServersIsNamedWithThem) {
  const auto with = [](const std::string& sampling) {
    return load(
        R"({"audit":{"outbox_directory":"/tmp/outbox"},"mcp":{"sampling":)" + sampling + "}}"
    );
  };
  const auto off = with("{}");
  ASSERT_THAT(off.status, IsOk());
  EXPECT_FALSE(off.config.sampling.serves("a"));

  const auto on = with(R"({"model":"demo/assistant","servers":["a"],"max_tokens":5})");

  ASSERT_THAT(on.status, IsOk());
  EXPECT_EQ(on.config.sampling.model, "demo/assistant");
  EXPECT_TRUE(on.config.sampling.serves("a"));
  EXPECT_FALSE(on.config.sampling.serves("b"));
  EXPECT_EQ(on.config.sampling.max_tokens, 5);
  EXPECT_THAT(with(R"({"model":"assistant","servers":["*"]})").status, HasCode(Code::Invalid));
  EXPECT_THAT(with(R"({"model":"demo/assistant"})").status, HasCode(Code::Invalid));
  EXPECT_THAT(with(R"({"servers":["*"]})").status, HasCode(Code::Invalid));
}

TEST(IngressConfig, ListsEveryFault) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},
      "http":{"port":70000,"adress":"x","tls_key_file":"k"},"mcp":{"tool_manager_config":{"tool_execution_timeout":"soon","max_agent_depth":51}}})"
  );

  ASSERT_THAT(loaded.status, HasCode(Code::Invalid));
  for (const char* part :
       {"http.port", "http.adress", "tls_key_file", "tool_execution_timeout", "max_agent_depth"}) {
    EXPECT_NE(loaded.status.error().message().find(part), std::string::npos) << part;
  }
}

TEST(DurationOf, ReadsBifrostsForms) {
  EXPECT_EQ(duration_of(json::Value("30s")), std::chrono::seconds(30));
  EXPECT_EQ(duration_of(json::Value("500ms")), std::chrono::milliseconds(500));
  EXPECT_EQ(duration_of(json::Value("2m")), std::chrono::minutes(2));
  EXPECT_EQ(duration_of(json::Value(7)), std::chrono::seconds(7));
  for (const char* bad : {"", "s", "1h", "1.5s", "30 s", "99999999999999999999s"}) {
    EXPECT_EQ(duration_of(json::Value(bad)), std::nullopt) << bad;
  }
}

TEST(IngressConfig, ReadsVirtualServers) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},"mcp":{
      "client_configs":[{"name":"github"},{"name":"files"}],"virtual_servers":[
      {"slug":"dev","servers":["github"],"tools":["github-*","files-read_file"],"description":"d"},
      {"slug":"all","servers":["files"]}]}})");

  ASSERT_THAT(loaded.status, IsOk());
  ASSERT_EQ(loaded.config.virtual_servers.size(), 2U);
  const VirtualServer& dev = loaded.config.virtual_servers[0];
  EXPECT_EQ(dev.description, "d");
  EXPECT_TRUE(dev.selection.allows("files", "read_file"));
  EXPECT_FALSE(dev.selection.allows("files", "write_file"));
  EXPECT_TRUE(dev.selection.allows_resources("github"));
  EXPECT_FALSE(dev.selection.allows_resources("files"));
  const VirtualServer& all = loaded.config.virtual_servers[1];
  EXPECT_TRUE(all.selection.allows("files", "write_file"));
  EXPECT_FALSE(all.selection.allows("github", "x"));
}

TEST(IngressConfig, ListsFaultsOfVirtualServers) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},"mcp":{"virtual_servers":[
      {"slug":"Dev","servers":["a"]},{"slug":"b","servers":["a b"],"extra":1},{"slug":"b","tools":["x-y"]},{"servers":["a"]}]}})"
  );

  ASSERT_THAT(loaded.status, HasCode(Code::Invalid));
  for (const char* fault :
       {"virtual_servers[0].slug",
        "virtual_servers[1].servers",
        "virtual_servers[1].extra",
        "virtual_servers[2].slug",
        "virtual_servers[3].slug"}) {
    EXPECT_NE(loaded.status.error().message().find(fault), std::string::npos) << fault;
  }
}

TEST(IngressConfig, WarnsOfServersThatAreNotThere) {
  auto document = config::Document::from_text(
      R"({"audit":{"outbox_directory":"/tmp/outbox"},"mcp":{"client_configs":[{"name":"github"}],
          "virtual_servers":[{"slug":"dev","servers":["github","gitlab"],"tools":["files-*","*"]},{"slug":"none"}]}})",
      {}
  );
  static_cast<void>(Config::load(document.value()));

  ASSERT_THAT(document.value().finish(), IsOk());
  ASSERT_EQ(document.value().warnings().size(), 3U);
  EXPECT_NE(document.value().warnings()[0].find("gitlab"), std::string::npos);
  EXPECT_NE(document.value().warnings()[1].find("files"), std::string::npos);
  EXPECT_NE(document.value().warnings()[2].find("nothing"), std::string::npos);
}

TEST(IngressConfig, AGatewayOfThisMachineAloneIsServedUnderItsOwnNames) {
  const auto hosts = [](const std::string& http) {
    return load(R"({"audit":{"outbox_directory":"/tmp/outbox"},"http":)" + http + "}")
        .config.http.allowed_hosts;
  };
  EXPECT_EQ(
      hosts("{}"), (std::vector<std::string>{"localhost", "127.0.0.1", "[::1]", "127.0.0.1"})
  );
  EXPECT_EQ(hosts(R"({"public_url":"https://gw.example:8443/"})").back(), "gw.example:8443");
  EXPECT_EQ(hosts(R"({"allowed_hosts":["a.example"]})"), std::vector<std::string>{"a.example"});
  EXPECT_TRUE(hosts(R"({"address":"0.0.0.0"})").empty());
}

TEST(IngressConfig, TellsClientsWhoGivesTokens) {
  const auto loaded = load(R"({"audit":{"outbox_directory":"/tmp/outbox"},
      "http":{"public_url":"https://gw.example/","legacy_sse":true},
      "auth":{"keys":[{"id":"a"}],"jwt":[
        {"id":"x","issuer":"https://x.example","audience":"https://gw.example/mcp","tenant":"t"},
        {"id":"y","issuer":"https://y.example","audience":"https://gw.example/mcp","scopes":{"run":["caller"]}}]}})"
  );

  ASSERT_THAT(loaded.status, IsOk());
  const ProtectedResource& resource = loaded.config.resource;
  EXPECT_TRUE(loaded.config.legacy_sse);
  EXPECT_TRUE(resource.is_configured());
  EXPECT_EQ(resource.uri(), "https://gw.example/mcp");
  EXPECT_EQ(
      resource.authorization_servers,
      (std::vector<std::string>{"https://x.example", "https://y.example"})
  );
  EXPECT_EQ(resource.scopes, (std::vector<std::string>{"sluice:use", "sluice:admin", "run"}));
  EXPECT_EQ(resource.needed_scope, "sluice:use");
}

TEST(IngressConfig, WarnsOfTokensThatClientsCannotGet) {
  for (const auto& [http, warning] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "http.public_url"},
           {R"({"public_url":"https://other.example"})", "https://other.example/mcp"},
       }) {
    auto document = config::Document::from_text(
        R"({"audit":{"outbox_directory":"/tmp/outbox"},"auth":{"jwt":[
            {"issuer":"https://x.example","audience":"https://gw.example/mcp"}]},"http":)" +
            http + "}",
        {}
    );
    static_cast<void>(Config::load(document.value()));
    ASSERT_THAT(document.value().finish(), IsOk());
    ASSERT_EQ(document.value().warnings().size(), 1U);
    EXPECT_NE(document.value().warnings()[0].find(warning), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::ingress
