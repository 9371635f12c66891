// What the gateway says of pairs of tool definitions: the first one told is pinned, the second one
// told afterwards. The whole way of a definition from a server's bytes to a decision:
// mcp-connector's hash, policy-engine's pin and rule. Driven by pins_definitions_test.py, which
// knows what is right.
//
// stdin: one JSON array ["<first>","<second>"] a line, texts of definitions. stdout, a line each:
// "runs", "quarantined", or "other <rule>". One argument plants a fault: --skip-annotations hashes
// definitions without that member, --hash-bytes hashes texts as they are written.
#include "services/mcp-connector/domain/tool_catalog.h"
#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/base/check.h"
#include "common/crypto/sha256.h"
#include "common/json/parse.h"
#include "common/mcp/server_id.h"

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::policy_engine {
namespace {

enum class Planted { Nothing, SkipAnnotations, HashBytes };

std::shared_ptr<const connector::v1::CatalogReply> catalog_of(
    const std::string& text, Planted planted
) {
  auto definition = json::parse(text);
  SLUICE_CHECK(definition.ok(), "the driver writes JSON");
  if (planted == Planted::SkipAnnotations) {
    definition.value().as_object()->erase("annotations");
  }
  const auto tools = mcp_connector::ToolCatalog::build({definition.value()});
  SLUICE_CHECK(tools.ok(), "one small definition is a catalog");
  auto reply = std::make_shared<connector::v1::CatalogReply>();
  auto* const server = reply->add_servers();
  server->set_server_id(mcp::server_id("files").str());
  server->set_name("files");
  tools.value().fill(server);
  if (planted == Planted::HashBytes) {
    server->mutable_tools(0)->set_definition_hash(crypto::sha256(text));
  }
  reply->set_version(tools.value().hash());
  return reply;
}

std::string verdict_of(PolicyFixture& fixture, const std::string& line, Planted planted) {
  const auto pair = json::parse(line, {.depth_max = 64, .bytes_max = std::size_t{64} << 20});
  SLUICE_CHECK(pair.ok() && pair.value().is_array(), "the driver writes pairs");
  fixture.pins.pins.clear();
  fixture.pins.records.clear();
  CheckedPins pins;
  std::shared_ptr<const connector::v1::CatalogReply> reply;
  for (const json::Value& text : *pair.value().as_array()) {
    reply = catalog_of(*text.as_string(), planted);
    pins = fixture.run(fixture.pin_book.check(reply)).value();
  }
  const auto catalog = Catalog::from(*reply, {}, pins).value();
  const LoadedPolicy& loaded = *fixture.state.loaded();
  const CallerKey& key = *loaded.policy.key_named("alice");
  const policy::v1::CallerClaims claims = key.claims();
  const policy::v1::ToolFilter filter;
  const Ruling ruling = evaluate(loaded.policy, {&claims, &key, &filter}, catalog->tools().front());
  if (ruling.verdict == policy::v1::VERDICT_AUTO) {
    return "runs";
  }
  return ruling.rule == "pins.quarantined" ? "quarantined" : "other " + ruling.rule;
}

}  // namespace
}  // namespace sluice::policy_engine

int main(int argc, char** argv) {
  using sluice::policy_engine::Planted;
  using sluice::policy_engine::PolicyFixture;
  const std::string_view argument = argc > 1 ? argv[1] : "";
  const Planted planted = argument == "--skip-annotations" ? Planted::SkipAnnotations
                          : argument == "--hash-bytes"     ? Planted::HashBytes
                                                           : Planted::Nothing;
  PolicyFixture fixture(PolicyFixture::settings_with("open", R"("tools_to_execute": ["*"])"));
  for (std::string line; std::getline(std::cin, line);) {
    std::puts(sluice::policy_engine::verdict_of(fixture, line, planted).c_str());
  }
  return 0;
}
