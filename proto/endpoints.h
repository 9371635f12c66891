// Every subject of Sluice, once, typed. The only file in which a subject string occurs.
// deploy/nats/nats.conf (who may publish and subscribe what) and each service's README are
// generated from this table and kUses below by ./dev docs.
#pragma once

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/codemode/v1/codemode.pb.h"
#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/ingress/v1/ingress.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"
#include "proto/sluice/provider/v1/provider.pb.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace sluice::endpoints {

using namespace std::chrono_literals;

// Whether the bus may send a request again after Unavailable. Never where a request has effects.
enum class Retry { Never, Idempotent };

// Request–reply on one subject, one queue group per owner.
template <class RequestMessage, class ReplyMessage>
struct Call {
  using Request = RequestMessage;
  using Reply = ReplyMessage;
  std::string_view subject;
  std::string_view owner;  // service that answers; also the queue group
  std::chrono::milliseconds timeout;
  Retry retry = Retry::Never;
};

// Streamed reply: numbered chunks against credit, then one final or one error.
template <class RequestMessage, class ChunkMessage, class FinalMessage>
struct StreamCall {
  using Request = RequestMessage;
  using Chunk = ChunkMessage;
  using Final = FinalMessage;
  std::string_view subject;
  std::string_view owner;
  std::chrono::milliseconds
      timeout;  // of the whole stream, unless the request's deadline is nearer
  std::uint32_t credit_chunks = 64;
  std::uint32_t credit_bytes = 1 << 20;
};

// The same with one subject per key: <prefix><key><suffix>. The queue group is "server.<key>".
template <class RequestMessage, class ReplyMessage>
struct KeyedCall {
  using Request = RequestMessage;
  using Reply = ReplyMessage;
  std::string_view prefix;
  std::string_view suffix;
  std::string_view owner;
  std::chrono::milliseconds timeout;
  Retry retry = Retry::Never;
};

template <class RequestMessage, class ChunkMessage, class FinalMessage>
struct KeyedStream {
  using Request = RequestMessage;
  using Chunk = ChunkMessage;
  using Final = FinalMessage;
  std::string_view prefix;
  std::string_view suffix;
  std::string_view owner;
  std::chrono::milliseconds timeout;
  std::uint32_t credit_chunks = 64;
  std::uint32_t credit_bytes = 1 << 20;
};

// Reaches every replica that listens; a lost one is repaired by the next listing or beat, never by
// a retry.
template <class EventMessage>
struct Event {
  using Message = EventMessage;
  std::string_view subject;
  std::string_view owner;  // the only publisher
};

// JetStream, at least once; ids inside make duplicates harmless.
template <class BatchMessage>
struct Durable {
  using Batch = BatchMessage;
  std::string_view subject;
  std::string_view owner;  // the only consumer
  std::string_view stream;
  std::string_view consumer;
  std::uint32_t batch_records_max;
};

inline constexpr StreamCall<
    provider::v1::ChatRequest,
    provider::v1::ChatChunk,
    provider::v1::ChatFinal>
    kProviderChat{
        .subject = "sluice.provider.v1.chat", .owner = "provider-router", .timeout = 600s
    };
inline constexpr Call<provider::v1::EmbedRequest, provider::v1::EmbedReply> kProviderEmbed{
    .subject = "sluice.provider.v1.embed", .owner = "provider-router", .timeout = 60s
};
inline constexpr Call<provider::v1::ModelsRequest, provider::v1::ModelsReply> kProviderModels{
    .subject = "sluice.provider.v1.models",
    .owner = "provider-router",
    .timeout = 5s,
    .retry = Retry::Idempotent
};

inline constexpr Call<policy::v1::AuthenticateRequest, policy::v1::AuthenticateReply>
    kPolicyAuthenticate{
        .subject = "sluice.policy.v1.authenticate",
        .owner = "policy-engine",
        .timeout = 2s,
        .retry = Retry::Idempotent
    };
inline constexpr Call<policy::v1::VisibleRequest, policy::v1::VisibleReply> kPolicyVisible{
    .subject = "sluice.policy.v1.visible",
    .owner = "policy-engine",
    .timeout = 5s,
    .retry = Retry::Idempotent
};
// Fails closed after 250 ms. A repeat with the same decision id answers the same grants.
inline constexpr Call<policy::v1::DecideRequest, policy::v1::DecideReply> kPolicyDecide{
    .subject = "sluice.policy.v1.decide",
    .owner = "policy-engine",
    .timeout = 250ms,
    .retry = Retry::Idempotent
};
inline constexpr Call<policy::v1::ManageRequest, policy::v1::ManageReply> kPolicyManage{
    .subject = "sluice.policy.v1.manage", .owner = "policy-engine", .timeout = 5s
};
inline constexpr Call<policy::v1::ListApprovalsRequest, policy::v1::ListApprovalsReply>
    kPolicyApprovalsList{
        .subject = "sluice.policy.v1.approvals.list",
        .owner = "policy-engine",
        .timeout = 5s,
        .retry = Retry::Idempotent
    };
inline constexpr Call<policy::v1::GetApprovalRequest, policy::v1::GetApprovalReply>
    kPolicyApprovalsGet{
        .subject = "sluice.policy.v1.approvals.get",
        .owner = "policy-engine",
        .timeout = 5s,
        .retry = Retry::Idempotent
    };
// A repeat of the same answer by the same person answers the same.
inline constexpr Call<policy::v1::AnswerApprovalRequest, policy::v1::AnswerApprovalReply>
    kPolicyApprovalsAnswer{
        .subject = "sluice.policy.v1.approvals.answer",
        .owner = "policy-engine",
        .timeout = 5s,
        .retry = Retry::Idempotent
    };
inline constexpr Call<policy::v1::SetupRequest, policy::v1::SetupReply> kPolicySetup{
    .subject = "sluice.policy.v1.setup", .owner = "policy-engine", .timeout = 5s
};
inline constexpr Event<policy::v1::ApprovalChanged> kApprovalChanged{
    .subject = "sluice.policy.v1.approval_changed", .owner = "policy-engine"
};
inline constexpr Event<policy::v1::PolicyBeat> kPolicyBeat{
    .subject = "sluice.policy.v1.policy_beat", .owner = "policy-engine"
};

// One subject per server, held by the replica that leases it. Never retried: it has effects.
inline constexpr KeyedStream<connector::v1::Request, connector::v1::Progress, connector::v1::Final>
    kConnectorRequest{
        .prefix = "sluice.connector.v1.server.",
        .suffix = ".request",
        .owner = "mcp-connector",
        .timeout = 600s
    };
// Goes on with such a request after its server has asked something.
inline constexpr KeyedStream<connector::v1::Input, connector::v1::Progress, connector::v1::Final>
    kConnectorInput{
        .prefix = "sluice.connector.v1.server.",
        .suffix = ".input",
        .owner = "mcp-connector",
        .timeout = 600s
    };
inline constexpr KeyedCall<connector::v1::ServerCatalogRequest, connector::v1::ServerCatalogReply>
    kConnectorServerCatalog{
        .prefix = "sluice.connector.v1.server.",
        .suffix = ".catalog",
        .owner = "mcp-connector",
        .timeout = 2s,
        .retry = Retry::Idempotent
    };
inline constexpr Call<connector::v1::CatalogRequest, connector::v1::CatalogReply> kConnectorCatalog{
    .subject = "sluice.connector.v1.catalog",
    .owner = "mcp-connector",
    .timeout = 4s,
    .retry = Retry::Idempotent
};
inline constexpr Call<connector::v1::ManageRequest, connector::v1::ManageReply> kConnectorManage{
    .subject = "sluice.connector.v1.manage", .owner = "mcp-connector", .timeout = 30s
};
inline constexpr Event<connector::v1::CatalogChanged> kCatalogChanged{
    .subject = "sluice.connector.v1.catalog_changed", .owner = "mcp-connector"
};
inline constexpr Event<connector::v1::ServerChanged> kServerChanged{
    .subject = "sluice.connector.v1.server_changed", .owner = "mcp-connector"
};

inline constexpr Event<connector::v1::ResourceUpdated> kResourceUpdated{
    .subject = "sluice.connector.v1.resource_updated", .owner = "mcp-connector"
};
inline constexpr Event<connector::v1::ServersChanged> kServersChanged{
    .subject = "sluice.connector.v1.servers_changed", .owner = "mcp-connector"
};

// Lost ones leave their calls counted, which is the safe side.
inline constexpr Event<connector::v1::CallEnded> kCallEnded{
    .subject = "sluice.connector.v1.call_ended", .owner = "mcp-connector"
};

// Between replicas of ingress: any of them may get what a client sends.
inline constexpr Event<ingress::v1::ClientMessage> kClientMessage{
    .subject = "sluice.ingress.v1.client_message", .owner = "ingress"
};

inline constexpr StreamCall<
    codemode::v1::RunRequest,
    codemode::v1::RunProgress,
    codemode::v1::RunFinal>
    kCodemodeRun{.subject = "sluice.codemode.v1.run", .owner = "codemode-sandbox", .timeout = 600s};
inline constexpr Call<codemode::v1::DescribeRequest, codemode::v1::DescribeReply> kCodemodeDescribe{
    .subject = "sluice.codemode.v1.describe",
    .owner = "codemode-sandbox",
    .timeout = 5s,
    .retry = Retry::Idempotent
};
inline constexpr Call<codemode::v1::RunsRequest, codemode::v1::RunsReply> kCodemodeRuns{
    .subject = "sluice.codemode.v1.runs", .owner = "codemode-sandbox", .timeout = 5s
};
inline constexpr Event<codemode::v1::RunChanged> kRunChanged{
    .subject = "sluice.codemode.v1.run_changed", .owner = "codemode-sandbox"
};
inline constexpr Event<codemode::v1::RunCancelled> kRunCancelled{
    .subject = "sluice.codemode.v1.run_cancelled", .owner = "codemode-sandbox"
};

// Answers after the Postgres commit. The producer itself retries, with the same event id.
inline constexpr Call<audit::v1::CommitRequest, audit::v1::CommitReply> kAuditCommit{
    .subject = "sluice.audit.v1.commit",
    .owner = "audit-writer",
    .timeout = 5s,
    .retry = Retry::Idempotent
};
inline constexpr Call<audit::v1::VoidGrantRequest, audit::v1::VoidGrantReply> kAuditVoidGrant{
    .subject = "sluice.audit.v1.void_grant",
    .owner = "audit-writer",
    .timeout = 5s,
    .retry = Retry::Idempotent
};
inline constexpr Call<audit::v1::QueryRequest, audit::v1::QueryReply> kAuditQuery{
    .subject = "sluice.audit.v1.query",
    .owner = "audit-writer",
    .timeout = 10s,
    .retry = Retry::Idempotent
};
inline constexpr Call<audit::v1::VerifyRequest, audit::v1::VerifyReply> kAuditVerify{
    .subject = "sluice.audit.v1.verify",
    .owner = "audit-writer",
    .timeout = 60s,
    .retry = Retry::Idempotent
};
inline constexpr Call<audit::v1::JournalRequest, audit::v1::JournalReply> kAuditJournal{
    .subject = "sluice.audit.v1.journal",
    .owner = "audit-writer",
    .timeout = 5s,
    .retry = Retry::Idempotent
};
inline constexpr Durable<audit::v1::RecordBatch> kAuditRecord{
    .subject = "sluice.audit.v1.record",
    .owner = "audit-writer",
    .stream = "AUDIT",
    .consumer = "audit-writer",
    .batch_records_max = 64
};

// sluice.<owner>.v1.control.<instance>: credit and cancel for the streams of one instance.
inline constexpr std::string_view kControlPrefix = "sluice.";
inline constexpr std::string_view kControlInfix = ".v1.control.";

// Service name -> the <owner> part of its subjects.
struct Owner {
  std::string_view service;
  std::string_view token;
};

inline constexpr std::array kOwners{
    Owner{"provider-router", "provider"},
    Owner{"policy-engine", "policy"},
    Owner{"mcp-connector", "connector"},
    Owner{"codemode-sandbox", "codemode"},
    Owner{"audit-writer", "audit"},
    Owner{"ingress", "ingress"},
};

// Who calls what. The allow-lists of the NATS users are made of this; what is not here is refused
// by nats-server. A stream's caller may also publish to the owner's control subjects. Every service
// may publish kAuditRecord.
struct Use {
  std::string_view service;
  std::string_view subject;  // of a call or stream: may publish; of an event: may subscribe. "*"
                             // stands for a key.
};

inline constexpr std::array kUses{
    Use{"ingress", "sluice.provider.v1.chat"},
    Use{"ingress", "sluice.provider.v1.embed"},
    Use{"ingress", "sluice.provider.v1.models"},
    Use{"ingress", "sluice.policy.v1.authenticate"},
    Use{"ingress", "sluice.policy.v1.visible"},
    Use{"ingress", "sluice.policy.v1.decide"},
    Use{"ingress", "sluice.policy.v1.manage"},
    Use{"ingress", "sluice.policy.v1.policy_beat"},
    Use{"ingress", "sluice.policy.v1.approvals.list"},
    Use{"ingress", "sluice.policy.v1.approvals.get"},
    Use{"ingress", "sluice.policy.v1.approvals.answer"},
    Use{"ingress", "sluice.policy.v1.approval_changed"},
    Use{"ingress", "sluice.policy.v1.setup"},
    Use{"ingress", "sluice.connector.v1.server.*.request"},
    Use{"ingress", "sluice.connector.v1.server.*.input"},
    Use{"ingress", "sluice.connector.v1.catalog"},
    Use{"ingress", "sluice.connector.v1.manage"},
    Use{"ingress", "sluice.connector.v1.catalog_changed"},
    Use{"ingress", "sluice.connector.v1.server_changed"},
    Use{"ingress", "sluice.connector.v1.resource_updated"},
    Use{"ingress", "sluice.ingress.v1.client_message"},
    Use{"ingress", "sluice.codemode.v1.run"},
    Use{"ingress", "sluice.codemode.v1.describe"},
    Use{"ingress", "sluice.codemode.v1.runs"},
    Use{"ingress", "sluice.codemode.v1.run_changed"},
    Use{"ingress", "sluice.audit.v1.query"},
    Use{"ingress", "sluice.audit.v1.verify"},
    Use{"ingress", "sluice.audit.v1.journal"},
    Use{"policy-engine", "sluice.policy.v1.policy_beat"},
    Use{"policy-engine", "sluice.connector.v1.catalog"},
    Use{"policy-engine", "sluice.connector.v1.catalog_changed"},
    Use{"policy-engine", "sluice.connector.v1.call_ended"},
    Use{"policy-engine", "sluice.audit.v1.void_grant"},
    Use{"mcp-connector", "sluice.connector.v1.server.*.catalog"},
    Use{"mcp-connector", "sluice.connector.v1.servers_changed"},
    Use{"mcp-connector", "sluice.policy.v1.policy_beat"},
    Use{"mcp-connector", "sluice.audit.v1.commit"},
    Use{"codemode-sandbox", "sluice.connector.v1.server.*.request"},
    Use{"codemode-sandbox", "sluice.connector.v1.catalog"},
    Use{"codemode-sandbox", "sluice.connector.v1.catalog_changed"},
    Use{"codemode-sandbox", "sluice.policy.v1.visible"},
    Use{"codemode-sandbox", "sluice.policy.v1.decide"},
    Use{"codemode-sandbox", "sluice.policy.v1.policy_beat"},
    Use{"codemode-sandbox", "sluice.policy.v1.approval_changed"},
    Use{"codemode-sandbox", "sluice.codemode.v1.run_cancelled"},
    Use{"codemode-sandbox", "sluice.audit.v1.journal"},
};

}  // namespace sluice::endpoints
