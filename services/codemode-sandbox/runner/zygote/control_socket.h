// Datagrams between the supervisor and a zygote: one ToZygote or FromZygote each, over a
// SOCK_SEQPACKET pair, with at most one descriptor by SCM_RIGHTS. Linux.
#pragma once

#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include "common/base/result.h"

#include <google/protobuf/message_lite.h>

#include <optional>
#include <string>

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

}  // namespace sluice::codemode_runner
