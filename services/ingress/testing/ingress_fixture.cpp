#include "services/ingress/testing/ingress_fixture.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

namespace sluice::ingress {
namespace {

policy::v1::CallerClaims claims_of(const std::string& principal, std::vector<std::string> roles) {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal(principal);
  claims.set_key_id(principal);
  for (auto& role : roles) {
    claims.add_roles(std::move(role));
  }
  return claims;
}

constexpr const char* kReadFile =
    R"({"name":"read_file","description":"Reads a \"file\"","inputSchema":{"type":"object","properties":{"path":{"type":"string"}}}})";
constexpr const char* kWriteFile = R"({"name":"write_file","inputSchema":{"type":"object"}})";
constexpr const char* kSearch =
    R"({"name":"search","inputSchema":{"type":"object","properties":{"query":{"type":"string"},"maxResults":{"type":"number"}},"required":["query"]}})";
constexpr const char* kSecretFile = R"({"name":"secret_file","inputSchema":{"type":"object"}})";

}  // namespace

std::string server_id_of(const std::string& server) {
  return server == "filesystem" ? std::string(kFilesystemId)
                                : to_hex(crypto::sha256(server)).substr(0, 16);
}

std::string definition_hash_of(const std::string& server, const std::string& tool) {
  return crypto::sha256(server + "/" + tool);
}

void add_tool(
    connector::v1::CatalogReply& catalog,
    const std::string& server,
    const std::string& tool,
    const std::string& definition
) {
  connector::v1::ServerCatalog* holder = nullptr;
  for (auto& known : *catalog.mutable_servers()) {
    if (known.name() == server) {
      holder = &known;
    }
  }
  if (holder == nullptr) {
    holder = catalog.add_servers();
    holder->set_name(server);
    holder->set_server_id(server_id_of(server));
    holder->set_state(connector::v1::SERVER_STATE_CONNECTED);
  }
  auto* added = holder->add_tools();
  added->set_name(tool);
  added->set_definition(definition);
  added->set_definition_hash(definition_hash_of(server, tool));
  catalog.set_version(catalog.version() + "+");
}

void show_tool(
    policy::v1::VisibleReply& visible,
    const std::string& server,
    const std::string& tool,
    policy::v1::EffectClass effect_class,
    policy::v1::Verdict verdict
) {
  auto* shown = visible.add_tools();
  shown->set_server_id(server_id_of(server));
  shown->set_server(server);
  shown->set_tool(tool);
  shown->set_definition_hash(definition_hash_of(server, tool));
  shown->set_effect_class(effect_class);
  shown->set_verdict(verdict);
}

std::string chat_body(const std::string& more) {
  return R"({"model":"demo/assistant","messages":[{"role":"user","content":"Hello"}])" + more + "}";
}

IngressFixture::IngressFixture(testing::FaultPlan* faults, ToolInjection injection)
    : tasks(
          loop.get_executor(),
          [this](std::string_view name, const Error& error) {
            log.warn("task-failed", {{"task", name}, {"error", error.to_log()}});
          }
      ),
      audit(faults),
      redis(&clock, faults),
      policy(&clock, faults),
      provider(faults),
      servers(faults),
      scripts(faults),
      journal(faults),
      tool_calls(&redis),
      trail(&audit, 1024),
      authenticator({.policy = &policy, .clock = &clock, .versions = &versions, .tasks = &tasks}),
      admission(
          {.authenticator = &authenticator,
           .audit = &audit,
           .trail = &trail,
           .clock = &clock,
           .metrics = metrics.get()}
      ),
      catalog(
          {.policy = &policy,
           .servers = &servers,
           .clock = &clock,
           .versions = &versions,
           .tasks = &tasks}
      ),
      chains({.store = &tool_calls, .journal = &journal, .log = &log}),
      chat(
          {.admission = &admission,
           .catalog = &catalog,
           .chains = &chains,
           .provider = &provider,
           .tools = &tools,
           .code = &code,
           .trail = &trail,
           .audit = &audit,
           .clock = &clock,
           .metrics = metrics.get(),
           .injection = injection}
      ),
      embeddings({.admission = &admission, .provider = &provider, .trail = &trail, .audit = &audit}
      ),
      models({.admission = &admission, .provider = &provider}),
      code({.admission = &admission, .runner = &scripts, .clock = &clock}),
      sampler(
          {.provider = &provider,
           .trail = &trail,
           .chains = &chains,
           .audit = &audit,
           .metrics = metrics.get(),
           .settings = &sampling}
      ),
      tools(
          {.admission = &admission,
           .catalog = &catalog,
           .policy = &policy,
           .servers = &servers,
           .journal = &journal,
           .sampler = &sampler,
           .trail = &trail,
           .audit = &audit,
           .clock = &clock}
      ),
      execute(
          {.admission = &admission,
           .catalog = &catalog,
           .chains = &chains,
           .tools = &tools,
           .code = &code,
           .trail = &trail,
           .audit = &audit,
           .metrics = metrics.get()}
      ),
      server_list({.admission = &admission, .servers = &servers}),
      manage_servers({.admission = &admission, .servers = &servers}),
      manage_policy({.admission = &admission, .policy = &policy}),
      manage_pins({.admission = &admission, .policy = &policy}),
      approvals_api(
          {.admission = &admission, .approvals = &approvals, .feed = &feed, .clock = &clock}
      ),
      mcp_sessions(&redis, &clock),
      mcp_event_store(&redis),
      mcp_events({.store = &mcp_event_store, .clock = &clock, .log = &log}),
      mcp_calls(
          {.tasks = &tasks,
           .replicas = &replicas,
           .events = &mcp_events,
           .clock = &clock,
           .log = &log}
      ),
      mcp_approvals(
          {.approvals = &approvals,
           .admission = &admission,
           .calls = &mcp_calls,
           .watch = &approval_watch,
           .clock = &clock}
      ),
      mcp_executions(
          {.admission = &admission,
           .chains = &chains,
           .tools = &tools,
           .sessions = &mcp_sessions,
           .calls = &mcp_calls,
           .approvals = &mcp_approvals,
           .clock = &clock,
           .log = &log}
      ),
      subscriptions({.tools = &tools, .clock = &clock, .log = &log}),
      streams(
          {.admission = &admission,
           .catalog = &catalog,
           .sessions = &mcp_sessions,
           .subscriptions = &subscriptions,
           .versions = &versions,
           .clock = &clock}
      ),
      mcp_methods(
          {.catalog = &catalog,
           .executions = &mcp_executions,
           .code = &code,
           .streams = &streams,
           .subscriptions = &subscriptions,
           .sessions = &mcp_sessions,
           .trail = &trail,
           .audit = &audit}
      ),
      mcp(
          {.admission = &admission,
           .sessions = &mcp_sessions,
           .methods = &mcp_methods,
           .streams = &streams,
           .calls = &mcp_calls,
           .events = &mcp_events,
           .metrics = metrics.get(),
           .allowed_origins = {"https://app.example"}}
      ),
      oauth_authorize({.admission = &admission, .servers = &servers, .public_url = "", .tls = false}
      ),
      oauth_callback({.servers = &servers}) {
  policy.add_caller("sk-user", claims_of("key:user", {"caller"}));
  policy.add_caller("sk-admin", claims_of("key:admin", {"caller", "admin"}));
  add_tool(servers.catalog_reply, "filesystem", "read_file", kReadFile);
  add_tool(servers.catalog_reply, "filesystem", "write_file", kWriteFile);
  add_tool(servers.catalog_reply, "filesystem", "secret_file", kSecretFile);
  show_tool(policy.shown, "filesystem", "read_file", policy::v1::EFFECT_CLASS_READ);
  show_tool(policy.shown, "filesystem", "write_file", policy::v1::EFFECT_CLASS_WRITE);
  versions.on_change([this] { streams.wake(); });
  beat(policy.policy_version);
}

IngressFixture::~IngressFixture() {
  const auto closed = testing::run_sync(loop, tasks.cancel_and_close());
  SLUICE_CHECK(closed.ok(), "the tasks of a test end with it");
}

http::HttpRequest IngressFixture::request(std::string body, const std::string& key) {
  http::HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  request.remote_address = "192.0.2.7";
  if (!key.empty()) {
    request.headers.add("authorization", "Bearer " + key);
  }
  return request;
}

RequestContext IngressFixture::context() const {
  RequestContext context;
  context.request = RequestId("req_00000000000000000000000000000001");
  context.deadline = clock.now() + std::chrono::seconds(30);
  return context;
}

Result<void> IngressFixture::post_mcp(http::HttpRequest request) {
  writer = std::make_unique<http::testing::RecordingResponseWriter>();
  return run(mcp.post(std::move(request), writer.get(), context()));
}

Result<void> IngressFixture::post_chat(http::HttpRequest request) {
  writer = std::make_unique<http::testing::RecordingResponseWriter>();
  return run(chat(std::move(request), writer.get(), context()));
}

Result<http::HttpResponse> IngressFixture::post_execute(http::HttpRequest request) {
  return run(execute(std::move(request), context()));
}

void IngressFixture::offer_code() {
  add_tool(servers.catalog_reply, "youtube", "search", kSearch);
  show_tool(policy.shown, "youtube", "search", policy::v1::EFFECT_CLASS_READ);
  policy.shown.mutable_tools()->rbegin()->set_code_mode(true);
}

void IngressFixture::beat(std::uint64_t policy_version) {
  policy::v1::PolicyBeat beat;
  beat.set_instance("policy-engine-1");
  beat.set_policy_version(policy_version);
  beat.set_catalog_version("any");
  versions.heard(beat, clock.now());
}

ScriptedAnswer answer_of(
    const std::string& body, std::vector<std::pair<std::string, std::string>> calls
) {
  ScriptedAnswer answer;
  answer.final.set_status(200);
  answer.final.set_body(body);
  answer.final.set_provider("demo");
  answer.final.set_model("assistant");
  answer.final.set_finish_reason(calls.empty() ? "stop" : "tool_calls");
  answer.final.mutable_usage()->set_prompt_tokens(11);
  answer.final.mutable_usage()->set_completion_tokens(5);
  for (auto& [id, name] : calls) {
    auto* call = answer.final.add_tool_calls();
    call->set_tool_call_id(id);
    call->set_name(name);
    call->set_arguments(R"({"path":"a"})");
  }
  return answer;
}

}  // namespace sluice::ingress
