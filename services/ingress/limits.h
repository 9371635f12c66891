// Every constant that bounds something in ingress, with the source of each number.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::ingress {

// Bodies.
// Source: ARCHITECTURE.md#wire: one bus frame is at most 8 MB; 64 KiB are left for the envelope and
// added tools.
inline constexpr std::size_t kBodyBytesMax = (std::size_t{8} << 20) - (std::size_t{64} << 10);
// Source: what one bus frame carries (8 MiB) less room for the envelope (16 KiB) and the message's
// own fields.
inline constexpr std::size_t kSplicedBodyBytesMax =
    (std::size_t{8} << 20) - (std::size_t{24} << 10);
// Source: a conversation of 10,000 turns; the largest context windows hold far fewer.
inline constexpr std::size_t kMessagesMax = 20'000;
// Source: OpenAI accepts 128 tools a request; other providers more, none above this.
inline constexpr std::size_t kClientToolsMax = 1'024;
inline constexpr std::size_t kModelNameBytesMax = 256;
inline constexpr std::size_t kBodyDepthMax = 64;

// Credentials and caches.
// Source: a JWT with many claims stays below; http's header limit is 32 KiB for all.
inline constexpr std::size_t kCredentialBytesMax = 8'192;
inline constexpr std::size_t kCallersMax = 4'096;         // ~2 KB each
inline constexpr std::size_t kRefusedCallersMax = 1'024;  // digests only
inline constexpr std::chrono::milliseconds kRefusalKeptFor{1'000};
// Source: ARCHITECTURE.md#caller-identity: tokens live 60 s and are renewed when less than 15 s
// remain.
inline constexpr std::int64_t kTokenRenewBelowMs = 15'000;
// Source: what an execution may spend before its grant is used: catalog (6 s), two decisions (250
// ms each), with room.
inline constexpr std::int64_t kTokenUnusableBelowMs = 8'000;
inline constexpr std::chrono::milliseconds kAuthenticateTimeout{2'000};
inline constexpr std::size_t kFlightsMax = 1'024;
// Source: auth.refused records are for people; above this rate one record tells how many were left
// out.
inline constexpr int kRefusalRecordsPerSecondMax = 20;

// Catalog.
// Source: ARCHITECTURE.md#versions: four beats of 500 ms missed.
inline constexpr std::chrono::milliseconds kBeatSilenceMax{2'000};
inline constexpr std::size_t kBeatingInstancesMax = 64;
inline constexpr std::size_t kSnapshotsByCallerMax = 256;
inline constexpr std::size_t kSnapshotsByContentMax = 32;  // ~150 KB each with 150 tools
// Source: a lost change event is repaired by the next rebuild.
inline constexpr std::chrono::milliseconds kSnapshotAgeMax{30'000};
inline constexpr std::chrono::milliseconds kSnapshotTimeout{6'000};
// Source: OpenAI, platform.openai.com function calling, read 2026-11: ^[a-zA-Z0-9_-]{1,64}$.
inline constexpr std::size_t kToolNameBytesMax = 64;
inline constexpr std::size_t kNarrowingEntriesMax = 256;
inline constexpr std::size_t kNarrowingEntryBytesMax = 192;
// Source: ours; each has three routes.
inline constexpr std::size_t kVirtualServersMax = 256;
// Source: half of kNarrowingEntriesMax, so that what it has in common with a request's headers
// fits.
inline constexpr std::size_t kVirtualServerEntriesMax = 128;
inline constexpr std::size_t kSlugBytesMax = 64;
// Names of servers in executeToolCode's description. Source: ours; ~30 of the 300 tokens that all
// meta-tools may take.
inline constexpr std::size_t kServersNamedBytesMax = 120;
// Tools offered to scripts beyond which searchTools is offered. Source: ours; so many are found
// quickly by reading.
inline constexpr std::size_t kToolsWithoutSearch = 20;
// Of what a model searches or reads for. Source: codemode-sandbox.
inline constexpr std::size_t kToolQueryBytesMax = 1'000;
inline constexpr std::size_t kToolFileNameBytesMax = 256;
// Diagnostics of a script in the answer to it.
inline constexpr std::size_t kDiagnosticsBytesMax = std::size_t{16} << 10;
inline constexpr std::size_t kNearNamesMax = 3;
// Source: the edit distance costs the product of both lengths.
inline constexpr std::size_t kNearNameBytesMax = 128;

// Chains.
// Source: ARCHITECTURE.md#chains.
inline constexpr std::chrono::seconds kToolCallKeptFor{24 * 3600};
// Source: parallel tool calls of one turn; the newest ids of a conversation are looked at, older
// ones belong to the same chain.
inline constexpr std::size_t kToolCallIdsMax = 128;
inline constexpr std::size_t kToolCallIdBytesMax = 256;
inline constexpr std::size_t kJournalLookupsMax = 2;
// Records of one provider call or tool execution fit below this many hops; the next step starts
// above.
inline constexpr std::uint32_t kHopsPerStep = 16;
// Records of one run of a script whose end is not known. Source: codemode-sandbox, 8 for each of at
// most 10,000 calls.
inline constexpr std::uint32_t kHopsPerRunMax = 80'016;
// Where a chain continues whose highest hop is not known: above a hundred steps.
inline constexpr std::uint32_t kHopOfUnknown = 1'000;
inline constexpr std::uint32_t kHopMax = 1'000'000'000;

// Agent mode.
// Rounds of automatic calls a request may have. Source: Bifrost's bound of max_agent_depth.
inline constexpr std::size_t kAgentDepthMax = 50;
// Calls of one turn that are run; a turn with more comes back whole. Source: policy-engine decides
// on at most 64 calls in one request.
inline constexpr std::size_t kAgentCallsMax = 64;
// Of one request at the same time. Source: ours; a server over stdio works on fewer.
inline constexpr std::size_t kAgentParallelCallsMax = 8;
// Of one tool message. Source: ours; ~250,000 tokens, above most context windows. All messages
// together are bounded by kSplicedBodyBytesMax.
inline constexpr std::size_t kAgentResultBytesMax = std::size_t{1} << 20;
// Of the deadline, left to record and write the answer of what was done by then.
inline constexpr std::chrono::milliseconds kAgentEndReserve{2'000};

// Records.
// Source: half of what the audit library keeps of a body (16 KiB): escaping may double a prefix.
inline constexpr std::size_t kRecordBodyBytesMax = 8 << 10;
inline constexpr std::size_t kRecordArgumentsBytesMax = 8 << 10;
inline constexpr std::size_t kRecordTextBytesMax =
    512;  // reasons, names and messages inside records
inline constexpr std::size_t kSuggestionRecordsMax =
    128;  // a turn's calls; more are counted in the last record
inline constexpr std::size_t kModelLabelsMax = 200;  // distinct values of the label "model"

// Scripts.
// Over the script's own time: waiting for a runner (5 s), its check (12 s), its last record. The
// caller token has to last that long; a token of the run takes its place.
inline constexpr std::chrono::milliseconds kRunWait{20'000};
// Source: codemode-sandbox, RunRequest.source.
inline constexpr std::size_t kScriptBytesMax = std::size_t{64} << 10;
// Console output given back. Source: the largest that codemode-sandbox may be set to keep is 1 MiB;
// a model reads less.
inline constexpr std::size_t kConsoleAnswerBytesMax = std::size_t{256} << 10;
inline constexpr std::size_t kConsoleAnswerLinesMax = 4'096;

// MCP sessions of legacy clients.
// Source: most clients never end theirs; one that comes back later initializes again.
inline constexpr std::chrono::hours kMcpSessionIdleMax{1};
// Of one principal. Source: ours; a fleet behind one key, and a bound on what a key can make us
// keep (~100 B each).
inline constexpr std::size_t kMcpSessionsMax = 1'000;
// A use is noted when the last note is older. Source: a hundredth of the idle time, to read rather
// than write at most requests.
inline constexpr std::chrono::seconds kMcpSessionNoteAfter{36};
// Streams of one principal on one replica. Source: ours; a client has one a session.
inline constexpr std::size_t kMcpStreamsMax = 256;
// A comment keeps proxies from closing a quiet stream. Source: the shortest idle timeouts of common
// proxies are 30 s.
inline constexpr std::chrono::seconds kMcpKeepAlive{15};
// Source: servers announce several changes at once after they start (7 within 100 ms seen).
inline constexpr std::chrono::milliseconds kMcpChangeGather{250};
// What a legacy client declares of itself, kept with its session. Source: ours; the longest seen is
// 300 B.
inline constexpr std::size_t kMcpCapabilitiesBytesMax = 4 << 10;
// Resources one session, or one subscriptions/listen, is told of. Source: ours; each is asked for
// anew every four minutes.
inline constexpr std::size_t kMcpSubscriptionsMax = 256;
inline constexpr std::size_t kMcpUriBytesMax = 2 << 10;
// Source: mcp-connector ends a subscription ten minutes after it was last asked for.
inline constexpr std::chrono::minutes kMcpSubscriptionRenewal{4};
// Of one renewal. Source: ours; the stream tells nothing else meanwhile.
inline constexpr std::chrono::seconds kMcpRenewalTimeout{5};
// Changed resources a stream has yet to tell. Above it every subscribed one counts as changed.
inline constexpr std::size_t kMcpUpdatesMax = 256;
// A request that asked waits this long for answers. Source: mcp-connector gives it up after 120 s.
inline constexpr std::chrono::seconds kMcpAnswerWait{110};
// Times a server may ask in one request, and questions at once. Source: ours; forms of several
// steps have fewer.
inline constexpr std::size_t kMcpInputRoundsMax = 16;
inline constexpr std::size_t kMcpQuestionsMax = 64;
// Between two rounds in which the server asked nothing.
inline constexpr std::chrono::seconds kMcpEmptyRoundWait{1};
// Source: mcp-connector's ids of servers and requests have at most 64 characters.
inline constexpr std::size_t kMcpRequestIdBytesMax = 128;
// Calls on one replica that wait for approvals. Source: ours; each is a line of people's lists, of
// which policy-engine takes 100 a principal.
inline constexpr std::size_t kMcpApprovalWaitsMax = 1'024;
// Between two looks at an approval whose change may not have been heard of. Source: ours.
inline constexpr std::chrono::seconds kMcpApprovalPoll{5};
// How long a client that waits for somebody else is kept before it is asked again. Source: ours;
// official clients ask by themselves ten times.
inline constexpr std::chrono::seconds kMcpApprovalHold{10};
// Of a call's deadline, left to carry it out. Source: the longest tool call by default, with room.
inline constexpr std::chrono::seconds kMcpApprovalReserve{40};
// Times one request may find that its approval needs another answer. Source: ours; two people may
// have to give one, and a reload may ask anew.
inline constexpr std::size_t kMcpApprovalRoundsMax = 8;
// Messages between a legacy client's request and its connection. Source: ours; above it the server
// waits for the client.
inline constexpr std::size_t kMcpRelayMessagesMax = 16;
// Requests of one principal's legacy clients on one replica that still run. Source: ours; they go
// on when their clients leave.
inline constexpr std::size_t kMcpCallsMax = 1'024;
// Streams that clients can resume. A call that is not answered by then becomes one: below it an
// answer is JSON and costs nothing. Source: ours; what people do not notice yet.
inline constexpr std::chrono::milliseconds kMcpStreamAfter{250};
// How long a client is told to wait before it comes back. Source: what SDK 1 does by itself.
inline constexpr std::chrono::milliseconds kMcpRetry{1'000};
// Events kept of one stream, the newest, and their bytes. Source: an answer fits, which is at most
// one bus frame.
inline constexpr std::size_t kMcpEventsMax = 256;
inline constexpr std::size_t kMcpEventBytesMax = std::size_t{8} << 20;
// Of all streams of one principal on one replica. Source: ours.
inline constexpr std::size_t kMcpOwnerEventBytesMax = std::size_t{64} << 20;
// After the last event. Source: ours; a client that changes its network is back within seconds.
inline constexpr std::chrono::seconds kMcpEventsKeptFor{120};
// While the request runs: whoever runs it says so anew. A stream of a replica that died is known as
// lost after the first.
inline constexpr std::chrono::seconds kMcpEventsLease{45};
inline constexpr std::chrono::seconds kMcpEventsRenewal{15};
// Between two looks at what a resumed stream has to tell. Source: ours; as long as a call that
// becomes a stream took anyway.
inline constexpr std::chrono::milliseconds kMcpResumePoll{200};
// Resumed streams of one principal on one replica. Source: ours; each asks Redis that often.
inline constexpr std::size_t kMcpResumesMax = 64;
// A client that reads nothing for so long is left: it can resume.
inline constexpr std::chrono::seconds kMcpSlowClientWait{10};
// Names of streams (random) and marks of lists (SHA-256, cut) in event ids.
inline constexpr std::size_t kMcpStreamNameBytes = 8;
inline constexpr std::size_t kMcpListMarkBytes = 6;
inline constexpr std::size_t kMcpEventIdBytesMax = 96;
// Instructions of all servers together. Source: ours; ~4,000 tokens.
inline constexpr std::size_t kMcpInstructionsBytesMax = 16 << 10;
// Event streams at /sse on one replica, events that wait for their client, and requests of one
// stream under way. Source: ours; few clients know no newer transport.
inline constexpr std::size_t kSseStreamsMax = 1'024;
inline constexpr std::size_t kSseEventsMax = 16;
inline constexpr std::size_t kSseRequestsMax = 64;
// Messages of one batch (2025-03-26). Source: ours; they run one after the other.
inline constexpr std::size_t kMcpBatchMessagesMax = 64;

// OAuth towards servers. Of the body of a request to authorize nothing is read ("{}" is sent by
// habit); a callback's query holds a state of this gateway and a code of at most 4 kB (those of the
// large providers have up to 2 kB).
inline constexpr std::size_t kAuthorizeBodyBytesMax = 4096;
inline constexpr std::size_t kOAuthCallbackBytesMax = 8192;

// Routes.
inline constexpr std::chrono::milliseconds kChatTimeout{600'000};  // that of the provider's stream
inline constexpr std::chrono::milliseconds kEmbedTimeout{60'000};
// Body of a change to an MCP server. Source: kServerBodyBytesMax of mcp-connector.
inline constexpr std::size_t kServerBodyBytesMax = std::size_t{64} << 10;
// Approvals. Source: policy.proto, ListApprovalsRequest.limit; an answer's reason has at most 1,000
// characters, each of 12 bytes in JSON at most.
inline constexpr std::size_t kApprovalIdBytesMax = 64;
inline constexpr std::size_t kRunsPageDefault = 50;  // codemode.proto, RunsRequest.ListRuns
inline constexpr std::size_t kRunsPageMax = 200;
inline constexpr std::size_t kApprovalsPageDefault = 50;
inline constexpr std::size_t kApprovalsPageMax = 200;
inline constexpr std::size_t kAnswerBodyBytesMax = std::size_t{16} << 10;
// Streams of changes on one replica, of one caller, and changes that wait for their client. Source:
// ours; one a console or bot.
inline constexpr std::size_t kApprovalStreamsMax = 256;
inline constexpr std::size_t kApprovalStreamsPerCallerMax = 16;
inline constexpr std::size_t kApprovalEventsMax = 256;
inline constexpr std::chrono::milliseconds kManagementTimeout{10'000};
// Requests of MCP clients: each call has its own bound, people who are asked take their time.
// Source: the longest the bus lets a stream live.
inline constexpr std::chrono::milliseconds kMcpTimeout{600'000};
inline constexpr std::chrono::milliseconds kExecuteSlack{10'000
};  // over the tool's own time: chain, decision, records
inline constexpr std::size_t kServersPageMax = 500;

}  // namespace sluice::ingress
