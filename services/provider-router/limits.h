// Everything that bounds something in provider-router, with the source of each number.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::provider_router {

using namespace std::chrono_literals;

// Attempts per request, the first included. Source: OpenAI's and Anthropic's official clients try 1
// + 2 times.
inline constexpr int kAttemptsMax = 3;
// First and longest own wait between attempts. Source: openai-python _constants.py, 0.5 s to 8 s.
inline constexpr std::chrono::milliseconds kRetryWaitFirst = 500ms;
inline constexpr std::chrono::milliseconds kRetryWaitMax = 8000ms;
// A longer wait asked for by the provider is the client's to wait. Source: openai-python obeys
// retry-after up to 60 s; half of that keeps a bus stream from looking stuck.
inline constexpr std::chrono::milliseconds kRetryAfterObeyedMax = 30000ms;

// One event of an upstream stream. Source: the largest recorded one is 11 KiB; audio deltas reach
// some 100 KiB.
inline constexpr std::size_t kEventBytesMax = std::size_t{1} << 20;
// Events gathered into one bus chunk. Source: proto/sluice/provider/v1/provider.proto (64 KiB).
inline constexpr std::size_t kChunkBytesMax = std::size_t{64} << 10;
// A plain answer, and what is read of an error body. Source: max_payload 8 MB of the bus less room
// for the envelope.
inline constexpr std::size_t kAnswerBytesMax = (std::size_t{8} << 20) - (std::size_t{64} << 10);
inline constexpr std::size_t kErrorBytesMax = std::size_t{64} << 10;
// Text of an upstream error passed on. Source: the longest recorded message has 420 bytes.
inline constexpr std::size_t kErrorTextBytesMax = 1000;

// How long the end of a connection's body is waited for after the provider said it is done, so that
// the connection can be used again. Source: a round trip over an ocean is 150 ms.
inline constexpr std::chrono::milliseconds kTailWait = 250ms;

// Tool calls and thinking text remembered of one answer. Source: providers allow 128 parallel
// tools.
inline constexpr std::size_t kToolCallsMax = 128;
inline constexpr std::size_t kToolArgumentsBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kThinkingBytesMax = std::size_t{1} << 20;
// Choices of one answer (n). Source: OpenAI's API, 1 to 128.
inline constexpr std::size_t kChoicesMax = 128;

// Anthropic requires max_tokens; the smallest output limit among its models. Source: Claude 3
// Haiku, 4,096.
inline constexpr std::int64_t kAnthropicMaxTokensDefault = 4096;
// Smallest thinking budget. Source: Anthropic's API page on extended thinking, 1,024.
inline constexpr std::int64_t kThinkingBudgetMin = 1024;

inline constexpr std::size_t kProvidersMax = 64;
inline constexpr std::size_t kKeysPerProviderMax = 64;
inline constexpr std::size_t kModelsPerProviderMax = 1000;

// What the demo model quotes of a tool's result.
inline constexpr std::size_t kDemoQuoteBytesMax = 4000;

// Time for requests in flight when the process is asked to stop.
inline constexpr std::chrono::milliseconds kDrainTimeout = 10000ms;

}  // namespace sluice::provider_router
