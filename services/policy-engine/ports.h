// What policy-engine needs from outside: interfaces filled with bus, Postgres and HTTP adapters in
// main.cpp and with fakes in tests. Errors of all: Unavailable, Deadline.
#pragma once

#include "services/policy-engine/domain/approval.h"
#include "services/policy-engine/domain/pin_check.h"
#include "services/policy-engine/domain/policy.h"
#include "services/policy-engine/domain/stored_policy.h"
#include "services/policy-engine/domain/webhook.h"

#include "common/async/request_context.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// The tools that exist now.
class ToolServers {
 public:
  virtual ~ToolServers() = default;
  virtual Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) = 0;
};

// What the settings say, and what their reader would be warned of.
struct ReadSettings {
  Policy policy;
  std::vector<std::string> warnings;
  WebhookPtr webhook = nullptr;  // beside the policy: it changes no decision
};

// A policy version and the SHA-256 of the policy it is bound to.
struct BoundVersion {
  std::uint64_t version = 0;
  std::string hash;
};

// What shall be the newest policy.
struct VersionClaim {
  std::string hash;
  std::uint64_t stored_revision = 0;  // of the stored policy in it
  // The version it takes the place of; absent: whichever is the newest.
  std::optional<std::uint64_t> replaces;
};

// The sequence of policy versions, shared by all replicas.
class VersionStore {
 public:
  virtual ~VersionStore() = default;
  // The newest version if it is bound to the hash, else a new one bound to it; but the newest one,
  // whatever it is bound to, where the claim would replace another. Versions are claimed one at a
  // time, so that their stored revisions never go back.
  // Errors: Conflict (the stored policy has another revision: read it again).
  virtual Async<BoundVersion> claim(VersionClaim claim) = 0;
  virtual Async<BoundVersion> newest() = 0;
};

// A change of a stored key, with the records of it.
struct KeyChange {
  enum class Kind { Create, Update, Revoke };

  Kind kind = Kind::Create;
  CallerKey key;  // as it is afterwards; its origin is set
  ChangeRecords records;
};

// Pure: it runs on a thread of the store, alone, with the stored policy as it is then.
using KeyTransition = std::function<Result<KeyChange>(const StoredPolicy&)>;

struct ChangedKey {
  CallerKey key;
  std::uint64_t revision = 0;  // of the stored policy with that change
};

// What admins add by API. Each change, its records and the next revision are one transaction.
class PolicyStore {
 public:
  virtual ~PolicyStore() = default;
  virtual Async<StoredPolicy> read() = 0;
  virtual Async<std::uint64_t> revision() = 0;
  // The newest kRevokedKeysListedMax revoked keys, newest first.
  virtual Async<std::vector<CallerKey>> revoked() = 0;
  // Errors: those of the transition; Conflict (the id is one of a revoked key) and NotFound (no
  // such key to update or revoke) besides.
  virtual Async<ChangedKey> change(KeyTransition transition) = 0;
  // Keeps the SHA-256 of a setup token, unless one was made before, whoever made it: then false.
  virtual Async<bool> offer_setup(std::string token_digest) = 0;
  // The change that a setup token allows, once. Errors: as of change(); Unauthenticated (it is
  // not that token), Conflict (it was used).
  virtual Async<ChangedKey> use_setup(std::string token_digest, KeyTransition transition) = 0;
};

// The file the settings are read from.
class SettingsFile {
 public:
  virtual ~SettingsFile() = default;
  // Its policy as it is now. Errors: Invalid (every fault, one a line).
  virtual Async<ReadSettings> read() = 0;
  // Something that is another one after the file changed. Errors: Invalid (it is not there).
  virtual Async<std::string> stamp() = 0;
};

// Public keys of authorization servers.
class KeySets {
 public:
  virtual ~KeySets() = default;
  // The JWK Set of an issuer, as it is published now. Errors: Invalid and Denied besides.
  virtual Async<std::string> fetch(JwtIssuer issuer, TimePoint deadline) = 0;
};

// An approval to be stored, with the records of that.
struct NewApproval {
  StoredApproval stored;
  ChangeRecords records;
};

struct ChangedApproval {
  StoredApproval stored;  // as it is now
  bool changed = false;
};

// Pure: it runs on a thread of the store, alone for its approval.
using ApprovalTransition = std::function<ChangeRecords(StoredApproval*)>;

struct ApprovalFilter {
  std::string tenant;
  std::string principal;  // "": of everybody
  std::optional<policy::v1::ApprovalState> state;
  std::string after;  // id of the last one of the page before
  std::uint32_t limit = 0;
};

struct ApprovalPage {
  std::vector<policy::v1::Approval> approvals;  // newest first
  bool more = false;
};

struct OutboxRecord {
  std::string event_id;
  audit::v1::Record record;
};

// Approvals, and the audit records of their changes: each change and its records are one
// transaction.
class ApprovalStore {
 public:
  virtual ~ApprovalStore() = default;
  // For each one the one that a retry of the same call made and that is still of use, else itself,
  // stored; nullopt where its principal has kPendingApprovalsMax that wait.
  virtual Async<std::vector<std::optional<StoredApproval>>> find_or_add(
      std::vector<NewApproval> asked
  ) = 0;
  // Errors: NotFound besides.
  virtual Async<ChangedApproval> change(std::string id, ApprovalTransition transition) = 0;
  virtual Async<std::optional<StoredApproval>> get(std::string id) = 0;
  virtual Async<ApprovalPage> list(ApprovalFilter filter) = 0;
  // Ids of open ones whose time is over, at most kApprovalsPerSweepMax.
  virtual Async<std::vector<std::string>> due(std::int64_t now_unix_ms) = 0;
  // Open ones of quarantined tools, for another definition than the tool has now; at most
  // kApprovalsPerSweepMax.
  virtual Async<std::vector<std::string>> of_quarantined() = 0;
  // Removes ended ones whose time was over by then, at most kApprovalsPerSweepMax.
  virtual Async<void> forget(std::int64_t expired_before_unix_ms) = 0;
  // At most kOutboxRecordsMax records that nobody publishes; they are this caller's for
  // kOutboxClaim.
  virtual Async<std::vector<OutboxRecord>> claim_records() = 0;
  virtual Async<void> remove_records(std::vector<std::string> event_ids) = 0;
};

// Events on their way to the receiver of policy.webhook. They are added by ApprovalStore.
class WebhookStore {
 public:
  virtual ~WebhookStore() = default;
  // At most kWebhooksAtOnce that are due; they are this caller's for kWebhookClaim.
  virtual Async<std::vector<WebhookEvent>> claim() = 0;
  virtual Async<void> remove(std::string id) = 0;
  // It is due again after that time.
  virtual Async<void> put_off(std::string id, std::chrono::milliseconds wait) = 0;
  // Removes those made before, and the oldest above kWebhookEventsMax; at most
  // kWebhookGivenUpPerSweepMax.
  virtual Async<std::vector<WebhookEvent>> give_up(std::int64_t created_before_unix_ms) = 0;
};

class WebhookReceiver {
 public:
  virtual ~WebhookReceiver() = default;
  // Posts an event, signed now. The result: the HTTP status. Errors: those of http::Client.
  virtual Async<int> post(
      WebhookPtr webhook, WebhookEvent event, std::int64_t now_unix_ms, TimePoint deadline
  ) = 0;
};

// Pins, and the audit records of their changes: each change and its records are one transaction.
class PinStore {
 public:
  virtual ~PinStore() = default;
  // Compares a catalog with the pins and notes what is new, once over all replicas.
  virtual Async<PinCheckReply> check(PinCheckRequest request) = 0;
  // Sorted by name, at most kPinsListedMax, without definitions.
  virtual Async<std::vector<StoredPin>> list(bool quarantined_only) = 0;
  virtual Async<std::optional<StoredPin>> get(ToolName name) = 0;
  // With the next revision of the stored policy, unless nothing changes. Errors: those of
  // approve_pin() besides.
  virtual Async<PinApproved> approve(PinApproval approval) = 0;
};

// The one use of each grant, as audit-writer keeps it.
class GrantUses {
 public:
  virtual ~GrantUses() = default;
  virtual Async<audit::v1::VoidGrantReply> void_grant(
      audit::v1::VoidGrantRequest request, RequestContext context
  ) = 0;
};

// A call and the counters it shall be in, for one signed form of its grant.
struct Reservation {
  std::string grant_id;                // 16 bytes
  std::int64_t not_after_unix_ms = 0;  // of the grant
  // Each form of a read's grant may be used, of another one only one: that counts once.
  bool is_read = false;
  bool only_look = false;              // whether there is room, without taking it
  std::vector<LimitCounter> counters;  // not empty
};

struct ReservationEnd {
  enum class Kind : std::uint8_t { Taken, Found, Over };

  Kind kind = Kind::Over;   // Found: this call has its places already, from an earlier decision
  std::size_t counter = 0;  // over: the first one that is full
  bool at_once = false;     // over: of its calls in flight
  std::int64_t retry_after_ms = 0;  // over: when all of them have room again, as far as is known
};

// The counters of limits, exact over all replicas: every method is one step that no other comes
// between. Errors: Unavailable, Deadline.
class CallCounters {
 public:
  virtual ~CallCounters() = default;
  // In their order: a call takes its places in all of its counters or in none. One that has its
  // places keeps them and takes no others. An end for each.
  virtual Async<std::vector<ReservationEnd>> reserve(std::vector<Reservation> calls) = 0;
  // The end of a call. One that was not carried out is counted no more, if no other form of its
  // grant can be used; any call that was used is in flight no more.
  virtual Async<void> settle(connector::v1::CallEnded end) = 0;
  // What is taken now, the fullest first, at most kCountersShownMax.
  virtual Async<policy::v1::LimitState> state(Limit limit) = 0;
};

class ApprovalEvents {
 public:
  virtual ~ApprovalEvents() = default;
  // Does not wait, and may be lost.
  virtual Result<void> publish(const policy::v1::ApprovalChanged& event) = 0;
};

class BeatSink {
 public:
  virtual ~BeatSink() = default;
  virtual Result<void> publish(const policy::v1::PolicyBeat& beat) = 0;
};

}  // namespace sluice::policy_engine
