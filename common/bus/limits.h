// Every constant that bounds something in the bus.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::bus {

using namespace std::chrono_literals;

// Requests a process answers at once; beyond it callers get Exhausted. Source: 20 MB idle budget,
// ~4 KB a request.
inline constexpr std::size_t kRequestsServedMax = 4096;
// Requests a process waits for at once.
inline constexpr std::size_t kRequestsSentMax = 8192;

// A chunk on the wire. Senders aim at 64 KiB (design 3); the rest is room for one upstream read
// plus its message fields.
inline constexpr std::size_t kChunkBytesMax = std::size_t{128} << 10;
// What a caller may ask for as first credit. Source: design 3 (64 chunks or 1 MiB), with room to
// configure.
inline constexpr std::uint32_t kCreditChunksMax = 1024;
inline constexpr std::uint32_t kCreditBytesMax = std::uint32_t{16} << 20;

// Source: design 3.
inline constexpr auto kHeartbeatAfter = 1000ms;
inline constexpr auto kSilenceMax = 3000ms;
// A caller answers each heartbeat; a callee that hears nothing for this long takes it for dead.
inline constexpr auto kCallerSilenceMax = 6000ms;

// Timeouts are looked at in steps of this.
inline constexpr auto kTimeoutStep = 5ms;
// Before the second attempt of an idempotent call: time for a restarted callee to subscribe, small
// against 250 ms deadlines.
inline constexpr auto kRetryAfter = 25ms;

// Safe messages in replies are cut here, so that the envelope keeps its bound.
inline constexpr std::size_t kMessageBytesMax = 2048;
// Characters of an instance token.
inline constexpr std::size_t kInstanceBytesMax = 64;

// Sockets are read and the queue is flushed in steps of this. Source: performance.md 9, keep-alive
// buffers; larger bodies take several reads.
inline constexpr std::size_t kIoBytes = std::size_t{64} << 10;
// Deliveries handed out before other work of the loop gets its turn.
inline constexpr int kDeliveriesPerTurnMax = 1024;
// Delivered messages kept before they are freed together. Source: bench hot-path; idle memory
// budget.
inline constexpr std::size_t kFinishedMessagesMax = 128;
inline constexpr std::size_t kFinishedBytesMax = std::size_t{512} << 10;
// Deliveries waiting for one subscription. Source: nats.c defaults are 65,536 messages; the loop
// drains at every read.
inline constexpr int kQueuedMessagesMax = 65536;
inline constexpr int kQueuedBytesMax = 64 << 20;

inline constexpr auto kReconnectWait = 100ms;
inline constexpr auto kReconnectJitter = 100ms;
// Two missed pings end a connection whose peer is silent.
inline constexpr auto kPingInterval = 5000ms;
inline constexpr int kPingsOutMax = 2;

inline constexpr auto kSettleMax = 500ms;
inline constexpr auto kCloseFlushMax = 1000ms;

// JetStream's own API calls (create, info).
inline constexpr auto kStreamApiTimeout = 5000ms;
// After the first message of a fetch: how long more are gathered.
inline constexpr auto kFetchGather = 2ms;
inline constexpr std::size_t kFetchMessagesMax = 1000;

}  // namespace sluice::bus
