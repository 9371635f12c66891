// RedisServer: a real redis-server for tests, on a free port, without persistence, killed with the
// test.
#pragma once

#include "tests/support/process.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace sluice::tests {

struct RedisServerOptions {
  std::string acl;  // content of an ACL file ("user ingress on >password ~sluice:ingress:* +@all");
                    // empty: everybody may
};

// Thread: one. Its log and files go when it does.
class RedisServer {
 public:
  // The program: redis-server of PATH.
  static Result<std::unique_ptr<RedisServer>> start(RedisServerOptions options = {});

  explicit RedisServer(RedisServerOptions options) : options_(std::move(options)) {}

  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  RedisServer(RedisServer&&) = delete;
  RedisServer& operator=(RedisServer&&) = delete;
  ~RedisServer() = default;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] std::string log() const { return read_text(directory_.file("server.log")); }

  [[nodiscard]] Process& process() { return *process_; }

  // Ends the server by signal and waits for it. What it held is gone.
  Result<void> stop(int signal = SIGTERM);
  // Starts it again, on the port it had.
  Result<void> start_again();

 private:
  Result<void> launch();

  RedisServerOptions options_;
  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::tests
