// Every constant that bounds something in mcp-connector, with where the number comes from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::mcp_connector {

using namespace std::chrono_literals;

// Leases. Source: design, section 3 "Catalog and leases".
inline constexpr std::chrono::milliseconds kLeaseTtl = 3000ms;
inline constexpr std::chrono::milliseconds kLeaseRenewEvery = 1000ms;
inline constexpr std::chrono::milliseconds kLeaseTryEvery = 1000ms;
// Taken off the local validity for two clocks that run at slightly different speeds.
inline constexpr std::chrono::milliseconds kLeaseMargin = 100ms;
// A renewal that takes longer than this could not save the lease any more.
inline constexpr std::chrono::milliseconds kLeaseCommandTimeout = 900ms;

// Restarts. Source: the task of this service (1 s … 30 s), equal to Bifrost's profile.
inline constexpr std::chrono::milliseconds kReconnectFirst = 1000ms;
inline constexpr std::chrono::milliseconds kReconnectMax = 30000ms;
// A connection that lived this long was a good one: the next wait starts small again.
inline constexpr std::chrono::milliseconds kStableAfter = 30000ms;

// Health. A dead server is noticed within 12 s where one check is made every 10 s (the task of this
// service): a question and its repetition share the 2 s, with room for a loaded machine.
inline constexpr std::chrono::milliseconds kHealthTimeout = 1000ms;
inline constexpr std::chrono::milliseconds kHealthRepeatTimeout = 600ms;
// A check that ends later than this after its deadline tells of this process, not of the server.
inline constexpr std::chrono::milliseconds kHealthLagMax = 300ms;
// The one request that decides whether a doubtful http server is still there. Bifrost's number.
inline constexpr std::chrono::milliseconds kPingTimeout = 5000ms;

// Circuit breaker. Five in a row: the default of Envoy's outlier detection. The pause is that of
// one health check: nothing is learnt earlier.
inline constexpr int kCircuitFailuresMax = 5;
inline constexpr std::chrono::milliseconds kCircuitPause = 10000ms;
// A timeout counts when the call waited all but this part of what its server is allowed.
inline constexpr int kCircuitWaitedParts = 4;

// Eras. How long server/discover may stay unanswered before initialize is sent: servers that know
// neither answer at once, and the slowest measured took 5 s to start when idle; its late answer
// still counts.
inline constexpr std::chrono::milliseconds kProbeTimeout = 3000ms;

// Listing. A burst of seven list_changed after initialize was seen (server-everything): one re-list
// answers it.
inline constexpr std::chrono::milliseconds kListDebounce = 250ms;
// The same while a storm lasts: one list every 2 s, as soon as anybody has to see a change.
inline constexpr std::chrono::milliseconds kListDebounceMax = 2000ms;
inline constexpr std::chrono::milliseconds kListTimeout = 30000ms;
// Of one list of resources, resource templates or prompts: the tools of a server that connects wait
// for it.
inline constexpr std::chrono::milliseconds kOfferingsTimeout = 5000ms;
// Largest published catalogs seen have 376 tools; one tool reaches 43 kB.
inline constexpr std::size_t kListItemsMax = 4096;
inline constexpr std::size_t kCatalogBytesMax = std::size_t{8} << 20;
// All definitions of a server that offers more than tools: half of what the bus carries (8 MB a
// frame; design, section 3). Above it the tools stay alone.
inline constexpr std::size_t kCatalogWithOfferingsBytesMax = std::size_t{4} << 20;
inline constexpr int kListPagesMax = 256;
// All pages of one list as they are sent: as much as one message may hold.
inline constexpr std::size_t kListBytesMax = std::size_t{16} << 20;
// A catalog larger than this is not copied to Redis; the live one is the truth.
inline constexpr std::size_t kCatalogCopyBytesMax = std::size_t{4} << 20;

// Ending a child. Source: MCP stdio shutdown, and the slowest server measured (2.4 s after EOF).
inline constexpr std::chrono::milliseconds kStopAfterEof = 2000ms;
inline constexpr std::chrono::milliseconds kStopAfterTerm = 3000ms;
inline constexpr std::chrono::milliseconds kReapTimeout = 2000ms;
// What a dead child wrote last is still read for this long (its children may hold the pipe open for
// ever).
inline constexpr std::chrono::milliseconds kDrainAfterExit = 200ms;
inline constexpr std::chrono::milliseconds kExecTimeout = 5000ms;

// Noise: lines that are no messages, and notifications. After this much a server is not read for a
// moment, which bounds it to 3 MB or 5 000 messages a second: a few hundredths of a core, measured.
inline constexpr std::size_t kNoiseBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kNoiseBytesPerMessage = 512;  // what the least of them costs
inline constexpr std::chrono::milliseconds kNoisePause = 20ms;

inline constexpr std::size_t kStderrRingBytes = std::size_t{64} << 10;
inline constexpr std::size_t kReadBufferBytes = std::size_t{64} << 10;
// Queued towards a server that does not read: four of the largest requests the bus carries.
inline constexpr std::size_t kOutputBytesMax = std::size_t{32} << 20;

// Servers over HTTP. Sources: MCP 2025-11-25 (resuming a stream, session ids), WHATWG HTML 9.2 (the
// wait before a stream is opened again).
inline constexpr std::chrono::milliseconds kNotificationTimeout = 10000ms;
inline constexpr std::chrono::milliseconds kSessionEndTimeout = 1000ms;
// After nobody waits for an answer any more, until its exchange is cut: a cancelled request may
// still end well.
inline constexpr std::chrono::milliseconds kAnswerGrace = 2000ms;
inline constexpr std::chrono::milliseconds kEventsRetry = 1000ms;
inline constexpr std::chrono::milliseconds kEventsRetryMin = 10ms;
inline constexpr std::chrono::milliseconds kEventsRetryMax = 30000ms;
// A HTTP+SSE connection lives as long as its one stream; this only bounds one that nobody ends.
inline constexpr std::chrono::hours kStreamFor = std::chrono::hours(24 * 365);
// The stream of what a server says unasked is opened anew after this time.
inline constexpr std::chrono::milliseconds kListenFor = 3600000ms;
// One message: the largest result that can be handed on, and a catalog page, which may be larger.
inline constexpr std::size_t kMessageBytesMax = std::size_t{16} << 20;
// Of a response that only says that a message was taken.
inline constexpr std::size_t kIgnoredBodyBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kSessionIdBytesMax = 1024;
inline constexpr std::size_t kEventIdBytesMax = 1024;
inline constexpr std::size_t kInboundMessagesMax = 64;   // read but not taken; reading stops then
inline constexpr std::size_t kHttpConnectionsMax = 320;  // per origin: requests, streams, checks

// Requests. The bus carries 8 MB a frame (design, section 3); the rest is for the other fields.
inline constexpr std::size_t kResultBytesMax = std::size_t{7} << 20;
// Result bytes kept with the outcome of a write, so that a repeat can be answered.
inline constexpr std::size_t kKeptResultBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kRequestsInFlightMax = 256;  // per server; more is Exhausted
inline constexpr std::size_t kProgressQueuedMax =
    64;  // notifications waiting for credit; more are dropped
// Connections that callers have to themselves, of one server. Source: ours; a child of one takes
// 60–200 MB, and a caller that comes back within minutes finds its own again.
inline constexpr std::size_t kCallerConnectionsMax = 64;
inline constexpr std::chrono::minutes kCallerConnectionIdle = std::chrono::minutes(10);
inline constexpr std::chrono::seconds kCallerConnectionSweep = std::chrono::seconds(30);
// How long an intent may take to become durable; a grant lives 30 s (design, section 4).
inline constexpr std::chrono::milliseconds kIntentTimeout = 30000ms;
// Kept back of the caller's time so that outcome and answer arrive before it gives up.
inline constexpr std::chrono::milliseconds kReplyReserve = 50ms;

// What servers ask in the middle of a call. How long a caller may take to answer, and how many
// wait: the task of this service and design, section 3 (`.input`). Rounds: more means a server that
// does not get on.
inline constexpr std::chrono::milliseconds kParkedFor = 120000ms;
inline constexpr std::size_t kParkedMax = 256;  // per replica
inline constexpr int kRoundsMax = 16;           // per call
// How long more questions are waited for after the first, so that what a server asks at once
// reaches the caller at once: over stdio each is a line of its own, and the lines of one burst were
// seen to arrive within a few milliseconds.
inline constexpr std::chrono::milliseconds kQuestionsGather = 20ms;
// Questions of one call that are open at once, and their bytes: half of what the bus carries.
inline constexpr std::size_t kQuestionsMax = 32;
inline constexpr std::size_t kQuestionBytesMax = std::size_t{4} << 20;
// How long logging/setLevel may hold a call up.
inline constexpr std::chrono::milliseconds kLogLevelTimeout = 2000ms;
// Resources that clients subscribed to: how long and how many of a server (the task of this
// service); a server that tells more often is heard once in this time.
inline constexpr std::chrono::minutes kWatchFor = std::chrono::minutes(10);
inline constexpr std::size_t kWatchedMax = 1024;
inline constexpr std::chrono::milliseconds kUpdateDebounce = 100ms;
// How long the first subscriptions/listen with a resource may stay unacknowledged before its
// subscriber is answered all the same.
inline constexpr std::chrono::milliseconds kListenAckTimeout = 2000ms;
// Of a server's own words that every client gets.
inline constexpr std::size_t kInstructionsBytesMax = std::size_t{8} << 10;

// Servers added by API. One body: the largest client configs seen are 2 kB.
inline constexpr std::size_t kServerBodyBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kListEntriesMax = 1024;  // as in policy-engine, which reads them too
inline constexpr std::size_t kServersAddedMax = 256;  // as many as the file may hold
// A change is heard; this repairs what was not.
inline constexpr std::chrono::milliseconds kServersReloadEvery = 10000ms;
inline constexpr std::chrono::milliseconds kServersRetryEvery = 2000ms;  // while Postgres is away
// Less than the timeout of the manage endpoint, so that its caller hears why.
inline constexpr std::chrono::milliseconds kServerStoreTimeout = 2000ms;

// Catalog of all servers: what a holder has to answer. Equal to the timeout of its endpoint.
inline constexpr std::chrono::milliseconds kHolderTimeout = 2000ms;

// Copies in Redis outlive a weekend without traffic and no longer.
inline constexpr std::chrono::hours kCopyTtl = std::chrono::hours(72);
inline constexpr std::chrono::hours kEpochTtl = std::chrono::hours(24);
// Added to a read grant's remaining time: the nonce outlives every clock that may still accept the
// grant.
inline constexpr std::chrono::milliseconds kNonceMargin = 5000ms;

}  // namespace sluice::mcp_connector
