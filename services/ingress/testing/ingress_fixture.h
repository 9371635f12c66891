// IngressFixture: all handlers over fakes, one loop, a manual clock. Key "sk-user" is a caller,
// "sk-admin" an admin; server "filesystem" has read_file (a read), write_file (a write) and
// secret_file (which policy hides).
#pragma once

#include "services/ingress/adapters/redis_mcp_events.h"
#include "services/ingress/adapters/redis_mcp_sessions.h"
#include "services/ingress/adapters/redis_tool_calls.h"
#include "services/ingress/handlers/approvals.h"
#include "services/ingress/handlers/chat_completions.h"
#include "services/ingress/handlers/embeddings.h"
#include "services/ingress/handlers/execute_tool.h"
#include "services/ingress/handlers/manage_pins.h"
#include "services/ingress/handlers/manage_policy.h"
#include "services/ingress/handlers/manage_servers.h"
#include "services/ingress/handlers/mcp.h"
#include "services/ingress/handlers/models.h"
#include "services/ingress/handlers/oauth_authorize.h"
#include "services/ingress/handlers/oauth_callback.h"
#include "services/ingress/handlers/servers.h"
#include "services/ingress/testing/fakes.h"

#include "common/audit/testing/recording_client.h"
#include "common/http/testing/recording_response_writer.h"
#include "common/observability/testing/recording_log.h"
#include "common/redis/testing/fake_redis.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_sync.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::ingress {

inline constexpr std::string_view kFilesystemId = "00000000000000f5";

// A server catalog with one tool more.
void add_tool(
    connector::v1::CatalogReply& catalog,
    const std::string& server,
    const std::string& tool,
    const std::string& definition
);
// Shows a tool of the catalog.
void show_tool(
    policy::v1::VisibleReply& visible,
    const std::string& server,
    const std::string& tool,
    policy::v1::EffectClass effect_class,
    policy::v1::Verdict verdict = policy::v1::VERDICT_MANUAL
);
[[nodiscard]] std::string server_id_of(const std::string& server);
[[nodiscard]] std::string definition_hash_of(const std::string& server, const std::string& tool);

// {"model":"demo/assistant","messages":[…],…more}
[[nodiscard]] std::string chat_body(const std::string& more = "");

class IngressFixture {
 public:
  explicit IngressFixture(testing::FaultPlan* faults = nullptr, ToolInjection injection = {});
  IngressFixture(const IngressFixture&) = delete;
  IngressFixture& operator=(const IngressFixture&) = delete;
  IngressFixture(IngressFixture&&) = delete;
  IngressFixture& operator=(IngressFixture&&) = delete;
  ~IngressFixture();

  // A request with the key of the caller (or another, or none).
  [[nodiscard]] static http::HttpRequest request(
      std::string body, const std::string& key = "sk-user"
  );
  [[nodiscard]] RequestContext context() const;

  Result<void> post_chat(http::HttpRequest request);
  Result<http::HttpResponse> post_execute(http::HttpRequest request);
  Result<void> post_mcp(http::HttpRequest request);
  // Server "youtube" with search(query, maxResults?), offered to scripts.
  void offer_code();
  // policy-engine beats with this version.
  void beat(std::uint64_t policy_version);

  template <class T>
  Result<T> run(Async<T> operation) {
    return testing::run_sync(loop, std::move(operation));
  }

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  async::TaskGroup tasks;
  audit::RecordingClient audit;
  redis::FakeRedis redis;
  FakePolicyEngine policy;
  ScriptedProvider provider;
  FakeToolServers servers;
  FakeCodeRunner scripts;
  FakeAuditJournal journal;
  FakeApprovals approvals;
  FakeReplicas replicas;
  RedisToolCalls tool_calls;
  VersionWatch versions;
  Trail trail;
  Authenticator authenticator;
  Admission admission;
  CatalogSource catalog;
  ChainFinder chains;
  ChatCompletionsHandler chat;
  EmbeddingsHandler embeddings;
  ModelsHandler models;
  CodeExecution code;
  SamplingSettings sampling;  // off
  Sampler sampler;
  ToolExecution tools;
  ExecuteToolHandler execute;
  ServersHandler server_list;
  ManageServersHandler manage_servers;
  ManagePolicyHandler manage_policy;
  ManagePinsHandler manage_pins;
  ApprovalFeed feed;
  ApprovalsHandler approvals_api;
  RedisMcpSessions mcp_sessions;
  RedisMcpEvents mcp_event_store;
  McpEventLog mcp_events;
  McpCalls mcp_calls;
  async::KeyWatch approval_watch;
  McpApprovals mcp_approvals;
  McpExecution mcp_executions;
  McpSubscriptions subscriptions;
  McpStreams streams;
  McpMethods mcp_methods;
  McpHandler mcp;
  OAuthAuthorizeHandler oauth_authorize;
  OAuthCallbackHandler oauth_callback;
  std::unique_ptr<http::testing::RecordingResponseWriter> writer;  // of the last chat or POST /mcp
};

// The answer {"choices":[…]} with these calls suggested.
[[nodiscard]] ScriptedAnswer answer_of(
    const std::string& body, std::vector<std::pair<std::string, std::string>> calls = {}
);

}  // namespace sluice::ingress
