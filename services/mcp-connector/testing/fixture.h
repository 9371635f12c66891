// One replica with one scripted server "files" (tools read_file, write_file), leased and connected,
// and everything needed to send it granted requests.
#pragma once

#include "services/mcp-connector/connections/server_pool.h"
#include "services/mcp-connector/domain/policy_versions.h"
#include "services/mcp-connector/handlers/input.h"
#include "services/mcp-connector/handlers/request.h"
#include "services/mcp-connector/testing/fakes.h"

#include "common/audit/testing/recording_client.h"
#include "common/crypto/ed25519.h"
#include "common/grant/grant.h"
#include "common/observability/metrics.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::mcp_connector {

[[nodiscard]] ServerConfig stdio_server(const std::string& name);

// The definitions the scripted server lists.
inline constexpr const char* kTwoTools =
    R"([{"name":"write_file","inputSchema":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}},)"
    R"({"name":"read_file","inputSchema":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}}])";

class RecordingWriter final : public bus::ChunkWriter<connector::v1::Progress> {
 public:
  Async<void> write(connector::v1::Progress chunk) override {
    chunks.push_back(chunk.notification());
    co_return Result<void>();
  }

  std::vector<std::string> chunks;
};

class RecordingCallEnds final : public CallEnds {
 public:
  void call_ended(const connector::v1::CallEnded& event) override { ends.push_back(event); }

  std::vector<connector::v1::CallEnded> ends;  // of metered calls
};

class ConnectorFixture {
 public:
  // audit: nullptr takes a RecordingClient of the fixture's own.
  explicit ConnectorFixture(testing::FaultPlan* faults = nullptr, audit::Client* audit = nullptr);
  ConnectorFixture(const ConnectorFixture&) = delete;
  ConnectorFixture& operator=(const ConnectorFixture&) = delete;
  ConnectorFixture(ConnectorFixture&&) = delete;
  ConnectorFixture& operator=(ConnectorFixture&&) = delete;
  ~ConnectorFixture();

  // Acquires the lease and connects.
  void start();

  [[nodiscard]] RequestContext context();
  [[nodiscard]] policy::v1::CallerClaims claims();
  // For this very call, valid now.
  [[nodiscard]] policy::v1::Grant grant_for(
      const std::string& tool, const std::string& arguments, policy::v1::EffectClass effect
  );
  // The same for a method other than tools/call.
  [[nodiscard]] policy::v1::Grant grant_to_read(
      const std::string& method, const std::string& params
  );
  // In the method of the grant.
  [[nodiscard]] connector::v1::Request request_with(
      const policy::v1::Grant& grant, const std::string& params
  );
  // A granted call of write_file or read_file.
  [[nodiscard]] connector::v1::Request write_request(const std::string& path = "/a");
  [[nodiscard]] connector::v1::Request read_request(const std::string& path = "/a");

  Result<connector::v1::Final> send(connector::v1::Request request);

  [[nodiscard]] const ServerId& server_id() const { return servers.front().id; }

  TestLoop loop;
  QuietLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  audit::RecordingClient recording;
  audit::Client* audit;
  ScriptedServer server;
  LeaseBoard board;
  FakeLeases leases;
  FakeStates states;
  FakeNonces nonces;
  RecordingAnnouncer announcer;
  RecordingCallEnds call_ends;
  FakeSubjects subjects;
  std::vector<ServerConfig> servers;
  crypto::PrivateKey grant_key = crypto::PrivateKey::generate();
  crypto::PrivateKey token_key = crypto::PrivateKey::generate();
  grant::KeyRing grant_keys;
  grant::KeyRing token_keys;
  PolicyVersions policy;
  std::unique_ptr<ServerPool> pool;
  std::unique_ptr<InputHandler> input;
  std::unique_ptr<CallMeter> meter;
  std::unique_ptr<RequestHandler> handler;
  RecordingWriter writer;

 private:
  int grants_made_ = 0;
};

}  // namespace sluice::mcp_connector
