// Of ServerConnection: whether its server lives, and whether it is to get more calls.
#include "services/mcp-connector/connections/server_connection.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

Error unanswered_error() {
  return Error(
      Code::Unavailable, "the MCP server does not answer; it is being restarted, retry later"
  );
}

}  // namespace

Result<std::unique_ptr<McpSession::Ticket>> ServerConnection::count_in(
    Result<std::unique_ptr<McpSession::Ticket>> ticket
) {
  if (ticket.ok()) {
    ++calls_open_;
  } else {
    circuit_.ended(CallVerdict::Nothing, deps_.clock->now());
  }
  return ticket;
}

void ServerConnection::call_ended(const Error* error, Duration waited) {
  --calls_open_;
  const TimePoint now = deps_.clock->now();
  CallVerdict verdict = verdict_of(error, waited, deps_.server->call_timeout);
  const bool gone = session_ == nullptr || session_->gone();
  if (verdict == CallVerdict::ServerFailed && gone) {
    const bool by_us = stopping_ || reconnect_asked_;
    verdict = by_us || std::exchange(loss_counted_, true) ? CallVerdict::Nothing : verdict;
  }
  if (error != nullptr && error->code() == Code::Unauthenticated && usable_ &&
      std::exchange(rights_wanted_, error->message()) != error->message()) {
    deps_.on_status();
  }
  if (circuit_.ended(verdict, now)) {
    deps_.log->warn(
        circuit_.is_open() ? "calls-refused" : "calls-let-through", {{"server", deps_.server->name}}
    );
    deps_.on_status();
  }
  if (!gone && error != nullptr && error->code() == Code::Deadline &&
      session_->last_sign_of_life() < now - waited) {
    health_wakeup_.raise();  // nothing came meanwhile: is it still there?
  }
}

std::string ServerConnection::message() const {
  if (usable_ && circuit_.is_open()) {
    return circuit_.message();
  }
  return wants_rights() ? rights_wanted_ : status_.message();
}

// Ends the session when the server is dead. Beside watch(), so that a list that hangs hides
// nothing.
Async<void> ServerConnection::check_health() {
  while (!ending()) {
    const TimePoint due = deps_.clock->now() + deps_.server->health_interval;
    SLUICE_CO_CHECK_OK(co_await health_wakeup_.sleep_until(deps_.clock, due));
    if (ending()) {
      break;
    }
    SLUICE_CO_TRY(const bool healthy, co_await is_healthy());
    if (!healthy && !ending()) {
      ping_failed_ = true;
      lose();
      session_->fail_all(unanswered_error());
      wakeup_.raise();
    }
  }
  co_return Result<void>();
}

// A server that works on calls may be too busy to answer; but one that says nothing for as long as
// a call may take is dead whatever it was asked.
Async<bool> ServerConnection::is_healthy() {
  const bool was_busy = calls_open_ > 0;
  SLUICE_CO_TRY(const bool alive, co_await gives_sign_of_life());
  if (alive || ending()) {
    co_return true;
  }
  const Duration silence = deps_.clock->now() - session_->last_sign_of_life();
  const bool busy = (was_busy || calls_open_ > 0) && silence < deps_.server->call_timeout;
  deps_.log->warn(
      "health-check-failed",
      {{"server", deps_.server->name},
       {"calls_open", calls_open_},
       {"silence_ms", std::chrono::duration_cast<std::chrono::milliseconds>(silence).count()}}
  );
  co_return busy;
}

// A question and, when nothing at all came meanwhile, another one. What was not refused by silence
// is repeated by listing the tools: not every http server takes a ping.
Async<bool> ServerConnection::gives_sign_of_life() {
  constexpr int kTriesMax = 3;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const TimePoint asked = deps_.clock->now();
    const auto heard = [this, asked] { return session_->last_sign_of_life() >= asked; };
    bool by_ping = deps_.server->is_ping_available && session_->has_ping();
    const auto first = co_await ask_health(by_ping, kHealthTimeout);
    if (first.ok() || heard() || ending()) {
      co_return true;
    }
    by_ping = by_ping && first.error().code() == Code::Deadline;
    const auto second = co_await ask_health(by_ping, kHealthRepeatTimeout);
    if (second.ok() || heard() || ending()) {
      co_return true;
    }
    const Duration listing = by_ping ? Duration(0) : 4 * list_took_;
    if (deps_.clock->now() - asked <=
        kHealthTimeout + kHealthRepeatTimeout + listing + kHealthLagMax) {
      break;
    }
  }
  co_return false;
}

// Errors: no answer. An answer that cannot be used is one too.
Async<void> ServerConnection::ask_health(bool by_ping, Duration limit) {
  const TimePoint now = deps_.clock->now();
  auto asked = by_ping ? co_await session_->ping(now + limit)
                       : co_await list_tools_only(now + limit + 2 * list_took_);
  if (!asked.ok() &&
      (asked.error().code() == Code::Deadline || asked.error().code() == Code::Unavailable ||
       asked.error().code() == Code::Exhausted)) {
    co_return std::move(asked).error();
  }
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
