#include "common/observability/testing/recording_log.h"
#include "common/service/connect.h"
#include "common/service/health.h"
#include "common/service/process.h"
#include "common/service/run.h"
#include "common/service/runtime_body.h"
#include "common/testing/manual_clock.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/stat.h>
#include <unistd.h>

namespace sluice::service {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;
using ::testing::HasSubstr;
using ::testing::Not;

class Folder {
 public:
  Folder()
      : path_(
            std::filesystem::temp_directory_path() /
            ("sluice-service-" + std::to_string(::getpid()) + "-" + std::to_string(++made_))
        ) {
    std::filesystem::create_directories(path_);
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;

  ~Folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

  std::string write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return file(name);
  }

  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  static inline int made_ = 0;
  std::filesystem::path path_;
};

class RuntimeTest : public ::testing::Test {
 protected:
  [[nodiscard]] Runtime runtime() const { return Runtime(body_); }

  http::HttpResponse get(const std::string& path) {
    for (const http::Route& route : health_routes(body_)) {
      if (route.path == path) {
        auto response = run_sync(loop_, route.handler({}, {}));
        EXPECT_THAT(response, IsOk());
        return std::move(response).value();
      }
    }
    ADD_FAILURE() << "no route " << path;
    return {};
  }

  Folder folder_;
  boost::asio::io_context loop_{1};
  sluice::testing::ManualClock clock_;
  observability::RecordingLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  async::BlockingPool blocking_{1};
  std::shared_ptr<Runtime::Body> body_ = std::make_shared<Runtime::Body>(Runtime::Body::Deps{
      .executor = loop_.get_executor(),
      .clock = &clock_,
      .log = &log_,
      .metrics = metrics_.get(),
      .blocking = &blocking_,
      .service = "policy-engine",
      .instance = "policy-engine-1",
      .secrets_directory = folder_.path(),
      .run_directory = folder_.file("run"),
  });
};

Async<void> wait_then_note(Runtime runtime, bool* noted) {
  SLUICE_CO_CHECK_OK(co_await runtime.stopped());
  *noted = true;
  co_return Result<void>();
}

Async<void> fail(Error error) {
  co_return error;
}

TEST_F(RuntimeTest, SecretsAreFilesWithoutTheirLineEnd) {
  folder_.write("nats.password", "hunter2\n");

  const auto secret = runtime().secret("nats.password");

  ASSERT_THAT(secret, IsOk());
  EXPECT_EQ(secret.value().reveal(), "hunter2");
  EXPECT_EQ(runtime().secret_path("token-keys/"), folder_.path() + "/token-keys/");
}

TEST_F(RuntimeTest, MissingAndEmptySecretsAreNamed) {
  folder_.write("empty", "\n");
  folder_.write("large", std::string(70000, 'x'));

  const auto missing = runtime().secret("redis.password");

  ASSERT_THAT(missing, HasCode(Code::NotFound));
  EXPECT_THAT(missing.error().message(), HasSubstr("redis.password"));
  EXPECT_THAT(runtime().secret("empty"), HasCode(Code::NotFound));
  EXPECT_THAT(runtime().secret("large"), HasCode(Code::NotFound));
}

TEST_F(RuntimeTest, EveryoneWhoWaitsLearnsOfTheStop) {
  bool first = false;
  bool second = false;
  runtime().tasks().spawn("first", wait_then_note(runtime(), &first));
  runtime().tasks().spawn("second", wait_then_note(runtime(), &second));
  loop_.poll();
  loop_.restart();
  EXPECT_FALSE(runtime().stopping());

  body_->stop();
  loop_.poll();

  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_TRUE(runtime().stopping());
  EXPECT_THAT(run_sync(runtime().stopped()), IsOk());
}

TEST_F(RuntimeTest, WaitingForTheStopCanBeCancelled) {
  bool noted = false;
  runtime().tasks().spawn("waiter", wait_then_note(runtime(), &noted));
  loop_.poll();
  loop_.restart();

  runtime().tasks().cancel();
  loop_.poll();

  EXPECT_FALSE(noted);
  EXPECT_EQ(runtime().tasks().size(), 0U);
  EXPECT_TRUE(body_->waiters.empty());
}

TEST_F(RuntimeTest, IsReadyWhenNoCheckObjects) {
  EXPECT_EQ(get("/readyz").status, 503);
  body_->started = true;
  std::string objection;
  runtime().add_readiness_check("redis", [&objection] { return objection; });
  EXPECT_EQ(get("/readyz").status, 200);

  objection = "redis is not connected";
  const auto response = get("/readyz");

  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr(R"("redis":"redis is not connected")"));
}

TEST_F(RuntimeTest, ChecksAreNotAskedOnceTheServiceEnds) {
  body_->started = true;
  bool asked = false;
  runtime().add_readiness_check("gone", [&asked] {
    asked = true;
    return std::string();
  });

  body_->finished = true;

  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_FALSE(asked);
}

TEST_F(RuntimeTest, AFailedTaskIsLoggedAndObjects) {
  body_->started = true;

  runtime().tasks().spawn("beats", fail(Error(Code::Internal, "broke")));
  loop_.poll();

  EXPECT_TRUE(log_.has("task-failed", "task=beats"));
  const auto response = get("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("beats"));
}

TEST_F(RuntimeTest, HealthAndMetricsAnswer) {
  metrics_->counter("sluice_policy_decisions_total", "Decisions.").add();

  EXPECT_THAT(get("/healthz").body, HasSubstr(R"("instance":"policy-engine-1")"));
  const auto metrics = get("/metrics");
  EXPECT_THAT(metrics.body, HasSubstr("sluice_policy_decisions_total 1"));
  EXPECT_THAT(metrics.headers.get("content-type"), HasSubstr("version=0.0.4"));
}

TEST_F(RuntimeTest, TheRunFileNamesPidAndPorts) {
  runtime().publish_port("health", 4100);
  runtime().publish_port("http", 4200);

  EXPECT_EQ(
      folder_.read("run/policy-engine-1.json"),
      R"({"service":"policy-engine","instance":"policy-engine-1","pid":)" +
          std::to_string(::getpid()) + R"(,"ports":{"health":4100,"http":4200}})" + "\n"
  );
  body_->remove_run_file();
  EXPECT_FALSE(std::filesystem::exists(folder_.file("run/policy-engine-1.json")));
}

TEST(ProcessOptions, ComeFromTheEnvironment) {
  const auto given = process_options(
      "ingress", {{"SLUICE_INSTANCE", "ingress-a"}, {"SLUICE_SECRETS_DIR", "/s"}}, {}
  );
  const auto made = process_options("ingress", {}, {});

  ASSERT_THAT(given, IsOk());
  EXPECT_EQ(given.value().instance, "ingress-a");
  EXPECT_EQ(given.value().secrets_directory, "/s");
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(made.value().instance, ::testing::MatchesRegex("ingress-[0-9a-f]{8}"));
  EXPECT_EQ(made.value().secrets_directory, "/run/sluice/secrets/ingress");
  EXPECT_THAT(process_options("ingress", {{"SLUICE_INSTANCE", "a.b"}}, {}), HasCode(Code::Invalid));
}

TEST(ReadAudit, GivesEachServiceAFolder) {
  auto document = config::Document::from_text(
      R"({"audit": {"outbox_directory": "/o", "retention_days": 4}, "bus": {"url": "nats://h:1"}})",
      {}
  );
  ASSERT_THAT(document, IsOk());

  EXPECT_EQ(read_audit(document.value(), "ingress").outbox_directory, "/o/ingress");
  EXPECT_EQ(read_bus(document.value()).url, "nats://h:1");
  EXPECT_THAT(document.value().finish(), IsOk());
}

// What the service of the tests below does.
struct Script {
  Result<void> before_stopped;
  Result<void> after_stopped;
  bool ran = false;
};

Async<void> follow(Runtime runtime, Script* script) {
  script->ran = true;
  SLUICE_CO_CHECK_OK(script->before_stopped);
  ::kill(::getpid(), SIGTERM);
  SLUICE_CO_CHECK_OK(co_await runtime.stopped());
  co_return script->after_stopped;
}

struct Ended {
  int exit_code = -1;
  std::string out;
  std::string err;
};

Ended run_service(Script* script, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "test-service");
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Ended run;
  run.exit_code = detail::run(
      "test-service",
      static_cast<int>(argv.size()),
      argv.data(),
      [script](config::Document& document) {
        static_cast<void>(document.section("policy").integer(
            "limit", {.fallback = 5, .min = 1, .max = 9, .description = "A limit."}
        ));
        return detail::Starter([script](Runtime runtime) { return follow(runtime, script); });
      }
  );
  run.out = ::testing::internal::GetCapturedStdout();
  run.err = ::testing::internal::GetCapturedStderr();
  return run;
}

class RunTest : public ::testing::Test {
 protected:
  Ended start(std::string_view settings, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--config", folder_.write("sluice.json", settings)});
    return run_service(&script_, std::move(more));
  }

  Folder folder_;
  Script script_;
};

TEST_F(RunTest, StoppedBySignalIsZero) {
  const Ended run =
      start(R"({"observability": {"run_directory": ")" + folder_.file("run") + R"("}})");

  EXPECT_EQ(run.exit_code, kExitStopped) << run.err;
  EXPECT_THAT(run.err, HasSubstr("service-starting"));
  EXPECT_THAT(run.err, HasSubstr("service-stopped exit_code=0 service=test-service"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.file("run")));
}

TEST_F(RunTest, FailureWhileRunningIsOne) {
  script_.after_stopped = Error(Code::Internal, "broke while running");

  const Ended run = start("{}");

  EXPECT_EQ(run.exit_code, kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("broke while running"));
}

TEST_F(RunTest, FailureBeforeRunningIsTwo) {
  script_.before_stopped = Error(Code::Unavailable, "no bus");

  const Ended run = start("{}");

  EXPECT_EQ(run.exit_code, kExitNotStarted);
  EXPECT_THAT(run.err, HasSubstr("start-failed"));
  EXPECT_THAT(run.err, HasSubstr("no bus"));
}

TEST_F(RunTest, FaultySettingsStartNothing) {
  const Ended run =
      start(R"({"policy": {"limit": 77}, "observability": {"log_level": "loud"}, "bsu": {}})");

  EXPECT_EQ(run.exit_code, kExitNotStarted);
  EXPECT_FALSE(script_.ran);
  EXPECT_THAT(run.err, HasSubstr("policy.limit: is 77, a number; give an integer from 1 to 9"));
  EXPECT_THAT(run.err, HasSubstr("observability.log_level: is \"loud\""));
  EXPECT_THAT(run.err, HasSubstr("bsu: is not a section"));
}

TEST_F(RunTest, ChecksSettingsOnly) {
  const Ended run = start(R"({"policy": {"limit": 7}})", {"--check-config"});

  EXPECT_EQ(run.exit_code, kExitStopped);
  EXPECT_FALSE(script_.ran);
  EXPECT_THAT(run.out, HasSubstr("ok for test-service"));
}

TEST_F(RunTest, PrintsTheSettingsInUse) {
  const Ended run = start(R"({"policy": {"limit": 7}})", {"--print-config"});

  EXPECT_EQ(run.exit_code, kExitStopped);
  EXPECT_THAT(run.out, HasSubstr("policy.limit = 7  (file)"));
  EXPECT_THAT(run.out, HasSubstr("observability.port = 0  (default)"));
}

TEST_F(RunTest, PrintsTheTableOfSettingsWithoutAFile) {
  const Ended run = run_service(&script_, {"--print-settings"});

  EXPECT_EQ(run.exit_code, kExitStopped);
  EXPECT_THAT(run.out, HasSubstr("| `policy.limit` | integer |  | 5 | 1 … 9 | A limit. |"));
  EXPECT_FALSE(script_.ran);
}

TEST_F(RunTest, PrintsItsVersion) {
  const Ended run = run_service(&script_, {"--version"});

  EXPECT_EQ(run.exit_code, kExitStopped);
  EXPECT_THAT(run.out, HasSubstr("test-service 0."));
}

TEST_F(RunTest, RefusesUnknownArgumentsAndNoConfiguration) {
  EXPECT_EQ(run_service(&script_, {"--confg", "x"}).exit_code, kExitNotStarted);
  const Ended none = run_service(&script_, {});
  EXPECT_EQ(none.exit_code, kExitNotStarted);
  EXPECT_THAT(none.err, HasSubstr("give --config <file> or set SLUICE_CONFIG"));
  const Ended missing = run_service(&script_, {"--config", "/nowhere.json"});
  EXPECT_EQ(missing.exit_code, kExitNotStarted);
  EXPECT_THAT(missing.err, HasSubstr("/nowhere.json cannot be read"));
}

TEST_F(RunTest, AnOccupiedHealthPortIsAFailureToStart) {
  const Ended run = start(R"({"observability": {"address": "203.0.113.77", "port": 4999}})");

  EXPECT_EQ(run.exit_code, kExitNotStarted);
  EXPECT_FALSE(script_.ran);
  EXPECT_THAT(run.err, HasSubstr("start-failed listener=health"));
}

}  // namespace
}  // namespace sluice::service
