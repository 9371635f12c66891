// Every constant that bounds something in OAuth, with where the number comes from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::mcp_connector::oauth {

using namespace std::chrono_literals;

// What others send. Metadata documents of the large providers have 5 to 20 kB; a field above 8 KiB
// is refused by most servers (RFC 9110 section 5.4 recommends 8000 octets for request lines).
inline constexpr std::size_t kBodyBytesMax = std::size_t{256} << 10;
inline constexpr std::size_t kChallengeBytesMax = std::size_t{8} << 10;
inline constexpr std::size_t kUrlBytesMax = 2048;
inline constexpr std::size_t kMetadataItemsMax = 256;
inline constexpr std::size_t kScopesMax = 64;
inline constexpr std::size_t kScopeBytesMax = 256;
// Tokens travel in a header field; the HTTP client of a server takes 64 KiB of them.
inline constexpr std::size_t kTokenBytesMax = std::size_t{16} << 10;
// Ten years: whatever lives longer is asked for again then.
inline constexpr std::int64_t kTokenSecondsMax = std::int64_t{10} * 366 * 24 * 3600;

// One request to an authorization server. Equal to the deadline for notifications to servers.
inline constexpr std::chrono::milliseconds kRequestTimeout = 10000ms;
// One operation in Postgres. Equal to its statement timeout.
inline constexpr std::chrono::milliseconds kStoreTimeout = 5000ms;

// A token is renewed this long before its end, or earlier by as much as the jitter: more than one
// request to the authorization server takes, and replicas do not come at the same time.
inline constexpr std::chrono::milliseconds kTokenRenewEarly = 60000ms;
inline constexpr std::chrono::milliseconds kTokenRenewJitter = 30000ms;

// How long a person may take to authorize. Source: the task of this service; RFC 6749 section 4.1.2
// has the same for codes.
inline constexpr std::chrono::milliseconds kAuthorizationTtl = 600000ms;
// Authorizations of one server under way: the oldest make room.
inline constexpr std::int64_t kPendingMax = 16;
// 256 bits, in base64url; RFC 6749 section 10.10 asks for 128.
inline constexpr std::size_t kStateBytes = 32;
inline constexpr std::size_t kStateBytesMax = 128;

}  // namespace sluice::mcp_connector::oauth
