// Every constant that bounds something in codemode-sandbox, with the source of each number.
#pragma once

#include <chrono>
#include <cstddef>

namespace sluice::codemode_sandbox {

// Source: codemode.proto, RunRequest.source.
inline constexpr std::size_t kSourceBytesMax = std::size_t{64} << 10;

// Source: ours; "servers/<server>/<tool>.d.ts" with names of at most 32 and 128 bytes.
inline constexpr std::size_t kFileNameBytesMax = 256;

// Source: ours; run ids are UUIDs of 36 bytes.
inline constexpr std::size_t kRunIdBytesMax = 64;

// Source: the other services; requests here end within milliseconds.
inline constexpr std::chrono::milliseconds kDrainTimeout{5'000};

}  // namespace sluice::codemode_sandbox
