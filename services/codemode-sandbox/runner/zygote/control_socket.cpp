#include "services/codemode-sandbox/runner/zygote/control_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// Room for one descriptor, aligned as the kernel wants it.
union Ancillary {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

Error gone() {
  return {Code::Unavailable, "the other end of the control socket is gone; start it again"};
}

FileDescriptor descriptor_in(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
        part->cmsg_len == CMSG_LEN(sizeof(int))) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part), sizeof descriptor);
      return FileDescriptor(descriptor);
    }
  }
  return {};
}

}  // namespace

Result<SocketPair> make_socket_pair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error(Code::Exhausted, "no socket can be made; raise the limit of open files")
        .with_detail(std::to_string(errno));
  }
  return SocketPair{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<void> send_datagram(
    int socket, const google::protobuf::MessageLite& message, int descriptor
) {
  std::string bytes = message.SerializeAsString();
  iovec piece{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  Ancillary ancillary{};
  if (descriptor >= 0) {
    header.msg_control = ancillary.bytes.data();
    header.msg_controllen = ancillary.bytes.size();
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    return {};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS) {
    return Error(Code::Exhausted, "the other end of the control socket does not read");
  }
  return gone();
}

Result<std::optional<Datagram>> receive_datagram(int socket) {
  Datagram datagram;
  datagram.bytes.resize(kDatagramBytesMax);
  iovec piece{datagram.bytes.data(), datagram.bytes.size()};
  Ancillary ancillary{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = ancillary.bytes.data();
  header.msg_controllen = ancillary.bytes.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return std::optional<Datagram>();
  }
  if (count <= 0) {  // no message here is empty: 0 is the end
    return gone();
  }
  datagram.descriptor = descriptor_in(header);
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    return Error(Code::Invalid, "a datagram of the control socket is too large");
  }
  datagram.bytes.resize(static_cast<std::size_t>(count));
  return std::optional<Datagram>(std::move(datagram));
}

Result<FileDescriptor> sealed_text(std::string_view text) {
  FileDescriptor file(::memfd_create("declarations", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.open()) {
    return Error(Code::Exhausted, "no file in memory can be made; raise the limit of open files");
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t count = ::write(file.get(), rest.data(), rest.size());
    if (count <= 0) {
      return Error(Code::Exhausted, "a file in memory cannot be written");
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return Error(Code::Exhausted, "a file in memory cannot be sealed");
  }
  return file;
}

Result<std::string> read_text(int file, std::size_t bytes_max) {
  struct stat facts{};
  if (::fcntl(file, F_GET_SEALS) != kSeals || ::fstat(file, &facts) != 0 || facts.st_size <= 0 ||
      static_cast<std::size_t>(facts.st_size) > bytes_max) {
    return Error(Code::Invalid, "a file is not sealed, empty or too large");
  }
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  if (::pread(file, text.data(), text.size(), 0) != facts.st_size) {
    return Error(Code::Internal, "a sealed file cannot be read");
  }
  return text;
}

}  // namespace sluice::codemode_runner
