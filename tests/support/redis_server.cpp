#include "tests/support/redis_server.h"

#include "tests/support/free_port.h"

#include <chrono>
#include <fstream>

namespace sluice::tests {
namespace {

constexpr int kStartsMax = 3;
constexpr std::chrono::seconds kStartLongest{10};
constexpr std::chrono::seconds kStopLongest{10};

}  // namespace

Result<std::unique_ptr<RedisServer>> RedisServer::start(RedisServerOptions options) {
  auto server = std::make_unique<RedisServer>(std::move(options));
  Result<void> launched;
  for (int i = 0; i < kStartsMax; ++i) {
    server->port_ = free_port();
    launched = server->launch();
    if (launched.ok()) {
      return server;
    }
  }
  return std::move(launched).error();
}

Result<void> RedisServer::stop(int signal) {
  process_->kill(signal);
  const auto status = process_->wait(kStopLongest);
  return status.ok() ? Result<void>() : Result<void>(status.error());
}

Result<void> RedisServer::start_again() {
  return launch();
}

Result<void> RedisServer::launch() {
  std::vector<std::string> argv{
      "redis-server",
      "--port",
      std::to_string(port_),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      directory_.path(),
      "--loglevel",
      "notice",
      "--daemonize",
      "no",
  };
  if (!options_.acl.empty()) {
    std::ofstream(directory_.file("users.acl")) << options_.acl;
    argv.insert(argv.end(), {"--aclfile", directory_.file("users.acl")});
  }
  const std::string log_file = directory_.file("server.log");
  std::ofstream(log_file, std::ios::trunc).close();
  SLUICE_TRY(
      process_,
      Process::spawn(
          {.argv = std::move(argv),
           .environment = {},
           .output_file = log_file,
           .working_directory = {}}
      )
  );
  const bool ready = eventually(
      [this] {
        return log().find("Ready to accept connections") != std::string::npos ||
               !process_->running();
      },
      kStartLongest
  );
  if (!ready || !process_->running()) {
    return Error(Code::Unavailable, "redis-server did not start").with_detail(log());
  }
  return {};
}

}  // namespace sluice::tests
