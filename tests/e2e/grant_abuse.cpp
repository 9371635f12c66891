// Speaks to a running stack over NATS as whoever holds the ingress credentials: requests without a
// grant, with a forged one, with changed arguments, replayed. Started by grant_abuse_test.py, which
// judges by the ledger outside Sluice and by the trail.
//
// Prints one line a case: "<name> <code>", where code is OK or the canonical error code.
#include "common/async/clock.h"
#include "common/base/bytes.h"
#include "common/bus/bus.h"
#include "common/bus/nats_bus.h"
#include "common/config/config.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/json/canonical.h"
#include "common/observability/log.h"
#include "common/testing/run_sync.h"

#include "proto/endpoints.h"

#include <boost/asio/io_context.hpp>

#include <cstdio>

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

struct Setting {
  std::string url, user, password, key, ledger_server, other_key;
};

struct Target {
  std::string server_id;
  std::string definition_hash;
};

class Abuser {
 public:
  Abuser(bus::Bus* bus, async::Clock* clock) : bus_(bus), clock_(clock) {}

  Async<void> run(Setting setting) {
    SLUICE_CO_TRY(token_, co_await authenticate(setting.key));
    SLUICE_CO_TRY(other_token_, co_await authenticate(setting.other_key));
    SLUICE_CO_CHECK_OK(co_await find_target(setting.ledger_server));

    const std::string arguments = R"({"token":"abuse"})";
    co_await report("no-grant", send("tools/call", arguments, "", token_));

    const auto forger = crypto::PrivateKey::generate();
    SLUICE_CO_TRY(const std::string good, co_await granted(arguments));
    policy::v1::SignedGrant signed_grant;
    policy::v1::Grant grant;
    if (!signed_grant.ParseFromString(good) || !grant.ParseFromString(signed_grant.payload())) {
      co_return Error(Code::Internal, "the grant could not be read");
    }
    co_await report(
        "forged-key", send("tools/call", arguments, grant::sign_grant(forger, grant), token_)
    );

    policy::v1::SignedGrant borrowed = signed_grant;
    grant.set_tool("look");
    borrowed.set_payload(grant.SerializeAsString());
    co_await report(
        "edited-payload", send("tools/call", arguments, borrowed.SerializeAsString(), token_)
    );
    borrowed = signed_grant;
    borrowed.set_payload(token_);
    co_await report(
        "token-as-grant", send("tools/call", arguments, borrowed.SerializeAsString(), token_)
    );

    co_await report("changed-arguments", send("tools/call", R"({"token":"other"})", good, token_));
    co_await report(
        "respelled-arguments", send("tools/call", R"({ "token":"abuse"})", good, token_)
    );
    co_await report("other-method", send("resources/read", arguments, good, token_));
    co_await report("no-token", send("tools/call", arguments, good, ""));
    co_await report("other-caller", send("tools/call", arguments, good, other_token_));
    std::string broken = token_;
    broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 1);
    co_await report("broken-token", send("tools/call", arguments, good, broken));

    co_await report("good", send("tools/call", arguments, good, token_));
    co_await report("replayed", send("tools/call", arguments, good, token_));
    co_return Result<void>();
  }

 private:
  [[nodiscard]] RequestContext context(std::string token) const {
    RequestContext context;
    context.request = RequestId("req_abuse");
    context.chain = ChainId(std::string(31, 'a') + "0");
    context.tenant = TenantId("default");
    context.deadline = clock_->now() + 10s;
    context.caller_token = std::move(token);
    return context;
  }

  Async<std::string> authenticate(std::string key) {
    policy::v1::AuthenticateRequest request;
    request.set_credential(key);
    SLUICE_CO_TRY(
        const auto reply, co_await bus_->call(endpoints::kPolicyAuthenticate, request, context(""))
    );
    co_return reply.caller_token();
  }

  Async<void> find_target(std::string server) {
    SLUICE_CO_TRY(
        const auto catalog,
        co_await bus_->call(
            endpoints::kConnectorCatalog, connector::v1::CatalogRequest(), context(token_)
        )
    );
    for (const auto& entry : catalog.servers()) {
      for (const auto& tool : entry.tools()) {
        if (entry.name() == server && tool.name() == "append") {
          target_ = {entry.server_id(), tool.definition_hash()};
          co_return Result<void>();
        }
      }
    }
    co_return Error(Code::NotFound, "the ledger server is not in the catalog");
  }

  Async<std::string> granted(std::string arguments) {
    policy::v1::DecideRequest request;
    request.set_decision_id(crypto::random_bytes(16));
    request.set_decision_unix_ms(clock_->unix_ms());
    request.set_mode(policy::v1::MODE_MANUAL);
    auto* call = request.add_calls();
    call->set_server_id(target_.server_id);
    call->set_server("ledger");
    call->set_tool("append");
    call->set_definition_hash(target_.definition_hash);
    call->set_arguments(arguments);
    call->set_tool_call_id("abuse-good");
    SLUICE_CO_TRY(
        const auto reply, co_await bus_->call(endpoints::kPolicyDecide, request, context(token_))
    );
    if (reply.decisions_size() != 1 || reply.decisions(0).grant().empty()) {
      co_return Error(
          Code::Denied,
          "no grant: " + (reply.decisions_size() == 1 ? reply.decisions(0).reason() : "")
      );
    }
    co_return reply.decisions(0).grant();
  }

  Async<connector::v1::Final> send(
      std::string method, std::string params, std::string grant, std::string token
  ) {
    connector::v1::Request request;
    request.set_server_id(target_.server_id);
    request.set_method(std::move(method));
    request.set_params(std::move(params));
    request.set_grant(std::move(grant));
    request.set_tool_call_id("abuse-" + std::to_string(++calls_));
    SLUICE_CO_TRY(
        auto stream,
        co_await bus_->open(
            endpoints::kConnectorRequest,
            target_.server_id,
            std::move(request),
            context(std::move(token))
        )
    );
    while (true) {
      SLUICE_CO_TRY(const auto chunk, co_await stream.next());
      if (!chunk) {
        co_return stream.final();
      }
    }
  }

  async::Plain<void> report(std::string name, Async<connector::v1::Final> attempt) {
    const auto result = co_await std::move(attempt);
    const std::string code = result.ok() ? "OK" : std::string(name_of(result.error().code()));
    std::printf(
        "%s %s %s\n",
        name.c_str(),
        code.c_str(),
        result.ok() ? "" : result.error().message().c_str()
    );
    std::fflush(stdout);
  }

  bus::Bus* bus_;
  async::Clock* clock_;
  Target target_;
  std::string token_;
  std::string other_token_;
  int calls_ = 0;
};

Async<void> attack(
    boost::asio::io_context* loop, async::Clock* clock, observability::Log* log, Setting setting
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
  transport->on_violation([](std::string_view text) {
    std::printf("violation %.*s\n", static_cast<int>(text.size()), text.data());
  });
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
    Abuser abuser(&link, clock);
    const auto result = co_await abuser.run(std::move(setting));
    SLUICE_CO_CHECK_OK(co_await link.drain(clock->now() + 2s));
    SLUICE_CO_CHECK_OK(result);
  }
  co_return co_await transport->close();
}

}  // namespace
}  // namespace sluice::e2e

int main() {
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
      .ledger_server = "ledger",
      .other_key = variable("ABUSE_OTHER_KEY"),
  };
  const auto result =
      sluice::testing::run_sync(loop, sluice::e2e::attack(&loop, &clock, log.get(), setting));
  if (!result.ok()) {
    std::printf("failed %s\n", result.error().to_log().c_str());
    return 1;
  }
  return 0;
}
