// Tries to cause effects it has no right to, against a running stack. Started by
// grant_abuse_test.py, which judges by the ledgers outside Sluice, the trail, Postgres and
// nats-server's log.
//
//   grant_abuse ingress    what whoever holds everything of ingress can try
//   grant_abuse caller     what one caller can try beyond its rights
//   grant_abuse forged     one grant signed by ABUSE_FORGER_PEM
//   grant_abuse hold       takes a grant, waits for the file ABUSE_GO, sends it
//
// Prints one line a step: name, expected codes, where it must show, the code it came to; separated
// by spaces.
#include "tests/e2e/abuse/abuse.h"

#include "common/async/deadline.h"
#include "common/base/bytes.h"
#include "common/bus/nats_bus.h"
#include "common/config/config.h"
#include "common/observability/log.h"
#include "common/testing/run_sync.h"

#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <filesystem>

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr auto kHoldTimeout = 120s;
constexpr auto kHoldLook = 20ms;

const char* name_of(Shown shown) {
  switch (shown) {
    case Shown::Answer:
      return "answer";
    case Shown::Trail:
      return "trail";
    case Shown::Server:
      return "server";
    case Shown::Rejected:
      return "rejected";
  }
  return "";
}

void say(
    const std::string& name, const std::string& expected, const char* shown, const std::string& got
) {
  std::printf("%s %s %s %s\n", name.c_str(), expected.c_str(), shown, got.c_str());
  std::fflush(stdout);
}

// The same path with everything right: takes effect once.
Async<std::string> control(Intruder* intruder, std::string token_text) {
  const std::string arguments = R"({"token":")" + token_text + R"("})";
  SLUICE_CO_TRY(
      const std::string grant,
      co_await intruder->granted(
          {.tool = intruder->tool("ledger-append"),
           .arguments = arguments,
           .token = intruder->token()}
      )
  );
  co_return co_await intruder->send(
      {.arguments = arguments, .grant = grant, .token = intruder->token()}
  );
}

Async<std::string> forged(Intruder* intruder) {
  const std::string arguments = R"({"token":"abuse-forged"})";
  SLUICE_CO_TRY(
      const std::string grant,
      co_await intruder->granted(
          {.tool = intruder->tool("ledger-append"),
           .arguments = arguments,
           .token = intruder->token()}
      )
  );
  co_return co_await intruder->send(
      {.arguments = arguments,
       .grant = grant::sign_grant(intruder->forger(), grant_in(grant)),
       .token = intruder->token()}
  );
}

Async<void> hold(Intruder* intruder) {
  const Setting& setting = intruder->setting();
  intruder->begin(setting.call);
  SLUICE_CO_TRY(const std::string decision, from_hex(setting.decision));
  SLUICE_CO_TRY(
      const std::string grant,
      co_await intruder->granted(
          {.tool = intruder->tool(setting.tool),
           .arguments = setting.arguments,
           .token = intruder->token(),
           .approval = setting.approval,
           .decision_id = decision}
      )
  );
  say("held", "-", "answer", to_hex(grant_in(grant).grant_id()));
  const TimePoint until = intruder->clock()->now() + kHoldTimeout;
  while (!std::filesystem::exists(setting.go_file) && intruder->clock()->now() < until) {
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(intruder->clock(), kHoldLook));
  }
  SLUICE_CO_TRY(const std::string token, co_await intruder->authenticate(setting.key));
  SLUICE_CO_TRY(
      const std::string sent,
      co_await intruder->send({.arguments = setting.arguments, .grant = grant, .token = token})
  );
  say("sent", "-", "trail", sent);
  co_return Result<void>();
}

Abuses table(const std::string& mode) {
  Abuses abuses;
  if (mode == "ingress") {
    add_questions(&abuses);
    add_subjects(&abuses);
    add_records(&abuses);
    add_frames(&abuses);
  } else if (mode == "caller") {
    add_decisions(&abuses);
    add_approvals(&abuses);
    add_administration(&abuses);
    add_grants(&abuses);
    add_flips(&abuses);
    add_run_tokens(&abuses);
  } else if (mode == "forged") {
    abuses.push_back({"forged", "Denied", Shown::Trail, forged});
  }
  return abuses;
}

Async<void> run(Intruder* intruder, std::string mode) {
  SLUICE_CO_CHECK_OK(co_await intruder->prepare());
  if (mode == "hold") {
    co_return co_await hold(intruder);
  }
  const Abuses abuses = table(mode);
  for (const Abuse& abuse : abuses) {
    intruder->begin(abuse.name);
    SLUICE_CO_TRY(const std::string got, co_await abuse.attempt(intruder));
    say(abuse.name, abuse.expected, name_of(abuse.shown), got);
  }
  // Still there, and still working for whom it should.
  intruder->begin("control");
  SLUICE_CO_TRY(const std::string got, co_await control(intruder, "control-" + mode));
  say("control", "OK", "answer", got);
  co_return Result<void>();
}

Async<void> attack(
    boost::asio::io_context* loop,
    async::Clock* clock,
    observability::Log* log,
    Setting setting,
    std::string mode
) {
  const auto metrics = observability::make_metrics();
  bus::NatsOptions options;
  options.url = setting.url;
  options.user = setting.user;
  options.password = setting.password;
  options.name = "grant-abuse";
  SLUICE_CO_TRY(
      auto transport, co_await bus::connect_nats(loop->get_executor(), clock, log, options)
  );
  {
    bus::Bus link(
        {.executor = loop->get_executor(),
         .clock = clock,
         .log = log,
         .metrics = metrics.get(),
         .transport = transport.get(),
         .service = setting.user,
         .instance = "grantabuse"}
    );
    SLUICE_CO_CHECK_OK(co_await link.start());
    Intruder intruder(std::move(setting), &link, transport.get(), clock);
    const auto result = co_await run(&intruder, std::move(mode));
    SLUICE_CO_CHECK_OK(co_await link.drain(clock->now() + 2s));
    SLUICE_CO_CHECK_OK(result);
  }
  co_return co_await transport->close();
}

}  // namespace
}  // namespace sluice::e2e

int main(int argc, char** argv) {
  const auto environment = sluice::config::process_environment();
  const auto variable = [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  boost::asio::io_context loop(1);
  sluice::async::SystemClock clock(loop.get_executor());
  const auto log = sluice::observability::make_stderr_log(
      "grant-abuse", "grantabuse", sluice::observability::Level::Info, false
  );
  const sluice::e2e::Setting setting{
      .url = variable("ABUSE_NATS_URL"),
      .user = variable("ABUSE_NATS_USER"),
      .password = variable("ABUSE_NATS_PASSWORD"),
      .key = variable("ABUSE_KEY"),
      .other_key = variable("ABUSE_OTHER_KEY"),
      .approver_key = variable("ABUSE_APPROVER_KEY"),
      .token_signing_pem = variable("ABUSE_TOKEN_SIGNING_PEM"),
      .grant_signing_pem = variable("ABUSE_GRANT_SIGNING_PEM"),
      .forger_pem = variable("ABUSE_FORGER_PEM"),
      .go_file = variable("ABUSE_GO"),
      .arguments = variable("ABUSE_ARGUMENTS"),
      .tool = variable("ABUSE_TOOL"),
      .approval = variable("ABUSE_APPROVAL"),
      .decision = variable("ABUSE_DECISION"),
      .call = variable("ABUSE_CALL"),
  };
  const auto result = sluice::testing::run_sync(
      loop, sluice::e2e::attack(&loop, &clock, log.get(), setting, argc > 1 ? argv[1] : "")
  );
  if (!result.ok()) {
    std::printf("failed %s\n", result.error().to_log().c_str());
    return 1;
  }
  return 0;
}
