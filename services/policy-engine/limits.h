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
inline constexpr std::size_t kServersMax = 256;
inline constexpr std::size_t kListEntriesMax = 1'024;

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

// Versions.
// Source: ARCHITECTURE.md#versions.
inline constexpr std::chrono::milliseconds kBeatInterval{500};
inline constexpr std::chrono::milliseconds kVersionStoreTimeout{2'000};
// How long a start waits for Postgres before it gives up.
inline constexpr std::chrono::milliseconds kStartTimeout{60'000};
inline constexpr std::chrono::milliseconds kStartRetryInterval{500};

inline constexpr std::chrono::milliseconds kDrainTimeout{5'000};

}  // namespace sluice::policy_engine
