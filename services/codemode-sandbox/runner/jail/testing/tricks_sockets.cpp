#include "services/codemode-sandbox/runner/jail/testing/tricks.h"

#include <array>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

bool connects(int port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

bool passes(int descriptor) {
  char byte = 'x';
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(3, &message, 0) >= 0;
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Trick>& socket_tricks() {
  static const std::vector<Trick> kAll{
      {"socket AF_INET",
       [](const Prey& /*p*/) {
         return ::socket(AF_INET, SOCK_DGRAM, 0) >= 0 || ::socket(AF_INET, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_INET6",
       [](const Prey& /*p*/) {
         return ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || ::socket(AF_INET6, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_UNIX",
       [](const Prey& /*p*/) {
         return ::socket(AF_UNIX, SOCK_DGRAM, 0) >= 0 || ::socket(AF_UNIX, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_NETLINK",
       [](const Prey& /*p*/) {
         return ::socket(AF_NETLINK, SOCK_DGRAM, 0) >= 0 || ::socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_PACKET",
       [](const Prey& /*p*/) {
         return ::socket(AF_PACKET, SOCK_DGRAM, 0) >= 0 || ::socket(AF_PACKET, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_VSOCK",
       [](const Prey& /*p*/) {
         return ::socket(AF_VSOCK, SOCK_DGRAM, 0) >= 0 || ::socket(AF_VSOCK, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_ALG",
       [](const Prey& /*p*/) {
         return ::socket(AF_ALG, SOCK_DGRAM, 0) >= 0 || ::socket(AF_ALG, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_KEY",
       [](const Prey& /*p*/) {
         return ::socket(AF_KEY, SOCK_DGRAM, 0) >= 0 || ::socket(AF_KEY, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_CAN",
       [](const Prey& /*p*/) {
         return ::socket(AF_CAN, SOCK_DGRAM, 0) >= 0 || ::socket(AF_CAN, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_BLUETOOTH",
       [](const Prey& /*p*/) {
         return ::socket(AF_BLUETOOTH, SOCK_DGRAM, 0) >= 0 ||
                ::socket(AF_BLUETOOTH, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_XDP",
       [](const Prey& /*p*/) {
         return ::socket(AF_XDP, SOCK_DGRAM, 0) >= 0 || ::socket(AF_XDP, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_TIPC",
       [](const Prey& /*p*/) {
         return ::socket(AF_TIPC, SOCK_DGRAM, 0) >= 0 || ::socket(AF_TIPC, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_RDS",
       [](const Prey& /*p*/) {
         return ::socket(AF_RDS, SOCK_DGRAM, 0) >= 0 || ::socket(AF_RDS, SOCK_RAW, 0) >= 0;
       }},
      {"socket AF_QIPCRTR",
       [](const Prey& /*p*/) {
         return ::socket(AF_QIPCRTR, SOCK_DGRAM, 0) >= 0 || ::socket(AF_QIPCRTR, SOCK_RAW, 0) >= 0;
       }},
      {"connect to the loopback listener", [](const Prey& p) { return connects(p.tcp_port); }},
      {"connect to NATS", [](const Prey& /*p*/) { return connects(4222); }},
      {"connect to Redis", [](const Prey& /*p*/) { return connects(6379); }},
      {"connect to Postgres", [](const Prey& /*p*/) { return connects(5432); }},
      {"connect the channel to a listener",
       [](const Prey& p) {
         sockaddr_un to{};
         to.sun_family = AF_UNIX;
         p.unix_socket.copy(to.sun_path, sizeof to.sun_path - 1);
         return ::connect(3, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
       }},
      {"socketpair",
       [](const Prey& /*p*/) {
         std::array<int, 2> e{};
         return ::socketpair(AF_UNIX, SOCK_STREAM, 0, e.data()) == 0;
       }},
      {"a descriptor over the channel", [](const Prey& /*p*/) { return passes(0); }},
      {"the channel over itself", [](const Prey& /*p*/) { return passes(3); }},
      {"receive a descriptor",
       [](const Prey& /*p*/) {
         msghdr m{};
         return ::recvmsg(3, &m, MSG_DONTWAIT) >= 0;
       }},
      {"send to an address",
       [](const Prey& /*p*/) { return ::sendto(3, "x", 1, 0, nullptr, 0) >= 0; }},
      {"sendmmsg",
       [](const Prey& /*p*/) {
         mmsghdr m{};
         return ::sendmmsg(3, &m, 1, 0) >= 0;
       }},
      {"bind",
       [](const Prey& /*p*/) {
         sockaddr_un to{};
         to.sun_family = AF_UNIX;
         return ::bind(3, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
       }},
      {"listen and accept",
       [](const Prey& /*p*/) { return ::listen(3, 1) == 0 || ::accept(3, nullptr, nullptr) >= 0; }},
      {"setsockopt",
       [](const Prey& /*p*/) {
         int on = 1;
         return ::setsockopt(3, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
       }},
      {"who is at the other end, by getsockopt",
       [](const Prey& /*p*/) {
         ucred c{};
         socklen_t n = sizeof c;
         return ::getsockopt(3, SOL_SOCKET, SO_PEERCRED, &c, &n) == 0;
       }},
      {"shut the channel", [](const Prey& /*p*/) { return ::shutdown(3, SHUT_RDWR) == 0; }},
  };
  return kAll;
}

}  // namespace sluice::codemode_runner::jail
