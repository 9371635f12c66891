#include "services/mcp-connector/testing/fixture.h"

#include "common/crypto/sha256.h"
#include "common/mcp/server_id.h"

namespace sluice::mcp_connector {

ServerConfig stdio_server(const std::string& name) {
  ServerConfig server;
  server.name = name;
  server.id = mcp::server_id(name);
  server.command = "server";
  server.tools_to_execute = {"*"};
  server.shown = R"({"name":")" + name + R"("})";
  return server;
}

ConnectorFixture::ConnectorFixture(testing::FaultPlan* faults, audit::Client* given)
    : recording(faults),
      audit(given == nullptr ? &recording : given),
      server(faults),
      leases(&board, "c1", &loop.clock, faults),
      nonces(faults) {
  servers.reserve(8);  // the pool keeps pointers; tests add servers it does not run
  servers.push_back(stdio_server("files"));
  server.list(kTwoTools);
  grant_keys.add(grant_key.public_key());
  token_keys.add(token_key.public_key());
  pool = std::make_unique<ServerPool>(
      LeasedServer::Deps{
          .executor = loop.executor(),
          .clock = &loop.clock,
          .log = &log,
          .metrics = metrics.get(),
          .opener = &server,
          .leases = &leases,
          .states = &states,
          .announcer = &announcer,
          .subjects = &subjects,
          .audit = audit,
          .instance = "c1",
          .seed = 0,
          .held = {}
      },
      7,
      &servers
  );
  input = std::make_unique<InputHandler>(InputHandler::Deps{
      .clock = &loop.clock, .log = &log, .audit = audit, .token_keys = &token_keys
  });
  meter = std::make_unique<CallMeter>(
      CallMeter::Deps{.clock = &loop.clock, .log = &log, .nonces = &nonces, .ends = &call_ends}
  );
  handler = std::make_unique<RequestHandler>(RequestHandler::Deps{
      .executor = loop.executor(),
      .clock = &loop.clock,
      .log = &log,
      .metrics = metrics.get(),
      .audit = audit,
      .nonces = &nonces,
      .pool = pool.get(),
      .parked = input->parked(),
      .meter = meter.get(),
      .policy = &policy,
      .grant_keys = &grant_keys,
      .token_keys = &token_keys
  });
}

ConnectorFixture::~ConnectorFixture() {
  const auto calls = loop.finish(handler->close());
  const auto stopped = loop.finish(pool->stop());
  SLUICE_CHECK(calls.ok() && stopped.ok(), "a fixture ends in order");
}

void ConnectorFixture::start() {
  pool->start();
  SLUICE_CHECK(
      loop.advance_until([this] { return pool->find(server_id().str())->connected(); }),
      "the scripted server connects"
  );
}

policy::v1::CallerClaims ConnectorFixture::claims() {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:demo");
  claims.add_roles("caller");
  claims.set_key_id("demo");
  claims.set_policy_version(5);
  claims.set_not_before_unix_ms(loop.clock.unix_ms());
  claims.set_not_after_unix_ms(loop.clock.unix_ms() + grant::kTokenLifeMs);
  return claims;
}

RequestContext ConnectorFixture::context() {
  RequestContext context;
  context.request = RequestId("req_1");
  context.chain = ChainId("00112233445566778899aabbccddeeff");
  context.hop = 4;
  context.tenant = TenantId("default");
  context.principal = PrincipalId("key:demo");
  context.deadline = loop.clock.now() + std::chrono::seconds(60);
  context.caller_token = grant::sign_token(token_key, claims());
  return context;
}

policy::v1::Grant ConnectorFixture::grant_for(
    const std::string& tool, const std::string& arguments, policy::v1::EffectClass effect
) {
  policy::v1::Grant grant;
  grant.set_version(1);
  grant.set_grant_id(crypto::sha256("grant " + std::to_string(++grants_made_)).substr(0, 16));
  grant.set_chain_id(context().chain.str());
  grant.set_tenant("default");
  grant.set_principal("key:demo");
  grant.set_server_id(server_id().str());
  grant.set_tool(tool);
  const auto catalog = pool->find(server_id().str())->catalog();
  const Tool* definition = catalog ? catalog->find(tool) : nullptr;
  grant.set_definition_hash(
      definition == nullptr ? crypto::sha256("") : definition->definition_hash
  );
  grant.set_effect_class(effect);
  grant.set_args_digest(crypto::sha256(arguments));
  grant.set_policy_version(5);
  grant.set_decision_id("0123456789abcdef");
  grant.set_not_before_unix_ms(loop.clock.unix_ms());
  grant.set_not_after_unix_ms(loop.clock.unix_ms() + grant::kGrantLifeMs);
  grant.set_method("tools/call");
  grant.set_rule("preset.manual");
  return grant;
}

policy::v1::Grant ConnectorFixture::grant_to_read(
    const std::string& method, const std::string& params
) {
  policy::v1::Grant grant = grant_for("", params, policy::v1::EFFECT_CLASS_READ);
  grant.set_method(method);
  grant.clear_definition_hash();
  return grant;
}

connector::v1::Request ConnectorFixture::request_with(
    const policy::v1::Grant& grant, const std::string& params
) {
  connector::v1::Request request;
  request.set_server_id(server_id().str());
  request.set_method(grant.method());
  request.set_params(params);
  request.set_grant(grant::sign_grant(grant_key, grant));
  request.set_tool_call_id("call_1");
  return request;
}

connector::v1::Request ConnectorFixture::write_request(const std::string& path) {
  const std::string arguments = R"({"path":")" + path + R"("})";
  return request_with(
      grant_for("write_file", arguments, policy::v1::EFFECT_CLASS_WRITE), arguments
  );
}

connector::v1::Request ConnectorFixture::read_request(const std::string& path) {
  const std::string arguments = R"({"path":")" + path + R"("})";
  return request_with(grant_for("read_file", arguments, policy::v1::EFFECT_CLASS_READ), arguments);
}

Result<connector::v1::Final> ConnectorFixture::send(connector::v1::Request request) {
  return loop.finish((*handler)(std::move(request), &writer, context()));
}

}  // namespace sluice::mcp_connector
