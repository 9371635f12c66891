// The binary codemode-sandbox on a real nats-server: what common/service promises for every
// service, from start to exit code.
#include "tests/support/nats_server.h"
#include "tests/support/process.h"

#include "common/audit/subject.h"
#include "common/bus/bus.h"
#include "common/bus/nats_bus.h"
#include "common/crypto/ed25519.h"
#include "common/grant/grant.h"
#include "common/http/client.h"
#include "common/json/parse.h"
#include "common/observability/testing/recording_log.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include "proto/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;
using ::testing::HasSubstr;

constexpr auto kLongest = 10s;

class CodemodeService : public ::testing::Test {
 protected:
  void SetUp() override {
    auto nats = NatsServer::start(
        {.users =
             {{.name = "codemode-sandbox", .password = "pw"}, {.name = "ingress", .password = "in"}}
        }
    );
    ASSERT_THAT(nats, IsOk());
    nats_ = std::move(nats).value();
    std::filesystem::create_directories(folder_.file("secrets/token-keys"));
    write("secrets/nats.password", "pw\n");
    write("secrets/redis.password", "pw\n");
    write("secrets/token-keys/a.pem", key_.public_key().to_pem());
    write(
        "sluice.json",
        R"({"bus": {"url": ")" + nats_->url() +
            R"("}, "redis": {"port": 1}, "audit": {"outbox_directory": ")" +
            folder_.file("outbox") + R"("}, "codemode": {"runner_directory": ")" +
            folder_.file("r") + R"("}, "observability": {"run_directory": ")" +
            folder_.file("run") + R"("}})"
    );
    connect_as_ingress();
  }

  void TearDown() override {
    consumer_.reset();
    bus_.reset();
    if (transport_) {
      EXPECT_THAT(run_sync(loop_, transport_->close()), IsOk());
    }
    transport_.reset();
  }

  void write(const std::string& name, std::string_view content) const {
    std::ofstream(folder_.file(name), std::ios::binary) << content;
  }

  // The stream of audit records stands in for audit-writer: what is published is stored.
  void connect_as_ingress() {
    auto transport = run_sync(
        loop_,
        bus::connect_nats(
            loop_.get_executor(),
            &clock_,
            &log_,
            {.url = nats_->url(), .user = "ingress", .password = "in", .name = "ingress/i-1"}
        )
    );
    ASSERT_THAT(transport, IsOk());
    transport_ = std::move(transport).value();
    bus_ = std::make_unique<bus::Bus>(bus::Bus::Deps{
        .executor = loop_.get_executor(),
        .clock = &clock_,
        .log = &log_,
        .metrics = metrics_.get(),
        .transport = transport_.get(),
        .service = "ingress",
        .instance = "i-1",
    });
    ASSERT_THAT(run_sync(loop_, bus_->start()), IsOk());
    auto consumer = run_sync(
        loop_,
        transport_->consume(
            std::string(endpoints::kAuditRecord.stream),
            audit::record_subjects(),
            std::string(endpoints::kAuditRecord.consumer)
        )
    );
    ASSERT_THAT(consumer, IsOk());
    consumer_ = std::move(consumer).value();
  }

  std::unique_ptr<Process> start() {
    const std::string build = environment_or("SLUICE_BUILD_DIR", "build/dev");
    auto process = Process::spawn(
        {.argv = {build + "/bin/codemode-sandbox", "--config", folder_.file("sluice.json")},
         .environment =
             {{"SLUICE_INSTANCE", "codemode-1"}, {"SLUICE_SECRETS_DIR", folder_.file("secrets")}},
         .output_file = folder_.file("log"),
         .working_directory = {}}
    );
    EXPECT_THAT(process, IsOk());
    return std::move(process).value();
  }

  // Status of a GET on the health port, 0 while nobody answers.
  int status_of(const std::string& path) {
    const auto file = json::parse(read_text(folder_.file("run/codemode-1.json")));
    const json::Value* ports = file.ok() ? file.value().find("ports") : nullptr;
    const json::Value* port = ports == nullptr ? nullptr : ports->find("health");
    if (port == nullptr) {
      return 0;
    }
    const auto client = http::Client::make(loop_.get_executor(), &clock_, {});
    http::ClientRequest request;
    request.method = "GET";
    request.url = "http://127.0.0.1:" + std::to_string(port->as_int().value_or(0)) + path;
    request.deadline = clock_.now() + 2s;
    const auto response = run_sync(loop_, client->fetch(std::move(request)));
    return response.ok() ? response.value().status : 0;
  }

  bool becomes_ready() {
    return eventually([this] { return status_of("/readyz") == 200; }, kLongest);
  }

  [[nodiscard]] RequestContext context() const {
    policy::v1::CallerClaims claims;
    claims.set_tenant("default");
    claims.set_principal("key:a");
    claims.set_not_before_unix_ms(clock_.unix_ms());
    claims.set_not_after_unix_ms(clock_.unix_ms() + grant::kTokenLifeMs);
    RequestContext context;
    context.tenant = TenantId("default");
    context.principal = PrincipalId("key:a");
    context.deadline = clock_.now() + 5s;
    context.caller_token = grant::sign_token(key_, claims);
    return context;
  }

  [[nodiscard]] std::string log() const { return read_text(folder_.file("log")); }

  // Actions of the records published so far.
  std::vector<std::string> recorded() {
    std::vector<std::string> actions;
    auto messages = run_sync(loop_, consumer_->fetch(64, 500ms));
    EXPECT_THAT(messages, IsOk());
    for (const auto& message : messages.value()) {
      audit::v1::RecordBatch batch;
      EXPECT_TRUE(batch.ParseFromString(message.bytes));
      for (const std::string& bytes : batch.records()) {
        audit::v1::Record record;
        EXPECT_TRUE(record.ParseFromString(bytes));
        actions.push_back(record.action());
      }
    }
    return actions;
  }

  TemporaryDirectory folder_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate();
  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  observability::RecordingLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  std::unique_ptr<NatsServer> nats_;
  std::unique_ptr<bus::Transport> transport_;
  std::unique_ptr<bus::Bus> bus_;
  std::unique_ptr<bus::DurableConsumer> consumer_;
};

TEST_F(CodemodeService, WaitsForRunnersWhereItWasToldAndEndsInOrder) {
  const auto process = start();
  ASSERT_TRUE(becomes_ready()) << log();
  EXPECT_EQ(status_of("/healthz"), 200);
  EXPECT_EQ(status_of("/metrics"), 200);
  EXPECT_TRUE(std::filesystem::is_socket(folder_.file("r/codemode-1.sock")));

  const auto described = run_sync(loop_, bus_->call(endpoints::kCodemodeDescribe, {}, context()));
  codemode::v1::RunsRequest list;
  list.mutable_list();
  const auto listed = run_sync(loop_, bus_->call(endpoints::kCodemodeRuns, list, context()));
  const auto stranger =
      run_sync(loop_, bus_->call(endpoints::kCodemodeRuns, {}, {.deadline = clock_.now() + 5s}));
  process->kill(SIGTERM);
  const auto status = process->wait(kLongest);

  EXPECT_THAT(described, HasCode(Code::Invalid));
  EXPECT_THAT(listed, HasCode(Code::Unavailable)) << "there is no Redis, and it starts without";
  EXPECT_THAT(stranger, HasCode(Code::Unauthenticated));
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 0) << log();
  EXPECT_FALSE(std::filesystem::exists(folder_.file("run/codemode-1.json")));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.file("r"))) << "socket and lock are gone";
  EXPECT_THAT(recorded(), ::testing::ElementsAre("service.started", "service.stopped"));
}

TEST_F(CodemodeService, ASocketOfAKilledInstanceIsRemovedByTheNext) {
  const auto first = start();
  ASSERT_TRUE(becomes_ready()) << log();
  std::filesystem::rename(folder_.file("r/codemode-1.lock"), folder_.file("r/old.lock"));
  std::filesystem::rename(folder_.file("r/codemode-1.sock"), folder_.file("r/old.sock"));
  first->kill(SIGKILL);
  ASSERT_THAT(first->wait(kLongest), IsOk());
  std::filesystem::remove(folder_.file("run/codemode-1.json"));

  const auto second = start();

  ASSERT_TRUE(becomes_ready()) << log();
  EXPECT_FALSE(std::filesystem::exists(folder_.file("r/old.sock")));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("r/old.lock")));
}

TEST_F(CodemodeService, DoesNotStartWhereItCannotMakeItsSocket) {
  write("r", "a file");

  const auto status = start()->wait(kLongest);

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 2) << log();
  EXPECT_THAT(log(), HasSubstr("codemode.runner_directory"));
}

TEST_F(CodemodeService, IsNotReadyWhileNatsIsAway) {
  const auto process = start();
  ASSERT_TRUE(becomes_ready()) << log();

  ASSERT_THAT(nats_->stop(SIGKILL), IsOk());
  EXPECT_TRUE(eventually([this] { return status_of("/readyz") == 503; }, kLongest)) << log();
  EXPECT_EQ(status_of("/healthz"), 200);
  ASSERT_THAT(nats_->start_again(), IsOk());

  EXPECT_TRUE(becomes_ready()) << log();
}

TEST_F(CodemodeService, DoesNotStartWithAWrongPassword) {
  write("secrets/nats.password", "wrong-hunter2");

  const auto status = start()->wait(kLongest);

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 2) << log();
  EXPECT_THAT(log(), HasSubstr("start-failed"));
  EXPECT_THAT(log(), ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(CodemodeService, DoesNotStartWithoutTokenKeys) {
  std::filesystem::remove(folder_.file("secrets/token-keys/a.pem"));

  const auto status = start()->wait(kLongest);

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 2) << log();
}

TEST_F(CodemodeService, DoesNotStartWithFaultySettings) {
  write("sluice.json", R"({"bsu": {}, "observability": {"port": 70000}})");

  const auto status = start()->wait(kLongest);

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 2);
  EXPECT_THAT(log(), HasSubstr("bsu: is not a section of this file; did you mean \"bus\"?"));
  EXPECT_THAT(log(), HasSubstr("observability.port: is 70000"));
}

TEST_F(CodemodeService, ASecondSignalEndsItAtOnce) {
  consumer_.reset();
  const auto process = start();
  ASSERT_TRUE(becomes_ready()) << log();
  ASSERT_THAT(nats_->stop(SIGKILL), IsOk());  // so that draining takes its time

  process->kill(SIGTERM);
  ASSERT_TRUE(
      eventually([this] { return log().find("service-stopping") != std::string::npos; }, kLongest)
  );
  process->kill(SIGTERM);
  const auto status = process->wait(2s);

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status.value(), 1);
}

}  // namespace
}  // namespace sluice::tests
