// A loop with the machine's clock, and the fake MCP server as a program to start.
#pragma once

#include "services/mcp-connector/adapters/http_transport.h"
#include "services/mcp-connector/adapters/sse_transport.h"
#include "services/mcp-connector/adapters/stdio_transport.h"
#include "services/mcp-connector/connections/handshake.h"
#include "services/mcp-connector/connections/offering_lists.h"
#include "services/mcp-connector/testing/fixture.h"
#include "tests/support/process.h"

#include "common/async/task_group.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

class RealLoop {
 public:
  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(context_, std::move(operation));
  }

  // Lets time pass until the condition holds.
  bool wait(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    const TimePoint until = clock_.now() + limit;
    while (!condition() && clock_.now() < until) {
      const auto passed = run(async::sleep_for(&clock_, std::chrono::milliseconds(5)));
      SLUICE_CHECK(passed.ok(), "a test's own sleep is not cancelled");
    }
    return condition();
  }

  Executor executor() { return context_.get_executor(); }

  async::Clock* clock() { return &clock_; }

  boost::asio::io_context* context() { return &context_; }

 private:
  boost::asio::io_context context_{1};
  async::SystemClock clock_{context_.get_executor()};
};

// tests/support/fake_mcp_server.py with these options.
inline ServerConfig fake_server(std::vector<std::string> options) {
  ServerConfig server = stdio_server("fake");
  server.command = "python3";
  server.args = {tests::source_directory() + "/tests/support/fake_mcp_server.py"};
  server.args.insert(server.args.end(), options.begin(), options.end());
  return server;
}

inline config::Environment test_environment() {
  return {
      {"PATH", tests::environment_or("PATH", "/usr/bin:/bin")},
      {"HOME", "/nowhere"},
      {"SECRET", "s3cret"},
      {"TOKEN", "t0ken"}
  };
}

// One connection to a server and a session over it.
class ServerRig {
 public:
  explicit ServerRig(ServerConfig server) : server_(std::move(server)) {}

  ServerRig(const ServerRig&) = delete;
  ServerRig& operator=(const ServerRig&) = delete;
  ServerRig(ServerRig&&) = delete;
  ServerRig& operator=(ServerRig&&) = delete;

  ~ServerRig() { stop(); }

  Result<void> open_with(LinkOpener* opener) {
    SLUICE_TRY(link, loop.run(opener->open(&server_)));
    session = std::make_unique<McpSession>(McpSession::Deps{
        .clock = loop.clock(),
        .log = &log_,
        .link = link.get(),
        .server = "fake",
        .on_list_changed = [this] { ++list_changes; },
        .on_gone = [this] { ++gone; },
    });
    tasks_ = std::make_unique<async::TaskGroup>(loop.executor(), async::TaskGroup::OnError());
    tasks_->spawn("read", session->read());
    return {};
  }

  // The start in the legacy era, without asking.
  Result<mcp::InitializeResult> initialize(
      std::chrono::milliseconds timeout = std::chrono::seconds(20)
  ) {
    return loop.run(session->initialize(
        std::string(mcp::kLegacyVersions.front()), loop.clock()->now() + timeout
    ));
  }

  // The start as the service does it.
  Result<Agreement> shake_hands(std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    return loop.run(mcp_connector::shake_hands(
        session.get(), loop.clock(), &server_, loop.clock()->now() + timeout
    ));
  }

  Result<Answer> call(
      const std::string& tool,
      const std::string& arguments,
      std::chrono::milliseconds timeout = std::chrono::seconds(10)
  ) {
    return loop.run(wait_for(session->call_tool(tool, arguments, loop.clock()->now() + timeout)));
  }

  // The same for a caller that may be asked, and answers with `reply`.
  Result<Answer> call_for(
      const ForCaller& caller, const std::string& tool, const std::string& arguments
  ) {
    const TimePoint deadline = loop.clock()->now() + std::chrono::seconds(10);
    if (!caller.log_level.empty()) {
      EXPECT_TRUE(loop.run(session->want_log_level(caller.log_level, deadline)).ok());
    }
    return loop.run(wait_for(session->call_tool(tool, arguments, deadline, {}, caller)));
  }

  // Another request than tools/call.
  Result<Answer> request(const std::string& method, const std::string& params) {
    return loop.run(wait_for(session->request(
        {.method = method, .params = params, .name = {}, .param_headers = {}, .progress = true},
        loop.clock()->now() + std::chrono::seconds(10)
    )));
  }

  // What the server offers besides tools.
  Result<Offerings> offerings(mcp::ServerCapabilities capabilities) {
    OfferingLists::Told told;
    OfferingLists lists(session.get(), loop.clock(), &log_, "fake", &told);
    return loop.run(lists.fetch(capabilities));
  }

  // Returns how long the end took.
  std::chrono::milliseconds stop() {
    const TimePoint began = loop.clock()->now();
    if (session) {
      session->fail_all(Error(Code::Unavailable, "the test ends"));
      EXPECT_TRUE(loop.run(link->stop()).ok());
      EXPECT_TRUE(loop.run(tasks_->close()).ok());
      session.reset();
      link.reset();
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(loop.clock()->now() - began);
  }

  RealLoop loop;
  std::unique_ptr<ServerLink> link;
  std::unique_ptr<McpSession> session;
  std::vector<std::string> progress;  // and log messages
  std::vector<Question> questions;
  Reply reply{.result = R"({"n":1.0})", .error = {}};
  int list_changes = 0;
  int gone = 0;

 private:
  Async<Answer> wait_for(Result<std::unique_ptr<McpSession::Ticket>> ticket) {
    if (!ticket.ok()) {
      co_return std::move(ticket).error();
    }
    while (true) {
      SLUICE_CO_TRY(auto event, co_await ticket.value()->next());
      if (!event) {
        co_return ticket.value()->take();
      }
      if (event->question) {
        questions.push_back(*event->question);
        ticket.value()->reply(event->question->id.value_or(mcp::RpcId(0)), reply);
      } else {
        progress.push_back(std::move(event->notification));
      }
    }
  }

  ServerConfig server_;
  std::unique_ptr<async::TaskGroup> tasks_;

 protected:
  QuietLog log_;
};

class StdioRig final : public ServerRig {
 public:
  using ServerRig::ServerRig;

  Result<void> open() {
    StdioOpener opener(
        {.executor = loop.executor(),
         .clock = loop.clock(),
         .log = &log_,
         .environment = test_environment()}
    );
    return open_with(&opener);
  }
};

template <class Opener>
class ClientRig final : public ServerRig {
 public:
  using ServerRig::ServerRig;

  ~ClientRig() { stop(); }  // before the client goes

  Result<void> open() {
    Opener opener(
        {.executor = loop.executor(), .clock = loop.clock(), .log = &log_, .client = client_.get()}
    );
    return open_with(&opener);
  }

 private:
  std::unique_ptr<http::Client> client_ = http::Client::make(loop.executor(), loop.clock(), {});
};

using HttpRig = ClientRig<HttpOpener>;
using SseRig = ClientRig<SseOpener>;

}  // namespace sluice::mcp_connector
