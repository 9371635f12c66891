#include "common/service/process.h"

#include "common/async/deadline.h"
#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/http/server.h"
#include "common/service/health.h"
#include "common/service/runtime_body.h"

#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace sluice::service {
namespace {

using namespace std::chrono_literals;

// Threads for calls that block outside Postgres: files and names. Source: two such calls at a time
// are the most any service makes on its way to an answer.
constexpr std::size_t kBlockingThreads = 2;
// Health connections: a scraper, an orchestrator and a few people.
constexpr std::size_t kHealthConnectionsMax = 64;
constexpr auto kHealthDrain = 200ms;
// Time background tasks have to end after their cancellation; the audit client's last attempt is
// the longest.
constexpr auto kTasksRest = 5s;
// What is still on the loop after everything was closed gets this long to end by itself.
constexpr auto kLoopRest = 1s;

bool is_token(std::string_view text) {
  constexpr std::size_t kBytesMax = 64;
  return !text.empty() && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

class Process {
 public:
  explicit Process(const ProcessOptions& options)
      : clock_(loop_.get_executor()),
        log_(observability::make_stderr_log(
            options.service,
            options.instance,
            options.observability.level,
            options.observability.json
        )),
        metrics_(observability::make_metrics()),
        blocking_(kBlockingThreads),
        body_(std::make_shared<Runtime::Body>(Runtime::Body::Deps{
            .executor = loop_.get_executor(),
            .clock = &clock_,
            .log = log_.get(),
            .metrics = metrics_.get(),
            .blocking = &blocking_,
            .service = options.service,
            .instance = options.instance,
            .secrets_directory = options.secrets_directory,
            .run_directory = options.observability.run_directory,
        })),
        supervision_(loop_.get_executor(), [this](std::string_view name, const Error& error) {
          log_->error("task-failed", {{"task", name}, {"error", error.to_log()}});
        }) {}

  int run(const Observability& settings, const detail::Starter& start) {
    auto health = http::Server::listen(
        {.executor = loop_.get_executor(),
         .clock = &clock_,
         .log = log_.get(),
         .metrics = metrics_.get(),
         .service = body_->deps.service},
        {.address = settings.address,
         .port = settings.port,
         .connections_max = kHealthConnectionsMax},
        health_routes(body_)
    );
    if (!health.ok()) {
      log_->error("start-failed", {{"listener", "health"}, {"error", health.error().to_log()}});
      return kExitNotStarted;
    }
    health_ = std::move(health).value();
    watch_signals();
    supervision_.spawn("health", health_->serve());
    supervision_.spawn("service", supervise(start));
    loop_.run();
    loop_.restart();
    loop_.run_for(kLoopRest);
    body_->remove_run_file();
    return exit_code_;
  }

 private:
  // A second signal means: now. Whatever was promised is in the outbox file already.
  void watch_signals() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) {
        return;
      }
      log_->info("service-stopping", {{"signal", signal}});
      if (body_->stopping) {
        std::_Exit(kExitFailed);
      }
      body_->stop();
      watch_signals();
    });
  }

  Async<void> supervise(detail::Starter start) {
    Runtime(body_).publish_port("health", health_->port());
    log_->info("service-starting", {{"health_port", health_->port()}});
    const Result<void> result = co_await guarded(start);
    body_->finished = true;
    exit_code_ = code_of(result);
    body_->tasks.cancel();
    const auto closed =
        co_await async::with_deadline(&clock_, clock_.now() + kTasksRest, body_->tasks.close());
    if (!closed.ok()) {  // a task that does not end would keep the process for ever
      log_->error("tasks-stuck", {{"tasks", body_->tasks.size()}});
      body_->remove_run_file();
      std::_Exit(kExitFailed);
    }
    SLUICE_CO_CHECK_OK(co_await health_->drain(clock_.now() + kHealthDrain));
    signals_.cancel();
    log_->info("service-stopped", {{"exit_code", exit_code_}});
    boost::asio::post(loop_, [this] {
      supervision_.cancel();
      loop_.stop();
    });
    co_return Result<void>();
  }

  static Async<void> guarded(detail::Starter start, Runtime runtime) {
    try {
      co_return co_await start(std::move(runtime));
    } catch (const std::exception& exception) {
      co_return Error(Code::Internal, "the service threw").with_detail(exception.what());
    }
  }

  Async<void> guarded(detail::Starter start) { return guarded(std::move(start), Runtime(body_)); }

  int code_of(const Result<void>& result) {
    if (result.ok() || (body_->stopping && result.error().code() == Code::Cancelled)) {
      return kExitStopped;
    }
    if (body_->started) {
      log_->error("service-failed", {{"error", result.error().to_log()}});
      return kExitFailed;
    }
    log_->error("start-failed", {{"error", result.error().to_log()}});
    return kExitNotStarted;
  }

  boost::asio::io_context loop_{1};
  async::SystemClock clock_;
  std::unique_ptr<observability::Log> log_;
  std::unique_ptr<observability::Metrics> metrics_;
  async::BlockingPool blocking_;
  std::shared_ptr<Runtime::Body> body_;
  std::unique_ptr<http::Server> health_;
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  async::TaskGroup supervision_;
  int exit_code_ = kExitFailed;
};

}  // namespace

Observability Observability::load(config::Document& document) {
  config::Section section = document.section("observability");
  const std::string level = section.text(
      "log_level",
      {.fallback = "info",
       .choices = {"debug", "info", "warn", "error"},
       .description = "Lowest level that is logged."}
  );
  const std::map<std::string, observability::Level> levels{
      {"debug", observability::Level::Debug},
      {"info", observability::Level::Info},
      {"warn", observability::Level::Warn},
      {"error", observability::Level::Error},
  };
  const std::string format = section.text(
      "log_format",
      {.fallback = "text", .choices = {"text", "json"}, .description = "Form of a log line."}
  );
  return {
      .address = section.text(
          "address",
          {.fallback = "127.0.0.1",
           .description = "Address of the listener of /healthz, /readyz and /metrics."}
      ),
      .port = static_cast<std::uint16_t>(section.integer(
          "port",
          {.fallback = 0, .min = 0, .max = 65535, .description = "Its port; 0 = any free one."}
      )),
      .level = levels.at(level),
      .json = format == "json",
      .run_directory = section.text(
          "run_directory",
          {.fallback = "",
           .description = "Where `<instance>.json` with pid and ports is written; empty = nowhere."}
      ),
  };
}

Result<ProcessOptions> process_options(
    const std::string& service, const config::Environment& environment, Observability observability
) {
  ProcessOptions options;
  options.service = service;
  options.observability = std::move(observability);
  const auto instance = environment.find("SLUICE_INSTANCE");
  options.instance = instance != environment.end()
                         ? instance->second
                         : service + "-" + to_hex(crypto::random_bytes(4));
  if (!is_token(options.instance)) {
    return Error(
        Code::Invalid,
        "SLUICE_INSTANCE: give 1 to 64 letters, digits, '-' or '_', different for each process"
    );
  }
  const auto secrets = environment.find("SLUICE_SECRETS_DIR");
  options.secrets_directory =
      secrets != environment.end() ? secrets->second : "/run/sluice/secrets/" + service;
  return options;
}

int run_process(ProcessOptions options, const detail::Starter& start) {
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(concurrency-mt-unsafe): before any thread
  Process process(options);
  return process.run(options.observability, start);
}

}  // namespace sluice::service
