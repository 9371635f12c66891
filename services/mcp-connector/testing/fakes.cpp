#include "services/mcp-connector/testing/fakes.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr std::chrono::milliseconds kStep{10};
constexpr std::size_t kLinesMax = 4096;

Error down() {
  return Error(Code::Unavailable, "the fake store is down");
}

Result<void> fault_of(testing::FaultPlan* faults) {
  return faults == nullptr ? Result<void>() : faults->step();
}

}  // namespace

void QuietLog::
    write(observability::Level level, std::string_view event, observability::LogFields /*fields*/) {
  if (level == observability::Level::Error) {
    errors_.emplace_back(event);
  } else if (level == observability::Level::Warn) {
    warnings_.emplace_back(event);
  }
}

void TestLoop::settle() {
  context_.restart();
  while (context_.poll() > 0) {
    context_.restart();
  }
}

void TestLoop::advance(std::chrono::milliseconds by) {
  settle();
  for (std::chrono::milliseconds done{0}; done < by; done += kStep) {
    clock.advance(kStep);
    settle();
  }
}

bool TestLoop::advance_until(std::function<bool()> condition, std::chrono::milliseconds limit) {
  settle();
  for (std::chrono::milliseconds done{0}; done < limit && !condition(); done += kStep) {
    clock.advance(kStep);
    settle();
  }
  return condition();
}

class ScriptedServer::Link final : public ServerLink {
 public:
  explicit Link(ScriptedServer* server) : server_(server) {}

  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  Link(Link&&) = delete;
  Link& operator=(Link&&) = delete;

  ~Link() override { close(); }

  Result<void> send(Outbound outbound) override {
    if (inbound_.closed()) {
      return Error(Code::Unavailable, "the scripted server is gone");
    }
    return server_->receive(std::move(outbound));
  }

  Async<std::optional<Inbound>> receive() override { co_return co_await inbound_.pop(); }

  void negotiated(std::string_view protocol_version) override {
    server_->negotiated_ = protocol_version;
  }

  Async<void> stop() override {
    close();
    co_return Result<void>();
  }

  [[nodiscard]] std::string last_words() const override { return "last words"; }

  [[nodiscard]] bool tells_requests() const override { return server_->has_streams_; }

  void push(Inbound inbound) {
    if (!inbound_.closed()) {
      SLUICE_CHECK(inbound_.try_push(inbound), "a script says less than that");
    }
  }

  void close() {
    inbound_.close();
    if (server_->link_ == this) {
      server_->link_ = nullptr;
    }
  }

 private:
  ScriptedServer* server_;
  async::Channel<Inbound> inbound_{kLinesMax};
};

Async<std::unique_ptr<ServerLink>> ScriptedServer::open(const ServerConfig* server) {
  ++opened_;
  types_.push_back(server == nullptr ? ConnectionType::Stdio : server->type);
  if (fails_to_open_) {
    co_return Error(Code::Invalid, "the program was not found");
  }
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  auto link = std::make_unique<Link>(this);
  link_ = link.get();
  co_return link;
}

Result<void> ScriptedServer::receive(ServerLink::Outbound outbound) {
  SLUICE_CHECK_OK(fault_of(faults_));
  auto message = mcp::parse_message(std::move(outbound.message));
  SLUICE_CHECK(message.ok(), "the gateway sends well-formed messages");
  headers_[message.value().method] = std::move(outbound.headers);
  received_.push_back(std::move(message).value());
  const mcp::Message request = received_.back();
  if (request.kind != mcp::Message::Kind::Request) {
    return {};
  }
  const auto reply = reply_to(request);
  if (reply) {
    say(reply->error.empty() ? mcp::make_result(*request.id, reply->result)
                             : R"({"jsonrpc":"2.0","id":)" + mcp::to_json(*request.id) +
                                   R"(,"error":)" + reply->error + "}");
  }
  return {};
}

std::optional<ScriptedServer::Reply> ScriptedServer::reply_to(const mcp::Message& request) {
  const auto script = scripts_.find(request.method);
  if (script != scripts_.end()) {
    return script->second(request);
  }
  if (request.method == "initialize") {
    return Reply{
        .result =
            R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"1"}})",
        .error = {}
    };
  }
  if (request.method == "tools/list") {
    return Reply{.result = R"({"tools":)" + tools_ + "}", .error = {}};
  }
  if (request.method == "tools/call") {
    return Reply{.result = R"({"content":[{"type":"text","text":"done"}]})", .error = {}};
  }
  return Reply{.result = "{}", .error = {}};
}

void ScriptedServer::say(std::string line) {
  if (link_ != nullptr) {
    link_->push(ServerLink::Received{.text = std::move(line), .during = {}});
  }
}

void ScriptedServer::say_during(const mcp::RpcId& request, std::string line) {
  if (link_ != nullptr) {
    link_->push(
        ServerLink::Received{.text = std::move(line), .during = std::get<std::int64_t>(request)}
    );
  }
}

const mcp::Message* ScriptedServer::answer_to(const mcp::RpcId& id) const {
  const auto place =
      std::find_if(received_.begin(), received_.end(), [&id](const mcp::Message& message) {
        return message.method.empty() && message.id == id;
      });
  return place == received_.end() ? nullptr : &*place;
}

void ScriptedServer::leave_unanswered(std::int64_t request, Error why) {
  if (link_ != nullptr) {
    link_->push(ServerLink::Unanswered{request, std::move(why)});
  }
}

void ScriptedServer::end() {
  if (link_ != nullptr) {
    link_->close();
  }
}

std::size_t ScriptedServer::count(std::string_view method) const {
  return static_cast<std::size_t>(std::count_if(
      received_.begin(),
      received_.end(),
      [method](const mcp::Message& message) { return message.method == method; }
  ));
}

const mcp::Message* ScriptedServer::last(std::string_view method) const {
  const auto place =
      std::find_if(received_.rbegin(), received_.rend(), [method](const mcp::Message& message) {
        return message.method == method;
      });
  return place == received_.rend() ? nullptr : &*place;
}

Result<void> FakeLeases::step() {
  if (down_) {
    return down();
  }
  return fault_of(faults_);
}

Async<std::optional<std::uint64_t>> FakeLeases::acquire(ServerId server, std::uint64_t last_epoch) {
  SLUICE_CO_CHECK_OK(step());
  const auto place = board_->entries.find(server.str());
  if (place != board_->entries.end() && place->second.until > clock_->now()) {
    co_return std::optional<std::uint64_t>();
  }
  std::uint64_t& epoch = board_->epochs[server.str()];
  epoch = std::max({epoch + 1, last_epoch + 1, static_cast<std::uint64_t>(clock_->unix_ms())});
  board_->entries[server.str()] = {
      .holder = instance_, .epoch = epoch, .until = clock_->now() + std::chrono::seconds(3)
  };
  co_return std::optional(epoch);
}

Async<bool> FakeLeases::renew(ServerId server, std::uint64_t epoch) {
  SLUICE_CO_CHECK_OK(step());
  const auto place = board_->entries.find(server.str());
  if (place == board_->entries.end() || place->second.holder != instance_ ||
      place->second.epoch != epoch) {
    co_return false;
  }
  place->second.until = clock_->now() + std::chrono::seconds(3);
  co_return true;
}

Async<void> FakeLeases::release(ServerId server, std::uint64_t epoch) {
  SLUICE_CO_CHECK_OK(step());
  const auto place = board_->entries.find(server.str());
  if (place != board_->entries.end() && place->second.holder == instance_ &&
      place->second.epoch == epoch) {
    board_->entries.erase(place);
  }
  co_return Result<void>();
}

Async<void> FakeStates::put(connector::v1::ServerCatalog catalog) {
  if (down_) {
    co_return down();
  }
  std::string id = catalog.server_id();
  copies[id] = std::move(catalog);
  co_return Result<void>();
}

Async<std::optional<connector::v1::ServerCatalog>> FakeStates::get(ServerId server) {
  if (down_) {
    co_return down();
  }
  const auto place = copies.find(server.str());
  co_return place == copies.end() ? std::optional<connector::v1::ServerCatalog>()
                                  : std::optional(place->second);
}

Async<bool> FakeNonces::use(std::string grant_id, std::chrono::milliseconds /*remember*/) {
  if (down_) {
    co_return down();
  }
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  co_return used_.insert(grant_id).second;
}

namespace {

class CountedRegistration final : public bus::Registration {
 public:
  explicit CountedRegistration(int* count) : count_(count) { ++*count_; }

  CountedRegistration(const CountedRegistration&) = delete;
  CountedRegistration& operator=(const CountedRegistration&) = delete;
  CountedRegistration(CountedRegistration&&) = delete;
  CountedRegistration& operator=(CountedRegistration&&) = delete;

  ~CountedRegistration() override { --*count_; }

 private:
  int* count_;
};

}  // namespace

Result<Subjects::Serving> FakeSubjects::serve(const ServerId& server) {
  int* count = &counts_[server.str()];
  return Serving{
      .request = std::make_unique<CountedRegistration>(count),
      .input = {},
      .catalog = std::make_unique<CountedRegistration>(count)
  };
}

int FakeSubjects::serving(const ServerId& server) const {
  const auto place = counts_.find(server.str());
  return place == counts_.end() ? 0 : place->second;
}

Async<connector::v1::ServerCatalog> FakeHolders::catalog_of(
    ServerId server, bool reconnect, RequestContext /*context*/
) {
  const auto place = live.find(server.str());
  if (place == live.end()) {
    co_return Error(Code::Unavailable, "nobody answers");
  }
  if (reconnect) {
    reconnected.push_back(server.str());
  }
  co_return place->second;
}

Result<void> FakeServerStore::step() const {
  return down_ ? Result<void>(Error(Code::Unavailable, "Postgres is down")) : Result<void>();
}

Async<std::vector<ServerStore::Row>> FakeServerStore::list() {
  SLUICE_CO_CHECK_OK(step());
  std::vector<Row> out;
  for (const auto& [name, row] : rows) {
    out.push_back(row);
  }
  co_return out;
}

Async<void> FakeServerStore::insert(Row row, std::string /*principal*/) {
  SLUICE_CO_CHECK_OK(step());
  row.revision = 1;
  std::string name = row.name;
  if (!rows.emplace(std::move(name), std::move(row)).second) {
    co_return Error(Code::Conflict, "there is a server of that name; change or remove it");
  }
  co_return Result<void>();
}

Async<void> FakeServerStore::update(Row row, std::string /*principal*/) {
  SLUICE_CO_CHECK_OK(step());
  const auto place = rows.find(row.name);
  if (place == rows.end() || place->second.revision != row.revision) {
    co_return Error(Code::Conflict, "the server was changed meanwhile; read it and try again");
  }
  ++row.revision;
  place->second = std::move(row);
  co_return Result<void>();
}

Async<bool> FakeServerStore::remove(ServerId id) {
  SLUICE_CO_CHECK_OK(step());
  co_return std::erase_if(rows, [&id](const auto& entry) { return entry.second.id == id; }) > 0;
}

}  // namespace sluice::mcp_connector
