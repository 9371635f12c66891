#include "tests/bench/http_bytes.h"

#include <charconv>
#include <ctime>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// Value of a field whose name is given in lower case, with ": "; servers of the benchmark write one
// of two spellings.
std::string_view field(std::string_view head, std::string_view lower, std::string_view capital) {
  auto at = head.find(lower);
  if (at == std::string_view::npos) {
    at = head.find(capital);
  }
  if (at == std::string_view::npos) {
    return {};
  }
  const auto begin = at + lower.size();
  return head.substr(begin, head.find('\r', begin) - begin);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void MessageEnd::reset() {
  *this = MessageEnd();
}

void MessageEnd::read_head(std::string_view head) {
  if (head.starts_with("HTTP/1.1 ")) {
    std::from_chars(head.data() + 9, head.data() + 12, status_);
  }
  const auto length = field(head, "\ncontent-length: ", "\nContent-Length: ");
  std::from_chars(length.data(), length.data() + length.size(), length_);
  chunked_ = !field(head, "\ntransfer-encoding: ", "\nTransfer-Encoding: ").empty();
}

std::size_t MessageEnd::find(std::string_view data) {
  if (body_ == 0) {
    const auto from = scanned_ > kHeadEnd.size() ? scanned_ - kHeadEnd.size() : 0;
    const auto end = data.find(kHeadEnd, from);
    scanned_ = data.size();
    if (end == std::string_view::npos) {
      return 0;
    }
    body_ = end + kHeadEnd.size();
    read_head(data.substr(0, body_));
    scanned_ = body_;
  }
  if (!chunked_) {
    return data.size() >= body_ + length_ ? body_ + length_ : 0;
  }
  while (true) {
    const auto line_end = data.find("\r\n", scanned_);
    if (line_end == std::string_view::npos) {
      return 0;
    }
    std::size_t size = 0;
    std::from_chars(data.data() + scanned_, data.data() + line_end, size, 16);
    const std::size_t next = line_end + 2 + size + 2;
    if (data.size() < next) {
      return 0;
    }
    if (size == 0) {
      return next;
    }
    scanned_ = next;
  }
}

int connect_loopback(std::uint16_t port) {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const int on = 1;
  setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(handle);
    return -1;
  }
  return handle;
}

int listen_loopback(std::uint16_t* port) {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(*port);
  socklen_t size = sizeof address;
  const int on = 1;
  setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(handle, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(handle, 1024) != 0 ||
      getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(handle);
    return -1;
  }
  *port = ntohs(address.sin_port);
  return handle;
}

}  // namespace sluice::bench
