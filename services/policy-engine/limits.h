// Every constant that bounds something in policy-engine, with the source of each number.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::policy_engine {

// Requests.
// Source: policy.proto, DecideRequest.calls.
inline constexpr int kCallsMax = 64;
// Source: policy.proto, DecideRequest.decision_id.
inline constexpr std::size_t kDecisionIdBytes = 16;
// Source: policy.proto, ScriptRun.
inline constexpr int kScriptCallsMax = 256;
inline constexpr std::size_t kSourceDigestBytes = 32;
// "run_" and so many hexadecimal digits.
inline constexpr std::size_t kRunIdDigits = 32;
// Of the tools told in the record of a script. Source: ours; what a person reads at once.
inline constexpr std::size_t kScriptDetailBytesMax = 2'000;
// Source: policy.proto, DecideRequest.decision_unix_ms.
inline constexpr std::int64_t kDecisionAgeMsMax = 60'000;
inline constexpr std::int64_t kDecisionAheadMsMax = 5'000;
// Source: one bus frame is at most 8 MiB; a call's arguments and their envelope fit in one on the
// way to the connector.
inline constexpr std::size_t kArgumentsBytesMax = std::size_t{7} << 20;
// Source: ours; longer than any virtual key or JWT in use.
inline constexpr std::size_t kCredentialBytesMax = 8'192;
// Source: ours; a filter of a request names servers and tools, both of which are bounded below.
inline constexpr int kFilterEntriesMax = 1'024;

// Settings.
// Source: ours; the search for a key compares with each of them (~20 ns a key), so that it takes
// the same time for all.
inline constexpr std::size_t kKeysMax = 1'000;
// Of the keys that were added by API: those listed though they are revoked, the lists of one and
// what all of them fill. Source: ours; a bus frame carries the listing.
inline constexpr std::size_t kRevokedKeysListedMax = 100;
inline constexpr std::size_t kKeySpecBytesMax = std::size_t{16} << 10;
inline constexpr std::size_t kStoredKeysBytesMax = std::size_t{4} << 20;
// Of one listing. Source: what a bus frame carries, less its envelope.
inline constexpr std::size_t kKeysReplyBytesMax = std::size_t{7} << 20;
// Uses of the setup token that are tried, right or wrong. Source: ours; the token has 256 bits, so
// this bounds what strangers cost.
inline constexpr int kSetupAttemptsPerSecondMax = 5;
// How often a claim reads the stored policy again that changed meanwhile. Source: ours; each time
// an admin changed it within the milliseconds of a claim.
inline constexpr int kClaimAttemptsMax = 5;
// What a change waits for a look at the settings that is under way, and how often it looks.
// Source: ours; a look ends within the 2 s that Postgres has.
inline constexpr std::chrono::milliseconds kTakeOverTimeout{3'000};
inline constexpr std::chrono::milliseconds kTakeOverInterval{10};
// A request of a replica that is behind waits this long for the newest policy. Source: ours; a
// replica looks four times a second, and reading the policy takes a few milliseconds.
inline constexpr std::chrono::milliseconds kBehindMax{1'000};
inline constexpr std::size_t kServersMax = 256;
inline constexpr std::size_t kListEntriesMax = 1'024;

// Rules.
// Source: ours; ./dev bench policy prints what 1,000 rules cost.
inline constexpr std::size_t kRulesMax = 2'000;
inline constexpr std::size_t kRuleNamesMax = 256;        // of one list of a rule
inline constexpr std::size_t kRuleConditionsMax = 16;    // on the arguments, of one rule
inline constexpr std::size_t kConditionValuesMax = 256;  // of "in"
inline constexpr std::size_t kConditionValueBytesMax = 4'096;
inline constexpr std::size_t kReasonBytesMax = 500;
inline constexpr std::size_t kPointerBytesMax = 512;
inline constexpr std::size_t kPointerDepthMax = 16;
inline constexpr std::size_t kPatternBytesMax = 1'024;
// Of one glob or regex. Source: ours; RE2 refuses what needs more, such as counted repetitions of
// thousands.
inline constexpr std::int64_t kPatternMemoryBytesMax = std::int64_t{256} << 10;
// What the rules may look at in one call: values, and strings by kEffortBytes. Beyond, conditions
// count as met. Source: ours; some 50 ms, of the 250 ms a decision has.
inline constexpr std::size_t kEvaluationEffortMax = 1'000'000;
inline constexpr std::size_t kEffortBytes = 32;

// Limits on calls.
// Source: ours; every call is compared with each of them.
inline constexpr std::size_t kLimitsMax = 200;
// Source: ours; a counter keeps one entry a call, some 80 bytes.
inline constexpr std::int64_t kLimitCallsMax = 100'000;
inline constexpr std::int64_t kLimitWindowSecondsMax = std::int64_t{30} * 86'400;
inline constexpr std::int64_t kLimitAtOnceMax = 1'000;
// Seconds; longest_call_s. Source: ours; call_timeout_ms of a server is 30 s by default and at most
// a day.
inline constexpr std::int64_t kLongestCallDefault = 300;
inline constexpr std::int64_t kLongestCallMax = 86'400;
// Of what people read of a counter. Source: ours.
inline constexpr std::size_t kSubjectShownBytesMax = 300;
// Source: half of SHA-256, which nobody makes two of.
inline constexpr std::size_t kCounterIdBytes = 16;
// Which counters a grant is in is known as long as they count it, and within these bounds. Source:
// ours; a repeat comes within an hour, and audit-writer knows used grants for 24 h at least.
inline constexpr std::int64_t kReservationKeptMsMin = 3'600'000;
inline constexpr std::int64_t kReservationKeptMsMax = std::int64_t{20} * 3'600'000;
// Of one limit. Source: policy.proto, LimitState.counters.
inline constexpr std::size_t kCountersShownMax = 1'000;
// What decide leaves for Redis of its 250 ms. Source: endpoints::kPolicyDecide.
inline constexpr std::chrono::milliseconds kLimitTimeout{150};
inline constexpr std::chrono::milliseconds kLimitListTimeout{2'000};
// What a caller is told where a call in flight has to end first. Source: ours.
inline constexpr std::int64_t kAtOnceRetryMs = 1'000;
// Ends of calls that wait for Redis; more are dropped, and their calls stay counted. Source: ours;
// ten times the calls a connector replica has in flight.
inline constexpr std::size_t kSettlementsMax = 2'560;
inline constexpr std::chrono::milliseconds kSettlementTimeout{10'000};

// Warnings and faults of one reading of the settings that are told.
inline constexpr std::size_t kRuleWarningsMax = 100;
inline constexpr std::size_t kFaultsToldMax = 100;

// Access tokens of authorization servers.
inline constexpr std::size_t kIssuersMax = 16;
inline constexpr std::size_t kScopesMax = 64;
inline constexpr std::size_t kUrlBytesMax = 2'048;
// Source: OpenID Connect Core section 2, sub.
inline constexpr std::size_t kSubjectBytesMax = 255;
// Source: ours; claims are flat, those of large issuers three levels deep.
inline constexpr std::size_t kJwtDepthMax = 16;
// For clocks that differ. Source: ours; NTP keeps machines within a second.
inline constexpr std::int64_t kJwtLeewayMs = 30'000;
// Source: an issuer has a handful of keys; the largest seen fit in 20 kB.
inline constexpr std::size_t kJwksBytesMax = std::size_t{256} << 10;
inline constexpr std::size_t kJwksKeysMax = 64;
// Of one origin. Source: one fetch an issuer at a time, and issuers may share an origin.
inline constexpr std::size_t kJwksConnectionsMax = kIssuersMax;
// Metadata and keys; those who wait have less. Source: ours.
inline constexpr std::chrono::milliseconds kJwksTimeout{5'000};
// Keys change over days. Source: ours; a withdrawn key is one for this long at most.
inline constexpr std::chrono::milliseconds kJwksRefreshAfter{600'000};
// How long an issuer may not answer before its tokens are refused. Source: ours.
inline constexpr std::chrono::milliseconds kJwksAgeMax{3'600'000};
// Source: ours; anybody can send a token with a key id of his own.
inline constexpr std::chrono::milliseconds kJwksFetchInterval{10'000};
inline constexpr std::size_t kJwksWaitersMax = 1'024;

// Catalog.
// Source: ours; a hundred servers with a hundred tools each.
inline constexpr std::size_t kCatalogToolsMax = 10'000;
// Source: endpoints::kConnectorCatalog, whose holders have 2 s to answer.
inline constexpr std::chrono::milliseconds kCatalogFetchTimeout{4'000};
// A catalog that does not hold what a call names is fetched again, at most this often.
inline constexpr std::chrono::milliseconds kCatalogRecheckInterval{1'000};
// A change event may be lost; this is how long it can go unnoticed.
inline constexpr std::chrono::milliseconds kCatalogAgeMax{10'000};
inline constexpr std::size_t kCatalogWaitersMax = 1'024;

// Pins.
// Of one server, ever: as much as it can list at once, twice. Source: ours; a server that lists
// more and more names does not fill the table. Its further tools stay quarantined.
inline constexpr std::size_t kPinsPerServerMax = 8'192;
// Names beyond have no pin. Source: migrations/0007_policy_pins.sql; SEP-986 asks for 64 or less.
inline constexpr std::size_t kPinnedNameBytesMax = 1'024;
// Reading and noting the pins of a catalog; what a first catalog of 10,000 tools takes is in
// README.md#tests.
inline constexpr std::chrono::milliseconds kPinCheckTimeout{10'000};
// A check that failed is tried again, and approvals of quarantined tools are looked for, this
// often.
inline constexpr std::chrono::milliseconds kPinRetryInterval{2'000};
inline constexpr std::chrono::milliseconds kPinUpkeepInterval{500};
// Rows of one statement, and their bytes. Source: ours; the parameters of one stay far below what
// the bus carries.
inline constexpr std::size_t kPinRowsMax = 500;
inline constexpr std::size_t kPinRowsBytesMax = std::size_t{4} << 20;
// Of one listing. Source: half of what a bus frame carries, at some 200 bytes each.
inline constexpr std::size_t kPinsListedMax = 20'000;
// Of one check that are logged one by one.
inline constexpr std::size_t kPinsLoggedMax = 50;
// A definition that is compared, and of a comparison the differences told and the bytes of a value.
// Source: ours; the largest definitions seen have 43 kB.
inline constexpr std::size_t kDiffedDefinitionBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kDifferencesMax = 100;
inline constexpr std::size_t kDifferenceBytesMax = 2'048;
// Characters of names that may be one and two edits apart. Source: ours; shorter ones, such as get
// and set, are that by nature.
inline constexpr std::size_t kConfusableOneEditMin = 4;
inline constexpr std::size_t kConfusableTwoEditsMin = 6;
// Pairs that one check finds, comparisons of two names in full (some 100 ns each), and names that
// are compared. Source: ours; pin_benchmark in confusable_test.cpp.
inline constexpr std::size_t kConfusablePairsMax = 1'000;
inline constexpr std::size_t kConfusableComparisonsMax = 10'000'000;
inline constexpr std::size_t kConfusableNamesMax = 40'000;
// Of one tool that are told.
inline constexpr std::size_t kConfusableToldMax = 16;

// Approvals.
// Source: ours; a person reads them, and 16 of them fit in one reply.
inline constexpr std::size_t kApprovalArgumentsBytesMax = std::size_t{256} << 10;
// Of one principal that wait for people. Source: ours; more than anybody answers in an hour.
inline constexpr std::int64_t kPendingApprovalsMax = 100;
// Source: policy.proto, ListApprovalsRequest.limit.
inline constexpr std::uint32_t kApprovalsPageMax = 200;
inline constexpr std::uint32_t kApprovalsPageDefault = 50;
// Of one reply. Source: half of what a bus frame carries.
inline constexpr std::size_t kApprovalsPageBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kApprovalIdBytesMax = 64;
// Source: policy.proto, AnswerApprovalRequest.reason, in characters; 4 bytes each at most.
inline constexpr std::size_t kAnswerReasonCharactersMax = 1'000;
// Seconds; policy.approval_ttl_s. Source: ours; from a test's to a long holiday's.
inline constexpr std::int64_t kApprovalTtlMin = 1;
inline constexpr std::int64_t kApprovalTtlDefault = 3'600;
inline constexpr std::int64_t kApprovalTtlMax = std::int64_t{30} * 86'400;
// From the end of a grant until it is certain that nobody uses it any more.
// Source: ARCHITECTURE.md#decisions; clocks that differ by less than grants allow for.
inline constexpr std::int64_t kGrantSettleMs = 5'000;
// How long after the first answer a second one of the same person counts, where it may. Source:
// endpoints::kPolicyApprovalsAnswer, which the bus repeats within its 5 s.
inline constexpr std::int64_t kSecondAnswerAfterMs = 5'000;
// What decide leaves for approvals of its 250 ms. Source: endpoints::kPolicyDecide.
inline constexpr std::chrono::milliseconds kApprovalTimeout{200};
inline constexpr std::chrono::milliseconds kApprovalHandlerTimeout{4'000};
// Ended ones are kept this long behind their time; the trail keeps their records. Source: ours.
inline constexpr std::int64_t kApprovalsKeptMs = std::int64_t{30} * 86'400'000;
inline constexpr std::size_t kApprovalsPerSweepMax = 100;
inline constexpr std::chrono::milliseconds kApprovalSweepInterval{5'000};

// Records of own changes on their way from Postgres to the audit outbox. Source: ours; a record
// that a dead replica had is published by another after the claim.
inline constexpr std::chrono::milliseconds kOutboxInterval{500};
inline constexpr std::chrono::milliseconds kOutboxClaim{30'000};
inline constexpr std::size_t kOutboxRecordsMax = 64;

// Webhooks.
// Source: Standard Webhooks 1.0.0, "Signature scheme": 24 to 64 bytes of randomness.
inline constexpr std::size_t kWebhookKeyBytesMin = 24;
inline constexpr std::size_t kWebhookKeyBytesMax = 64;
// Source: ours; receivers bound bodies, and a column of policy.webhook_events does.
inline constexpr std::size_t kWebhookBodyBytesMax = std::size_t{64} << 10;
// Of one replica at a time. Source: ours; a receiver is one small program.
inline constexpr std::size_t kWebhooksAtOnce = 8;
// Rounds of one look. Source: ours; between them settings and stale events are looked at.
inline constexpr int kWebhookRoundsMax = 16;
// Source: Standard Webhooks 1.0.0, "Operational considerations": 15 to 30 s.
inline constexpr std::chrono::milliseconds kWebhookTimeout{15'000};
// A replica that died gives its events back after this. Source: above kWebhookTimeout, with room.
inline constexpr std::chrono::milliseconds kWebhookClaim{30'000};
inline constexpr std::chrono::milliseconds kWebhookInterval{500};
inline constexpr std::chrono::milliseconds kWebhookFirstWait{5'000};
inline constexpr std::chrono::milliseconds kWebhookWaitMax{3'600'000};
// An event that nobody took by then is given up. Source: the same section, "over the course of a
// few days" for senders with many receivers; approvals are over sooner.
inline constexpr std::int64_t kWebhookEventAgeMaxMs = 86'400'000;
// Events that wait; above it the oldest are given up. Source: ours; some 10 MB in Postgres.
inline constexpr std::int64_t kWebhookEventsMax = 10'000;
// Of one sweep.
inline constexpr std::int64_t kWebhookGivenUpPerSweepMax = 1'000;
inline constexpr std::chrono::milliseconds kWebhookSweepInterval{5'000};
inline constexpr std::size_t kWebhookResponseBytesMax = std::size_t{64} << 10;

// Versions.
// Source: ARCHITECTURE.md#versions.
inline constexpr std::chrono::milliseconds kBeatInterval{500};
inline constexpr std::chrono::milliseconds kVersionStoreTimeout{2'000};
// How long a start waits for Postgres before it gives up.
inline constexpr std::chrono::milliseconds kStartTimeout{60'000};
inline constexpr std::chrono::milliseconds kStartRetryInterval{500};

// How often the settings file is looked at. Source: ours; a replica that is behind answers nothing
// for this long after the file changed.
inline constexpr std::chrono::milliseconds kSettingsLookInterval{250};

// How often the files of the signing keys are looked at. Source: ours; a rotation waits longer
// between its steps (deploy/rotate-keys).
inline constexpr std::chrono::milliseconds kSigningKeysLookInterval{500};

inline constexpr std::chrono::milliseconds kDrainTimeout{5'000};

}  // namespace sluice::policy_engine
