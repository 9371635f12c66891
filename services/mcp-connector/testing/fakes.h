// Fakes of ports.h, a scripted MCP server, and a loop whose time only moves when a test says so.
#pragma once

#include "services/mcp-connector/ports.h"

#include "common/async/channel.h"
#include "common/mcp/json_rpc.h"
#include "common/observability/log.h"
#include "common/testing/fault_plan.h"
#include "common/testing/manual_clock.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::mcp_connector {

// Keeps the events of errors and warnings only.
class QuietLog final : public observability::Log {
 public:
  void write(observability::Level level, std::string_view event, observability::LogFields fields)
      override;

  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
};

// A running operation of a test: its result, and the way to cancel it.
template <class T>
struct Started {
  std::optional<Result<T>> result;
  boost::asio::cancellation_signal signal;

  [[nodiscard]] bool done() const { return result.has_value(); }

  void cancel() { signal.emit(boost::asio::cancellation_type::terminal); }
};

class TestLoop {
 public:
  testing::ManualClock clock;

  [[nodiscard]] Executor executor() { return context_.get_executor(); }

  // Runs what is ready.
  void settle();
  // Moves time in small steps, running what falls due.
  void advance(std::chrono::milliseconds by);
  // Moves time until the condition holds; false when it did not within the limit.
  bool advance_until(
      std::function<bool()> condition, std::chrono::milliseconds limit = std::chrono::minutes(2)
  );

  template <class T>
  std::shared_ptr<Started<T>> start(Async<T> operation) {
    auto started = std::make_shared<Started<T>>();
    boost::asio::co_spawn(
        context_,
        keep<T>(started, std::move(operation)),
        boost::asio::bind_cancellation_slot(
            started->signal.slot(), [started](std::exception_ptr) {}
        )
    );
    settle();
    return started;
  }

  template <class T>
  Result<T> finish(Async<T> operation) {
    auto started = start(std::move(operation));
    SLUICE_CHECK(
        advance_until([&started] { return started->done(); }),
        "the operation waits for something nobody will do"
    );
    return std::move(*started->result);
  }

 private:
  template <class T>
  static async::Plain<void> keep(std::shared_ptr<Started<T>> started, Async<T> operation) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    started->result.emplace(co_await std::move(operation));
  }

  boost::asio::io_context context_{1};
};

// An MCP server that follows a script. Opens any number of links, one after the other; each is a
// fresh process.
class ScriptedServer final : public LinkOpener {
 public:
  // The answer to a request: a result or an error object as raw JSON; nullopt is silence.
  struct Reply {
    std::string result;
    std::string error;
  };

  using Script = std::function<std::optional<Reply>(const mcp::Message& request)>;

  explicit ScriptedServer(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override;

  // Raw JSON array of tool definitions.
  void list(std::string tools) { tools_ = std::move(tools); }

  // Asked first for each request of that method.
  void on(std::string method, Script script) { scripts_[std::move(method)] = std::move(script); }

  void fail_to_open(bool fails) { fails_to_open_ = fails; }

  // The running process writes a line, or ends.
  void say(std::string line);
  // The same on the stream of that request, over a link with one for each.
  void say_during(const mcp::RpcId& request, std::string line);

  void give_streams() { has_streams_ = true; }

  void leave_unanswered(std::int64_t request, Error why);
  void end();

  [[nodiscard]] const std::string& negotiated() const { return negotiated_; }

  [[nodiscard]] int opened() const { return opened_; }

  // How each connection was to be made.
  [[nodiscard]] const std::vector<ConnectionType>& types() const { return types_; }

  // The headers of the last request of that method.
  [[nodiscard]] const mcp::HeaderList& headers(const std::string& method) {
    return headers_[method];
  }

  [[nodiscard]] bool running() const { return link_ != nullptr; }

  [[nodiscard]] const std::vector<mcp::Message>& received() const { return received_; }

  [[nodiscard]] std::size_t count(std::string_view method) const;
  [[nodiscard]] const mcp::Message* last(std::string_view method) const;
  // What the gateway answered to a request of the server; nullptr: nothing yet.
  [[nodiscard]] const mcp::Message* answer_to(const mcp::RpcId& id) const;

 private:
  class Link;

  Result<void> receive(ServerLink::Outbound outbound);
  std::optional<Reply> reply_to(const mcp::Message& request);

  testing::FaultPlan* faults_;
  std::string tools_ = "[]";
  std::map<std::string, Script, std::less<>> scripts_;
  bool fails_to_open_ = false;
  bool has_streams_ = false;
  int opened_ = 0;
  std::vector<ConnectionType> types_;
  std::map<std::string, mcp::HeaderList> headers_;
  Link* link_ = nullptr;
  std::vector<mcp::Message> received_;
  std::string negotiated_;
};

// What Redis holds, shared by the fakes of several replicas.
struct LeaseBoard {
  struct Entry {
    std::string holder;
    std::uint64_t epoch = 0;
    TimePoint until;
  };

  std::map<std::string, Entry> entries;
  std::map<std::string, std::uint64_t> epochs;
};

class FakeLeases final : public LeaseStore {
 public:
  FakeLeases(
      LeaseBoard* board,
      std::string instance,
      async::Clock* clock,
      testing::FaultPlan* faults = nullptr
  )
      : board_(board), instance_(std::move(instance)), clock_(clock), faults_(faults) {}

  Async<std::optional<std::uint64_t>> acquire(ServerId server, std::uint64_t last_epoch) override;
  Async<bool> renew(ServerId server, std::uint64_t epoch) override;
  Async<void> release(ServerId server, std::uint64_t epoch) override;

  void set_down(bool down) { down_ = down; }

 private:
  Result<void> step();

  LeaseBoard* board_;
  std::string instance_;
  async::Clock* clock_;
  testing::FaultPlan* faults_;
  bool down_ = false;
};

class FakeStates final : public ConnectionStates {
 public:
  Async<void> put(connector::v1::ServerCatalog catalog) override;
  Async<std::optional<connector::v1::ServerCatalog>> get(ServerId server) override;

  void set_down(bool down) { down_ = down; }

  std::map<std::string, connector::v1::ServerCatalog> copies;

 private:
  bool down_ = false;
};

class FakeNonces final : public Nonces {
 public:
  explicit FakeNonces(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<bool> use(std::string grant_id, std::chrono::milliseconds remember) override;

  void set_down(bool down) { down_ = down; }

 private:
  testing::FaultPlan* faults_;
  bool down_ = false;
  std::set<std::string> used_;
};

class RecordingAnnouncer final : public Announcer {
 public:
  void catalog_changed(const connector::v1::CatalogChanged& event) override {
    catalogs.push_back(event);
  }

  void server_changed(const connector::v1::ServerChanged& event) override {
    servers.push_back(event);
  }

  void servers_changed() override { ++servers_changes; }

  int servers_changes = 0;

  void resource_updated(const connector::v1::ResourceUpdated& event) override {
    resources.push_back(event);
  }

  std::vector<connector::v1::ResourceUpdated> resources;
  std::vector<connector::v1::CatalogChanged> catalogs;
  std::vector<connector::v1::ServerChanged> servers;
};

class FakeSubjects final : public Subjects {
 public:
  Result<Serving> serve(const ServerId& server) override;

  [[nodiscard]] int serving(const ServerId& server) const;

 private:
  std::map<std::string, int> counts_;
};

// What Postgres holds, shared by the fakes of several replicas.
class FakeServerStore final : public ServerStore {
 public:
  Async<std::vector<Row>> list() override;
  Async<void> insert(Row row, std::string principal) override;
  Async<void> update(Row row, std::string principal) override;
  Async<bool> remove(ServerId id) override;

  void set_down(bool down) { down_ = down; }

  std::map<std::string, Row> rows;  // by name

 private:
  [[nodiscard]] Result<void> step() const;

  bool down_ = false;
};

class FakeHolders final : public Holders {
 public:
  Async<connector::v1::ServerCatalog> catalog_of(
      ServerId server, bool reconnect, RequestContext context
  ) override;

  std::map<std::string, connector::v1::ServerCatalog> live;  // others answer Unavailable
  std::vector<std::string> reconnected;
};

}  // namespace sluice::mcp_connector
