// NatsServer: a real nats-server for tests, on free ports, killed with the test.
#pragma once

#include "tests/support/process.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::tests {

struct NatsUser {
  std::string name;
  std::string password;
  std::vector<std::string> publish = {">"};
  std::vector<std::string> subscribe = {">"};
};

struct NatsServerOptions {
  std::vector<NatsUser> users;  // none: no authentication
  bool jetstream = true;
  std::string store_directory;                     // empty: below the server's temporary directory
  std::string config_file;                         // used instead of one made of the above
  std::map<std::string, std::string> environment;  // for config_file
  std::string extra_config;
};

// Thread: one. Its log and files go when it does.
class NatsServer {
 public:
  // The program: SLUICE_NATS_SERVER, else build/deps/usr/sbin/nats-server, else nats-server of
  // PATH.
  static Result<std::unique_ptr<NatsServer>> start(NatsServerOptions options = {});

  explicit NatsServer(NatsServerOptions options) : options_(std::move(options)) {}

  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;
  NatsServer(NatsServer&&) = delete;
  NatsServer& operator=(NatsServer&&) = delete;
  ~NatsServer() = default;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

  // "http://127.0.0.1:<port>"; empty when the configuration has none.
  [[nodiscard]] const std::string& monitor_url() const { return monitor_url_; }

  [[nodiscard]] std::string log() const { return read_text(directory_.file("server.log")); }

  [[nodiscard]] Process& process() { return *process_; }

  // Ends the server by signal and waits for it. Its store stays.
  Result<void> stop(int signal = SIGTERM);
  // Starts it again, on the port it had.
  Result<void> start_again();

 private:
  Result<void> launch();
  Result<void> read_ports();
  [[nodiscard]] std::string config() const;

  NatsServerOptions options_;
  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
  std::string monitor_url_;
};

}  // namespace sluice::tests
