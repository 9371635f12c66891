// Datagrams between the supervisor and a zygote: one ToZygote or FromZygote each, over a
// SOCK_SEQPACKET pair, with at most one descriptor by SCM_RIGHTS. Linux.
#pragma once

#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include "common/base/result.h"

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::codemode_runner {

// Source: the largest message is Warm with a version of some 30 bytes.
inline constexpr std::size_t kDatagramBytesMax = 4096;

struct SocketPair {
  FileDescriptor ours;
  FileDescriptor theirs;
};

// type: SOCK_STREAM or SOCK_SEQPACKET. Both ends are close-on-exec and blocking. Errors: Exhausted
// (no descriptors left).
[[nodiscard]] Result<SocketPair> make_socket_pair(int type);

// descriptor: sent along, stays the caller's; -1 for none. Errors: Exhausted (the other side does
// not read; nothing was sent), Unavailable (it is gone).
[[nodiscard]] Result<void> send_datagram(
    int socket, const google::protobuf::MessageLite& message, int descriptor = -1
);

struct Datagram {
  std::string bytes;
  FileDescriptor descriptor;  // closed when none came
};

// Never waits. Nothing: none is there. Errors: Unavailable (the other side is gone), Invalid
// (larger than kDatagramBytesMax).
[[nodiscard]] Result<std::optional<Datagram>> receive_datagram(int socket);

// A file without a name that holds the text and can be changed by nobody. Errors: Exhausted.
[[nodiscard]] Result<FileDescriptor> sealed_text(std::string_view text);

// What a sealed file holds. Errors: Invalid (not sealed, empty, over bytes_max), Internal.
[[nodiscard]] Result<std::string> read_text(int file, std::size_t bytes_max);

}  // namespace sluice::codemode_runner
