// What ingress needs from outside: interfaces filled with bus and Redis adapters in main.cpp and
// with fakes in tests. Errors of all: those of the bus (common/bus/bus.h) and the callee's own.
#pragma once

#include "common/async/request_context.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/codemode/v1/codemode.pb.h"
#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/ingress/v1/ingress.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"
#include "proto/sluice/provider/v1/provider.pb.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

class PolicyEngine {
 public:
  virtual ~PolicyEngine() = default;
  // Errors: Unauthenticated (no such key), Unavailable.
  virtual Async<policy::v1::AuthenticateReply> authenticate(
      policy::v1::AuthenticateRequest request, RequestContext context
  ) = 0;
  virtual Async<policy::v1::VisibleReply> visible(
      policy::v1::VisibleRequest request, RequestContext context
  ) = 0;
  virtual Async<policy::v1::DecideReply> decide(
      policy::v1::DecideRequest request, RequestContext context
  ) = 0;
  virtual Async<policy::v1::ManageReply> manage(
      policy::v1::ManageRequest request, RequestContext context
  ) = 0;
};

// A provider's answer under way. Destroying it before the end cancels the request.
class ChatStream {
 public:
  virtual ~ChatStream() = default;
  // The next events, or nullopt at the end; then final() holds the rest.
  virtual Async<std::optional<provider::v1::ChatChunk>> next() = 0;
  [[nodiscard]] virtual provider::v1::ChatFinal& final() = 0;
};

class ProviderRouter {
 public:
  virtual ~ProviderRouter() = default;
  virtual Async<std::unique_ptr<ChatStream>> chat(
      provider::v1::ChatRequest request, RequestContext context
  ) = 0;
  virtual Async<provider::v1::EmbedReply> embed(
      provider::v1::EmbedRequest request, RequestContext context
  ) = 0;
  virtual Async<provider::v1::ModelsReply> models(RequestContext context) = 0;
};

// Takes one notification of a server during a request, a whole JSON-RPC message: progress, with the
// server's token, or a log message.
using ProgressSink = std::function<Async<void>(std::string notification)>;

class ToolServers {
 public:
  virtual ~ToolServers() = default;
  virtual Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) = 0;
  // Carries out one granted request and waits for its end. progress may be empty; an error of it
  // ends the wait, not the request.
  virtual Async<connector::v1::Final> request(
      connector::v1::Request request, ProgressSink progress, RequestContext context
  ) = 0;
  // Goes on with one whose server asked something, and waits for its end in the same way.
  virtual Async<connector::v1::Final> go_on(
      connector::v1::Input input, ProgressSink progress, RequestContext context
  ) = 0;
  virtual Async<connector::v1::ManageReply> list(RequestContext context) = 0;
  // Any other operation on servers.
  virtual Async<connector::v1::ManageReply> manage(
      connector::v1::ManageRequest request, RequestContext context
  ) = 0;
};

class CodeRunner {
 public:
  virtual ~CodeRunner() = default;
  // What scripts can call, in words for a model.
  virtual Async<codemode::v1::DescribeReply> describe(
      codemode::v1::DescribeRequest request, RequestContext context
  ) = 0;
  // Runs a script to its end; line is called for each line of console output.
  virtual Async<codemode::v1::RunFinal> run(
      codemode::v1::RunRequest request,
      std::function<void(const codemode::v1::RunProgress&)> line,
      RequestContext context
  ) = 0;
};

// Runs of scripts, as codemode-sandbox shows them to the caller of the context.
class ScriptRuns {
 public:
  ScriptRuns() = default;
  ScriptRuns(const ScriptRuns&) = delete;
  ScriptRuns& operator=(const ScriptRuns&) = delete;
  ScriptRuns(ScriptRuns&&) = delete;
  ScriptRuns& operator=(ScriptRuns&&) = delete;
  virtual ~ScriptRuns() = default;
  virtual Async<codemode::v1::RunsReply> ask(
      codemode::v1::RunsRequest request, RequestContext context
  ) = 0;
};

// Approvals, as policy-engine shows them to the caller of the context.
class Approvals {
 public:
  virtual ~Approvals() = default;
  virtual Async<policy::v1::ListApprovalsReply> list(
      policy::v1::ListApprovalsRequest request, RequestContext context
  ) = 0;
  virtual Async<policy::v1::GetApprovalReply> get(
      policy::v1::GetApprovalRequest request, RequestContext context
  ) = 0;
  virtual Async<policy::v1::AnswerApprovalReply> answer(
      policy::v1::AnswerApprovalRequest request, RequestContext context
  ) = 0;
};

class AuditJournal {
 public:
  virtual ~AuditJournal() = default;
  virtual Async<audit::v1::JournalReply> journal(
      audit::v1::JournalRequest request, RequestContext context
  ) = 0;
};

// Whose conversations: an id of one owner says nothing about the same id of another.
struct Owner {
  std::string tenant;
  std::string principal;
};

// Where a conversation stood: its chain, and the highest hop known of it.
struct ChainPoint {
  ChainId chain;
  std::uint32_t hop = 0;

  friend bool operator==(const ChainPoint&, const ChainPoint&) = default;
};

// Which conversation a tool call id belongs to; kept for 24 h and may be emptied at any time.
class ToolCallStore {
 public:
  virtual ~ToolCallStore() = default;
  // One entry per id, in their order.
  virtual Async<std::vector<std::optional<ChainPoint>>> find(
      Owner owner, std::vector<std::string> ids
  ) = 0;
  virtual Async<void> remember(Owner owner, std::vector<std::string> ids, ChainPoint point) = 0;
  // Keeps the point unless the id has one already. The result is what stands there then.
  virtual Async<ChainPoint> claim(Owner owner, std::string id, ChainPoint point) = 0;
  // The highest hop of a chain that a client named itself.
  virtual Async<std::optional<ChainPoint>> find_chain(Owner owner, ChainId chain) = 0;
  virtual Async<void> remember_chain(Owner owner, ChainPoint point) = 0;
};

// What a session is about, beside being alive.
struct McpSessionState {
  std::string capabilities{"{}"};          // ClientCapabilities, a JSON object
  std::string log_level;                   // empty: never set
  std::vector<std::string> subscriptions;  // URIs as the client knows them, sorted
};

// Sessions of legacy MCP clients; any replica serves them. May be emptied at any time: clients
// initialize again.
class McpSessionStore {
 public:
  virtual ~McpSessionStore() = default;
  // Keeps a new session, and ends the owner's longest unused above kMcpSessionsMax.
  virtual Async<void> open(Owner owner, std::string session, std::string capabilities) = 0;
  // Notes that the session is used. False: it ended, was unused for kMcpSessionIdleMax, or is
  // another's.
  virtual Async<bool> touch(Owner owner, std::string session) = 0;
  // False: there was none.
  virtual Async<bool> close(Owner owner, std::string session) = 0;
  // Of a session that lives.
  virtual Async<McpSessionState> state(Owner owner, std::string session) = 0;
  virtual Async<void> set_log_level(Owner owner, std::string session, std::string level) = 0;
  // False: it has kMcpSubscriptionsMax others.
  virtual Async<bool> subscribe(Owner owner, std::string session, std::string uri) = 0;
  virtual Async<void> unsubscribe(Owner owner, std::string session, std::string uri) = 0;
};

// Whose session.
struct McpSessionOwner {
  Owner owner;
  std::string session;
};

// One stream of events towards a legacy client.
struct McpStreamName {
  Owner owner;
  std::string session;
  std::string stream;  // unique in the session
};

// How far it is.
struct McpStreamState {
  std::size_t events = 0;  // told, numbered from 1
  bool ended = false;
  std::string request_id;  // JSON; whose answer ends it
};

// Events of streams, so that any replica can tell them again. May be emptied at any time.
class McpEventStore {
 public:
  virtual ~McpEventStore() = default;
  // Keeps an event, the one numbered state.events, unless it is empty; and everything of that
  // stream for so long from now on.
  virtual Async<void> keep(
      McpStreamName name, McpStreamState state, std::string event, std::chrono::seconds time
  ) = 0;
  virtual Async<void> renew(McpStreamName name, std::chrono::seconds time) = 0;
  virtual Async<void> forget(McpStreamName name, std::size_t number) = 0;
  virtual Async<std::optional<McpStreamState>> state(McpStreamName name) = 0;
  virtual Async<std::optional<std::string>> event(McpStreamName name, std::size_t number) = 0;
};

// The other replicas of ingress: any of them may hold the request a client's message belongs to.
class OtherReplicas {
 public:
  virtual ~OtherReplicas() = default;
  // Does not wait, and may be lost.
  virtual Result<void> tell(const v1::ClientMessage& message) = 0;
};

}  // namespace sluice::ingress
