// The thinnest HTTP/1.1 that a load generator and a mock upstream need of each other. Trusts its
// peer; for benchmarks only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::bench {

// Monotonic nanoseconds.
[[nodiscard]] std::int64_t now_ns();

// Finds the end of one message in bytes that keep coming. reset() for the next.
class MessageEnd {
 public:
  // data: everything since the start of the message. Returns its length once it is complete, else
  // 0.
  [[nodiscard]] std::size_t find(std::string_view data);
  void reset();

  [[nodiscard]] bool head_seen() const { return body_ > 0; }

  // Bytes behind the head have come.
  [[nodiscard]] bool body_started(std::string_view data) const {
    return body_ > 0 && data.size() > body_;
  }

  // Of a response; 0 before the head came.
  [[nodiscard]] int status() const { return status_; }

 private:
  void read_head(std::string_view head);

  std::size_t scanned_ =
      0;  // in the head: bytes without its end; in a chunked body: start of the next chunk
  std::size_t body_ = 0;  // where the body starts
  std::size_t length_ = 0;
  bool chunked_ = false;
  int status_ = 0;
};

// Non-blocking socket; negative on failure.
[[nodiscard]] int connect_loopback(std::uint16_t port);
[[nodiscard]] int listen_loopback(std::uint16_t* port);

}  // namespace sluice::bench
