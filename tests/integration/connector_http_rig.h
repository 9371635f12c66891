// The fake HTTP server as a process, and a whole connection over HTTP.
#pragma once

#include "services/mcp-connector/connections/server_connection.h"
#include "tests/integration/connector_rig.h"
#include "tests/support/free_port.h"

#include "common/json/parse.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

// tests/support/fake_http_mcp_server.py on a port of its own.
class FakeHttpServer {
 public:
  explicit FakeHttpServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    start();
  }

  void start() {
    std::vector<std::string> argv{
        "python3",
        tests::source_directory() + "/tests/support/fake_http_mcp_server.py",
        "--port",
        std::to_string(port_)
    };
    argv.insert(argv.end(), options_.begin(), options_.end());
    auto spawned = tests::Process::spawn(
        {.argv = std::move(argv),
         .environment = {},
         .output_file = directory_.file("output"),
         .working_directory = ""}
    );
    SLUICE_CHECK(spawned.ok(), "python3 is there");
    process_ = std::move(spawned).value();
    const bool up = tests::eventually(
        [this] { return !tests::read_text(directory_.file("output")).empty(); },
        std::chrono::seconds(10)
    );
    SLUICE_CHECK(up, "the fake server says its port");
  }

  // It takes connections and says nothing more, as behind a black hole.
  void hang() { process_->kill(SIGSTOP); }

  void kill() {
    process_->kill();
    process_.reset();
    asked_ = 0;
    std::filesystem::remove(directory_.file("output"));
  }

  [[nodiscard]] ServerConfig config() const {
    ServerConfig server = stdio_server("web");
    server.type = ConnectionType::Http;
    server.address = Secret<std::string>(url("/mcp"));
    server.allowed_private_networks = {"127.0.0.0/8"};
    return server;
  }

  [[nodiscard]] ServerConfig sse_config() const {
    ServerConfig server = config();
    server.type = ConnectionType::Sse;
    server.address = Secret<std::string>(url("/sse"));
    return server;
  }

  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  // How often it was sent that: an HTTP method, and of POST a JSON-RPC method.
  [[nodiscard]] int count(const std::string& http_method, const std::string& method) const {
    int found = 0;
    const json::Value journal = ask("/journal");
    for (const json::Value& entry : *journal.as_array()) {
      const json::Array& parts = *entry.as_array();
      found += *parts[0].as_string() == http_method && *parts[1].as_string() == method ? 1 : 0;
    }
    return found;
  }

  // TCP connections so far, without those that ask this.
  [[nodiscard]] std::int64_t connections() const {
    const std::int64_t all = ask("/connections").as_int().value_or(0);
    return all - asked_;
  }

 private:
  [[nodiscard]] json::Value ask(const std::string& path) const {
    ++asked_;
    RealLoop loop;
    const auto client = http::Client::make(loop.executor(), loop.clock(), {});
    const auto answer = loop.run(client->fetch(
        {.method = "GET",
         .url = url(path),
         .deadline = loop.clock()->now() + std::chrono::seconds(5)}
    ));
    SLUICE_CHECK(answer.ok(), "the fake server answers");
    auto parsed = json::parse(answer.value().body);
    SLUICE_CHECK(parsed.ok(), "the fake server answers with JSON");
    return std::move(parsed).value();
  }

  mutable int asked_ = 0;
  std::vector<std::string> options_;
  std::uint16_t port_ = tests::free_port();
  tests::TemporaryDirectory directory_;
  std::unique_ptr<tests::Process> process_;
};

// Opens stdio servers for a RunningConnection.
class StdioOf final : public LinkOpener {
 public:
  explicit StdioOf(ClientLinkDeps deps)
      : inner_(
            {.executor = deps.executor,
             .clock = deps.clock,
             .log = deps.log,
             .environment = test_environment()}
        ) {}

  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override {
    return inner_.open(server);
  }

 private:
  StdioOpener inner_;
};

// A whole connection with its checks and restarts, as it runs in the service.
template <class Opener>
class RunningConnection {
 public:
  explicit RunningConnection(ServerConfig server) : server_(std::move(server)) {
    tasks_.spawn("run", connection.run());
  }

  RunningConnection(const RunningConnection&) = delete;
  RunningConnection& operator=(const RunningConnection&) = delete;
  RunningConnection(RunningConnection&&) = delete;
  RunningConnection& operator=(RunningConnection&&) = delete;

  ~RunningConnection() {
    connection.stop();
    EXPECT_TRUE(loop.run(tasks_.close()).ok());
  }

  // False when it is neither connected nor failed in time.
  bool attempted() {
    return loop.wait(
        [this] {
          return connection.connected() ||
                 connection.status().state() == connector::v1::SERVER_STATE_ERROR;
        },
        std::chrono::seconds(10)
    );
  }

  RealLoop loop;

 private:
  ServerConfig server_;
  QuietLog log_;
  std::unique_ptr<http::Client> client_ = http::Client::make(loop.executor(), loop.clock(), {});
  Opener opener_{
      {.executor = loop.executor(), .clock = loop.clock(), .log = &log_, .client = client_.get()}
  };
  async::TaskGroup tasks_{loop.executor(), async::TaskGroup::OnError()};

 public:
  ServerConnection connection{
      {.executor = loop.executor(),
       .clock = loop.clock(),
       .log = &log_,
       .opener = &opener_,
       .server = &server_,
       .seed = 1,
       .on_status = [] {},
       .on_catalog = [] {}},
      std::make_shared<const ToolCatalog>()
  };
};

}  // namespace sluice::mcp_connector
