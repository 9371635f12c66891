// The real audit-writer between a real nats-server (with the configuration that ships) and a real
// PostgreSQL, and producers in this process.
#pragma once

#include "tests/integration/audit_rig.h"
#include "tests/support/free_port.h"
#include "tests/support/nats_server.h"

#include "common/async/task_group.h"
#include "common/audit/client.h"
#include "common/bus/nats_bus.h"

#include <filesystem>
#include <fstream>

namespace sluice::audit_writer {

// A service of the test: its connection, bus and audit client.
struct Producer {
  std::string service;
  std::unique_ptr<bus::Transport> transport;
  std::unique_ptr<bus::Bus> bus;
  std::unique_ptr<audit::Client> audit;
};

class AuditWriterTest : public AuditTest {
 protected:
  AuditWriterTest() : nats_(start_nats()) {
    std::filesystem::create_directories(files_.file("secrets/token-keys"));
    write("secrets/nats.password", "pw");
    write("secrets/postgres.password", "writer");
    write("secrets/body.key", std::string(64, 'a'));
    write("secrets/token-keys/current.pem", signer_.public_key().to_pem());
    write("sluice.json", configuration(nats_->url(), nats_->monitor_url()));
  }

  ~AuditWriterTest() override {
    tasks_.cancel();
    pump([this] { return tasks_.size() == 0; });
    for (auto& producer : producers_) {
      producer->audit.reset();
      if (producer->bus) {
        tasks_.spawn("drain", producer->bus->drain(clock_.now()));
      }
      tasks_.spawn("close", producer->transport->close());
      pump([this] { return tasks_.size() == 0; });
    }
  }

  // On ports of its own choosing it would come back elsewhere after a restart.
  std::unique_ptr<tests::NatsServer> start_nats() {
    constexpr int kAttempts = 5;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      auto started = tests::NatsServer::start(nats_options());
      if (started.ok()) {
        return std::move(started).value();
      }
    }
    SLUICE_UNREACHABLE("nats-server starts: set SLUICE_NATS_SERVER or run ./dev setup");
  }

  [[nodiscard]] tests::NatsServerOptions nats_options() const {
    tests::NatsServerOptions options;
    options.config_file = tests::source_directory() + "/deploy/nats/nats.conf";
    options.environment = {
        {"SLUICE_NATS_LISTEN", "\"127.0.0.1:" + std::to_string(tests::free_port()) + "\""},
        {"SLUICE_NATS_MONITOR", "\"127.0.0.1:" + std::to_string(tests::free_port()) + "\""},
        {"SLUICE_NATS_STORE", "\"" + files_.file("nats") + "\""},
    };
    for (const std::string service :
         {"INGRESS",
          "PROVIDER_ROUTER",
          "MCP_CONNECTOR",
          "POLICY_ENGINE",
          "CODEMODE_SANDBOX",
          "AUDIT_WRITER"}) {
      options.environment["SLUICE_NATS_" + service + "_PASSWORD"] = "\"pw\"";
    }
    return options;
  }

  [[nodiscard]] std::string configuration(const std::string& url, const std::string& monitor_url)
      const {
    return R"({"bus": {"url": ")" + url + R"(", "monitor_url": ")" + monitor_url + R"("},
      "postgres": {"host": ")" +
           database_server().socket_directory() + R"(", "port": )" +
           std::to_string(database_server().port()) + R"(, "database": ")" + trail_.database() +
           R"("},
      "audit": {"outbox_directory": ")" +
           files_.file("outbox") + R"("},
      "observability": {"port": 0, "run_directory": ")" +
           files_.file("run") + R"("}})";
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(files_.file(name)) << text;
  }

  void start_writer() {
    tests::ProcessOptions options;
    options.argv = {
        tests::environment_or("SLUICE_BUILD_DIR", tests::source_directory() + "/build/dev") +
            "/bin/audit-writer",
        "--config",
        files_.file("sluice.json")
    };
    options.environment = {{"SLUICE_SECRETS_DIR", files_.file("secrets")}};
    options.output_file = files_.file("writer.log");
    auto spawned = tests::Process::spawn(std::move(options));
    ASSERT_THAT(spawned, testing::IsOk());
    writer_ = std::move(spawned).value();
  }

  [[nodiscard]] std::string writer_log() const {
    return tests::read_text(files_.file("writer.log"));
  }

  // Runs the loop until it holds. False when that took too long.
  bool pump(
      const std::function<bool()>& holds,
      std::chrono::milliseconds longest = std::chrono::seconds(20)
  ) {
    const TimePoint end = clock_.now() + longest;
    while (!holds()) {
      if (clock_.now() >= end) {
        return false;
      }
      loop_.restart();
      loop_.run_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  Producer& producer(const std::string& service) {
    producers_.push_back(std::make_unique<Producer>());
    Producer& made = *producers_.back();
    made.service = service;
    const std::string instance = service + "-" + std::to_string(producers_.size());
    bus::NatsOptions options;
    options.url = nats_->url();
    options.user = service;
    options.password = "pw";
    options.name = service + "/" + instance;
    auto connected =
        run(bus::connect_nats(loop_.get_executor(), &clock_, &log_, std::move(options)));
    SLUICE_CHECK(connected.ok(), "nats-server takes the services of its configuration");
    made.transport = std::move(connected).value();
    made.bus = std::make_unique<bus::Bus>(bus::Bus::Deps{
        loop_.get_executor(),
        &clock_,
        &log_,
        metrics_.get(),
        made.transport.get(),
        service,
        instance
    });
    SLUICE_CHECK(run(made.bus->start()).ok(), "the bus subscribes its inboxes");
    audit::Options outbox;
    outbox.outbox_directory = files_.file("outbox/" + service);
    auto opened = audit::Client::open(
        {loop_.get_executor(),
         &clock_,
         &log_,
         metrics_.get(),
         made.transport.get(),
         made.bus.get(),
         service},
        outbox
    );
    SLUICE_CHECK(opened.ok(), "the outbox can be written");
    made.audit = std::move(opened).value();
    tasks_.spawn("audit", made.audit->run());
    return made;
  }

  RequestContext context(std::chrono::milliseconds time, const std::string& role = "") {
    policy::v1::CallerClaims claims;
    claims.set_tenant("default");
    claims.set_principal("key:k1");
    claims.add_roles(role.empty() ? "caller" : role);
    claims.set_not_before_unix_ms(clock_.unix_ms());
    claims.set_not_after_unix_ms(clock_.unix_ms() + grant::kTokenLifeMs);
    RequestContext made;
    made.tenant = TenantId("default");
    made.principal = PrincipalId("key:k1");
    made.chain = ChainId("chain-1");
    made.deadline = clock_.now() + time;
    made.caller_token = grant::sign_token(signer_, claims);
    return made;
  }

  void record(Producer& producer, const std::string& action, std::uint32_t hop = 0) {
    auto made = audit::record_of(context(std::chrono::seconds(1)), action);
    made.set_hop(hop);
    EXPECT_THAT(producer.audit->record(std::move(made)), testing::IsOk());
    ++recorded_;
  }

  // The operation's result, while everything else goes on.
  template <class T>
  Result<T> result_of(Async<T> operation) {
    auto out = std::make_shared<std::optional<Result<T>>>();
    tasks_.spawn("operation", keep(std::move(operation), out));
    pump([out] { return out->has_value(); }, std::chrono::seconds(60));
    return out->has_value() ? std::move(**out) : Result<T>(Error(Code::Deadline, "nothing came"));
  }

  template <class T>
  static Async<void> keep(Async<T> operation, std::shared_ptr<std::optional<Result<T>>> out) {
    out->emplace(co_await std::move(operation));
    co_return Result<void>();
  }

  // Rows that did not come from audit-writer itself.
  std::int64_t rows() {
    return number("SELECT count(*) FROM audit.records WHERE producer <> 'audit-writer'");
  }

  bool all_stored(std::chrono::milliseconds longest = std::chrono::seconds(30)) {
    const TimePoint end = clock_.now() + longest;
    while (clock_.now() < end) {
      pump([] { return false; }, std::chrono::milliseconds(100));
      if (rows() == recorded_) {
        return true;
      }
    }
    return rows() == recorded_;
  }

  void expect_complete() {
    EXPECT_EQ(rows(), recorded_);
    EXPECT_EQ(number("SELECT count(*) FROM audit.sequence_gaps"), 0);
    EXPECT_EQ(
        number("SELECT count(*) - count(DISTINCT (instance, boot, sequence)) FROM audit.records"), 0
    );
    EXPECT_EQ(number("SELECT count(*) FROM audit.rejected"), 0);
  }

  crypto::PrivateKey signer_ = crypto::PrivateKey::generate();
  tests::TemporaryDirectory files_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  std::unique_ptr<tests::NatsServer> nats_;
  std::unique_ptr<tests::Process> writer_;
  async::TaskGroup tasks_{loop_.get_executor(), [](std::string_view, const Error&) {}};
  std::vector<std::unique_ptr<Producer>> producers_;
  std::int64_t recorded_ = 0;
};

}  // namespace sluice::audit_writer
