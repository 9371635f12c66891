#include "services/policy-engine/testing/policy_fixture.h"

#include "services/policy-engine/config.h"
#include "services/policy-engine/testing/jwt_maker.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/mcp/server_id.h"

namespace sluice::policy_engine {

Policy policy_of(std::string_view settings) {
  auto document = config::Document::from_text(settings, {});
  SLUICE_CHECK(document.ok(), "settings of a test are well-formed");
  Policy policy = read_policy(document.value());
  const auto finished = document.value().finish();
  SLUICE_CHECK(finished.ok(), finished.error().message().c_str());
  return policy;
}

std::string key_text(std::string_view id) {
  return "sk-" + std::string(id);
}

std::string key_entry(std::string_view id, std::string_view more) {
  return R"({"id": ")" + std::string(id) + R"(", "sha256": ")" +
         to_hex(crypto::sha256(key_text(id))) + "\"" + std::string(more) + "}";
}

std::string settings_with_issuer(const std::string& members) {
  return R"({"mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", "tools_to_execute": ["*"]}]},
             "auth": {"keys": [)" +
         key_entry("alice") + R"(], "jwt": [{"id": "login", "issuer": ")" + kTestIssuer +
         R"(", "audience": ")" + kTestAudience + "\"" + members + "}]}}";
}

std::string PolicyFixture::settings_with(std::string_view preset, std::string_view server_members) {
  return R"({"policy": {"preset": ")" + std::string(preset) +
         R"("}, "mcp": {"client_configs": [{"name": "files", "connection_type": "stdio", )" +
         std::string(server_members) + R"(}]}, "auth": {"keys": [)" + key_entry("alice") + ", " +
         key_entry("bob") + ", " + key_entry("carol", R"(, "roles": ["approver"])") + ", " +
         key_entry("dave", R"(, "roles": ["approver"])") + ", " +
         key_entry("root", R"(, "roles": ["caller", "admin"])") + "]}}";
}

std::string PolicyFixture::default_settings() {
  return settings_with("manual", R"("tools_to_execute": ["*"])");
}

PolicyFixture::PolicyFixture(std::string_view settings, testing::FaultPlan* faults, Load load)
    : servers(faults),
      stored(load == Load::Now ? nullptr : faults),
      versions(load == Load::Now ? nullptr : faults, &stored),
      key_sets(faults),
      approvals(faults),
      grant_uses(faults),
      counters(&clock, faults),
      beats(faults),
      audit(faults),
      catalogs(
          {.servers = &servers,
           .clock = &clock,
           .tasks = &tasks,
           .log = &log,
           .pins = &pin_book,
           .read_added = {},
           .on_change = {}}
      ),
      jwt({&key_sets, &clock, &tasks, &log}) {
  approvals.pins = &pins;
  servers.put("files", "read_file");
  servers.put("files", "write_file");
  servers.put("files", "delete_file");
  token_ring.add(token_key.public_key());
  grant_ring.add(grant_key.public_key());
  callers = std::make_unique<CallerCheck>(&token_ring, &state, &clock);
  authenticate = std::make_unique<AuthenticateHandler>(
      AuthenticateHandler::Deps{&state, &token_key, &jwt, &clock, metrics.get()}
  );
  visible = std::make_unique<VisibleHandler>(VisibleHandler::Deps{callers.get(), &catalogs});
  decide = std::make_unique<DecideHandler>(DecideHandler::Deps{
      callers.get(),
      &catalogs,
      &limits,
      &gate,
      &grant_key,
      &token_key,
      &audit,
      &clock,
      metrics.get()
  });
  approvals_list = std::make_unique<ApprovalsListHandler>(
      ApprovalsListHandler::Deps{callers.get(), &approvals, &clock}
  );
  approvals_get = std::make_unique<ApprovalsGetHandler>(
      ApprovalsGetHandler::Deps{callers.get(), &approvals, &clock}
  );
  approvals_answer = std::make_unique<ApprovalsAnswerHandler>(ApprovalsAnswerHandler::Deps{
      callers.get(), &approvals, &approval_events, &clock, &log, metrics.get()
  });
  reload = std::make_unique<PolicyReload>(
      PolicyReload::Deps{&settings_file, &stored, &binding, &state, &catalogs, &clock, &log, &audit}
  );
  manage_keys =
      std::make_unique<ManageKeys>(ManageKeys::Deps{&stored, reload.get(), &state, &clock, &log});
  setup = std::make_unique<SetupHandler>(
      SetupHandler::Deps{&stored, reload.get(), &state, &clock, &log, &audit}
  );
  manage_pins =
      std::make_unique<ManagePins>(ManagePins::Deps{&pins, reload.get(), &catalogs, &clock});
  manage = std::make_unique<ManageHandler>(ManageHandler::Deps{
      callers.get(),
      reload.get(),
      &catalogs,
      &state,
      &limit_overview,
      &clock,
      manage_keys.get(),
      manage_pins.get()
  });
  beat = std::make_unique<Beat>(Beat::Deps{
      &state, &binding, &catalogs, &beats, &clock, &log, metrics.get(), "policy-engine-0"
  });
  if (load == Load::Now) {
    const auto loaded =
        run(binding.claim(policy_of(settings.empty() ? default_settings() : settings)));
    SLUICE_CHECK(loaded.ok(), "the fake store answers");
    settings_file.write({state.loaded()->policy, {}});
  }
}

PolicyFixture::~PolicyFixture() {
  static_cast<void>(run(tasks.cancel_and_close()));
}

RequestContext PolicyFixture::context_without_token() const {
  RequestContext context;
  context.request = RequestId("req_1");
  context.chain = ChainId("00112233445566778899aabbccddeeff");
  context.hop = 7;
  context.deadline = clock.now() + std::chrono::milliseconds(250);
  return context;
}

RequestContext PolicyFixture::context_of(std::string_view key_id) {
  policy::v1::AuthenticateRequest request;
  request.set_credential(key_text(key_id));
  const auto reply = run((*authenticate)(request, context_without_token()));
  SLUICE_CHECK(reply.ok(), "the settings hold that key");
  RequestContext context = context_without_token();
  context.caller_token = reply.value().caller_token();
  return context;
}

policy::v1::DecideRequest PolicyFixture::request_for(std::string_view tool, policy::v1::Mode mode)
    const {
  policy::v1::DecideRequest request;
  request.set_decision_id("0123456789abcdef");
  request.set_decision_unix_ms(clock.unix_ms());
  request.set_mode(mode);
  add_call(&request, tool);
  return request;
}

policy::v1::DecideRequest PolicyFixture::read_request(
    std::string_view method, policy::v1::Mode mode
) const {
  policy::v1::DecideRequest request = request_for("", mode);
  request.mutable_calls(0)->clear_definition_hash();
  request.mutable_calls(0)->set_method(std::string(method));
  return request;
}

void PolicyFixture::add_call(policy::v1::DecideRequest* request, std::string_view tool) const {
  policy::v1::ToolCall* const call = request->add_calls();
  call->set_server_id(mcp::server_id("files").str());
  call->set_server("files");
  call->set_tool(std::string(tool));
  call->set_definition_hash(crypto::sha256("{}"));
  call->set_arguments("{}");
  call->set_tool_call_id("call_1");
}

Result<policy::v1::DecideReply> PolicyFixture::decide_one(
    std::string_view tool, policy::v1::Mode mode
) {
  return run((*decide)(request_for(tool, mode), context_of("alice")));
}

}  // namespace sluice::policy_engine
