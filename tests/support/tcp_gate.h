// TcpGate: a TCP proxy between a test and a server that can cut connections, refuse new ones and
// hold bytes back. Runs on a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::tests {

class TcpGate {
 public:
  // Listens on a free port of 127.0.0.1 and forwards to that port of 127.0.0.1.
  explicit TcpGate(std::uint16_t target_port);
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;
  TcpGate(TcpGate&&) = delete;
  TcpGate& operator=(TcpGate&&) = delete;
  ~TcpGate();

  [[nodiscard]] std::uint16_t port() const;

  // Closes every connection. New ones are accepted, unless refused.
  void cut();
  // New connections are closed at once (true) or forwarded again (false).
  void refuse(bool on);
  // Bytes are held back in both directions (true) or flow again, none lost (false).
  void stall(bool on);

  [[nodiscard]] std::size_t connections() const;  // open now
  [[nodiscard]] std::size_t accepted() const;     // since the start

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sluice::tests
