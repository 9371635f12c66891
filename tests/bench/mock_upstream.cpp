// A provider that answers at once: OpenAI-shaped chat completions of 1.5 KB, or 100 server-sent
// deltas of about 330 bytes when the body says "stream":true; at /mcp an MCP server. One thread,
// epoll. Prints its port.
//
// mock_upstream [--port N] [--deltas N] [--delta-gap-us N]     gap 0: all deltas at once, one send
// each
#include "tests/bench/http_bytes.h"
#include "tests/bench/mock_mcp.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

struct Options {
  std::uint16_t port = 0;
  int deltas = 100;
  std::int64_t gap_ns = 0;
};

std::string chunk(const std::string& bytes) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return size.data() + bytes + "\r\n";
}

std::string completion() {
  const std::string text(1130, 'x');
  const std::string body =
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"bench-1","choices":[{"index":0,"message":)"
      R"({"role":"assistant","content":")" +
      text +
      R"(","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":420,"completion_tokens":280,)"
      R"("total_tokens":700},"service_tier":"default","system_fingerprint":"fp_bench"})";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::vector<std::string> stream_pieces(int deltas) {
  const std::string begin =
      R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"bench-1",)"
      R"("service_tier":"default","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":)";
  std::vector<std::string> pieces;
  pieces.push_back(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
  );
  for (int i = 0; i < deltas; ++i) {
    std::string delta = begin;
    delta.append(i == 0 ? R"({"role":"assistant",)" : "{").append(R"("content":")");
    delta.append(100, static_cast<char>('a' + i % 26));
    delta.append(R"("},"logprobs":null,"finish_reason":null}]})").append("\n\n");
    pieces.push_back(chunk(delta));
  }
  pieces.push_back(chunk(begin + R"({},"logprobs":null,"finish_reason":"stop"}]})" + "\n\n"));
  pieces.push_back(chunk("data: [DONE]\n\n") + "0\r\n\r\n");
  return pieces;
}

struct Peer {
  int handle = -1;
  std::string in;
  MessageEnd end;
  std::string out;             // what the socket did not take
  std::size_t next_piece = 0;  // of a stream; 0: none is open
};

class Upstream {
 public:
  explicit Upstream(Options options)
      : options_(options), completion_(completion()), pieces_(stream_pieces(options.deltas)) {}

  int run() {
    listener_ = listen_loopback(&options_.port);
    if (listener_ < 0) {
      std::perror("listen");
      return 1;
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
    if (options_.gap_ns > 0) {
      start_ticking();
    }
    std::printf("%u\n", options_.port);
    std::fflush(stdout);
    while (true) {
      std::array<epoll_event, 256> events{};
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        handle(events.at(static_cast<std::size_t>(i)));
      }
    }
  }

 private:
  void watch(int handle, std::uint32_t events, int how) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = handle;
    epoll_ctl(epoll_, how, handle, &event);
  }

  void start_ticking() {
    ticker_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    itimerspec period{};
    period.it_interval.tv_nsec = options_.gap_ns;
    period.it_value = period.it_interval;
    timerfd_settime(ticker_, 0, &period, nullptr);
    watch(ticker_, EPOLLIN, EPOLL_CTL_ADD);
  }

  void handle(const epoll_event& event) {
    const int handle = event.data.fd;
    if (handle == listener_) {
      accept_all();
    } else if (handle == ticker_) {
      tick();
    } else if ((event.events & EPOLLOUT) != 0 && !flush(*peers_.at(handle))) {
      drop(handle);
    } else if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      read(*peers_.at(handle));
    }
  }

  void accept_all() {
    while (true) {
      const int handle = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (handle < 0) {
        return;
      }
      const int on = 1;
      setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      peers_[handle] = std::make_unique<Peer>();
      peers_[handle]->handle = handle;
      watch(handle, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void read(Peer& peer) {
    std::array<char, 65536> buffer{};
    const ssize_t size = recv(peer.handle, buffer.data(), buffer.size(), 0);
    if (size <= 0) {
      if (size == 0 || errno != EAGAIN) {
        drop(peer.handle);
      }
      return;
    }
    peer.in.append(buffer.data(), static_cast<std::size_t>(size));
    while (const std::size_t length = peer.end.find(peer.in)) {
      const std::string request = peer.in.substr(0, length);
      peer.in.erase(0, length);
      peer.end.reset();
      if (!answer(peer, request)) {
        drop(peer.handle);
        return;
      }
    }
  }

  bool answer(Peer& peer, const std::string& request) {
    if (is_mcp(request)) {
      return send_all(peer, mcp_answer(request));
    }
    const bool streams = request.find("\"stream\":true") != std::string::npos;
    return streams ? start_stream(peer) : send_all(peer, completion_);
  }

  bool start_stream(Peer& peer) {
    peer.next_piece = 1;
    if (!send_all(peer, pieces_.front())) {
      return false;
    }
    while (options_.gap_ns == 0 && peer.next_piece != 0) {
      if (!send_piece(peer)) {
        return false;
      }
    }
    return true;
  }

  bool send_piece(Peer& peer) {
    const std::string& piece = pieces_[peer.next_piece];
    peer.next_piece = peer.next_piece + 1 == pieces_.size() ? 0 : peer.next_piece + 1;
    return send_all(peer, piece);
  }

  void tick() {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(ticker_, &expirations, sizeof expirations);
    std::vector<int> broken;
    for (const auto& [handle, peer] : peers_) {
      if (peer->next_piece != 0 && !send_piece(*peer)) {
        broken.push_back(handle);
      }
    }
    for (const int handle : broken) {
      drop(handle);
    }
  }

  bool send_all(Peer& peer, const std::string& bytes) {
    std::size_t sent = 0;
    if (peer.out.empty()) {
      const ssize_t size = send(peer.handle, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size < 0 && errno != EAGAIN) {
        return false;
      }
      sent = size < 0 ? 0 : static_cast<std::size_t>(size);
    }
    if (sent < bytes.size()) {
      if (peer.out.empty()) {
        watch(peer.handle, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
      }
      peer.out.append(bytes, sent);
    }
    return true;
  }

  bool flush(Peer& peer) {
    const ssize_t size = send(peer.handle, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
    if (size < 0) {
      return errno == EAGAIN;
    }
    peer.out.erase(0, static_cast<std::size_t>(size));
    if (peer.out.empty()) {
      watch(peer.handle, EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
  }

  void drop(int handle) {
    close(handle);
    peers_.erase(handle);
  }

  Options options_;
  std::string completion_;
  std::vector<std::string> pieces_;
  int listener_ = -1;
  int epoll_ = -1;
  int ticker_ = -1;
  std::unordered_map<int, std::unique_ptr<Peer>> peers_;
};

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const long value = std::strtol(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--port") == 0) {
      options.port = static_cast<std::uint16_t>(value);
    } else if (std::strcmp(argv[i], "--deltas") == 0) {
      options.deltas = static_cast<int>(value);
    } else if (std::strcmp(argv[i], "--delta-gap-us") == 0) {
      options.gap_ns = value * 1000;
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    }
  }
  return sluice::bench::Upstream(options).run();
}
