// Runs domain/cases/*.json: what a caller may do with a tool or with what else a server offers, by
// settings.
#include "services/policy-engine/domain/effect_class.h"
#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/grant/policy_names.h"
#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/server_id.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::policy_engine {
namespace {

using testing::IsOk;

constexpr const char* kFolder =
    "services/policy-engine/domain/cases";  // tests run in the source folder

json::Value read_cases(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  auto value = json::parse(content.str());
  EXPECT_THAT(value, IsOk()) << path;
  return value.ok() ? std::move(value).value() : json::Value();
}

json::Value member_or(const json::Value& one, std::string_view key, const json::Value& fallback) {
  const json::Value* const member = one.find(key);
  return member != nullptr ? *member : fallback;
}

Policy policy_of_case(const json::Value& one) {
  json::Value key = member_or(one, "key", json::Object());
  key.as_object()->set("id", "caller");
  key.as_object()->set("sha256", std::string(64, '0'));
  json::Array servers;
  if (const json::Value* const server = one.find("server"); server != nullptr) {
    json::Value entry = *server;
    entry.as_object()->set("name", "files");
    entry.as_object()->set("connection_type", "stdio");
    servers.push_back(std::move(entry));
  }
  json::Object policy_section;
  if (const json::Value* const preset = one.find("preset"); preset != nullptr) {
    policy_section.set("preset", *preset);
  }
  if (const json::Value* const rules = one.find("rules"); rules != nullptr) {
    policy_section.set("rules", *rules);
  }
  return policy_of(json::write(json::object({
      {"auth", json::object({{"keys", json::Array{std::move(key)}}})},
      {"mcp", json::object({{"client_configs", std::move(servers)}})},
      {"policy", std::move(policy_section)},
  })));
}

policy::v1::ToolFilter filter_of(const json::Value* request) {
  policy::v1::ToolFilter filter;
  if (request == nullptr) {
    return filter;
  }
  filter.set_restricted(true);
  for (const json::Value& server : *request->find("servers")->as_array()) {
    filter.add_servers(*server.as_string());
  }
  for (const json::Value& tool : *request->find("tools")->as_array()) {
    filter.add_tools(*tool.as_string());
  }
  return filter;
}

policy::v1::Mode mode_of(const json::Value& one) {
  const std::string name = one.text_or("mode", "");
  return name == "manual"       ? policy::v1::MODE_MANUAL
         : name == "agent"      ? policy::v1::MODE_AGENT
         : name == "code"       ? policy::v1::MODE_CODE
         : name == "agent_code" ? policy::v1::MODE_AGENT_CODE
                                : policy::v1::MODE_UNSPECIFIED;
}

Ruling ruling_of(const json::Value& one, const Policy& policy, const Caller& caller) {
  const json::Value* const name = one.find("tool");
  const json::Value* const given = one.find("arguments");
  const std::string text = given != nullptr ? json::canonical(*given) : "";
  CallArguments parsed(text);
  CallArguments* const arguments = given != nullptr ? &parsed : nullptr;
  if (name == nullptr) {
    return evaluate_read(policy, caller, {"files", nullptr}, arguments);
  }
  return evaluate(
      policy,
      caller,
      {.server_id = mcp::server_id("files").str(),
       .server = "files",
       .tool = *name->as_string(),
       .definition_hash = "",
       .read_only_hint = member_or(one, "read_only_hint", false).as_bool().value_or(false),
       .pin = PinState::Agreed},
      arguments
  );
}

void run_case(const json::Value& one) {
  const Policy policy = policy_of_case(one);
  const CallerKey& key = policy.keys.front();
  const policy::v1::CallerClaims claims = key.claims();
  const auto filter = filter_of(one.find("request"));

  const Ruling ruling = ruling_of(one, policy, {&claims, &key, &filter, mode_of(one)});

  const json::Value& expected = *one.find("expect");
  EXPECT_EQ(name_of(ruling.verdict), expected.text_or("verdict", "?"));
  EXPECT_EQ(name_of(ruling.effect), expected.text_or("effect", name_of(ruling.effect)));
  EXPECT_EQ(ruling.rule, expected.text_or("rule", ruling.rule));
  EXPECT_FALSE(ruling.reason.empty());
  if (const json::Value* const runs = expected.find("runs"); runs != nullptr) {
    EXPECT_EQ(may_run(mode_of(one), ruling.verdict), runs->as_bool());
  }
}

TEST(PolicyCases, AllHold) {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".json") {
      continue;
    }
    const json::Value file = read_cases(entry.path());
    ASSERT_TRUE(file.is_array()) << entry.path();
    for (const json::Value& one : *file.as_array()) {
      SCOPED_TRACE(entry.path().filename().string() + ": " + one.text_or("name", "?"));
      run_case(one);
      ++cases;
    }
  }
  EXPECT_GE(cases, 30);
}

}  // namespace
}  // namespace sluice::policy_engine
