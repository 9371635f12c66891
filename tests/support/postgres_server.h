// PostgresServer: a real PostgreSQL for tests, on a socket of its own and a free port, without
// fsync, ended with the test.
#pragma once

#include "tests/support/process.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::tests {

// The superuser is "postgres", who needs no password on the socket; on TCP everybody needs one. As
// root the server runs as the system user postgres, because it refuses to be root. Thread: one. Its
// files go when it does.
class PostgresServer {
 public:
  // The programs: the newest below /usr/lib/postgresql. Makes a fresh cluster, which takes a
  // second: one a suite is enough.
  static Result<std::unique_ptr<PostgresServer>> start();

  PostgresServer() = default;
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  PostgresServer(PostgresServer&&) = delete;
  PostgresServer& operator=(PostgresServer&&) = delete;
  ~PostgresServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  // Where its socket is: the host of a connection without password.
  [[nodiscard]] std::string socket_directory() const { return directory_.file("socket"); }

  [[nodiscard]] std::string log() const { return read_text(directory_.file("server.log")); }

  [[nodiscard]] Process& process() { return *process_; }

  // Runs statements as the superuser. Errors: Internal, with what psql said.
  Result<void> execute(const std::string& sql, const std::string& database = "postgres");

  // SIGINT cuts connections and ends in order, SIGKILL is a crash. Waits; the data stays.
  Result<void> stop(int signal = SIGINT);
  // Starts it again, on the port it had.
  Result<void> start_again();

 private:
  Result<void> initialise();
  Result<void> launch();

  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::tests
