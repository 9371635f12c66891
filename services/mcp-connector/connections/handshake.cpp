#include "services/mcp-connector/connections/handshake.h"

#include "services/mcp-connector/domain/era_probe.h"

#include "common/async/deadline.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::mcp_connector {
namespace {

// The version asked in first, and the one that the server names instead.
constexpr int kProbesMax = 2;

// Of a server that was not asked.
constexpr mcp::ServerCapabilities kAnyCapability{
    .has_tools = true,
    .has_resources = true,
    .has_prompts = true,
    .has_completions = true,
    .has_subscriptions = true,
    .has_logging = true
};

class Handshake {
 public:
  Handshake(McpSession* session, async::Clock* clock, TimePoint deadline)
      : session_(session), clock_(clock), deadline_(deadline) {}

  Async<Agreement> initialize(std::string version) {
    SLUICE_CO_TRY(const auto result, co_await session_->initialize(std::move(version), deadline_));
    co_return agreed(result);
  }

  // Without having been told what the server has.
  Agreement speak_modern_unasked(const std::string& version) {
    session_->speak_modern(version, Discovered::No);
    return {.protocol_version = version, .capabilities = kAnyCapability, .instructions = {}};
  }

  Async<Agreement> find_out() {
    SLUICE_CO_TRY(auto discovered, co_await discover());
    if (discovered) {
      co_return std::move(*discovered);
    }
    SLUICE_CO_TRY(
        Answer answer,
        co_await session_->ask_to_initialize(std::string(mcp::kLegacyVersions.front()), deadline_)
    );
    if (answer.error.empty()) {
      SLUICE_CO_TRY(const auto result, session_->initialized(std::move(answer)));
      co_return agreed(result);
    }
    if (auto late = late_verdict()) {
      co_return std::move(*late);
    }
    if (const auto version = modern_version_named_by(answer)) {
      co_return speak_modern_unasked(*version);
    }
    co_return session_->initialized(std::move(answer)).error();
  }

 private:
  static Agreement agreed(const mcp::InitializeResult& result) {
    return {
        .protocol_version = result.protocol_version,
        .capabilities = result.capabilities,
        .instructions = result.instructions
    };
  }

  Agreement speak_modern(const ProbeVerdict& verdict) {
    session_->speak_modern(verdict.version, Discovered::Yes);
    return {
        .protocol_version = verdict.version,
        .capabilities = verdict.capabilities,
        .instructions = verdict.instructions
    };
  }

  // nullopt: not clearly modern.
  Async<std::optional<Agreement>> discover() {
    const TimePoint now = clock_->now();
    const TimePoint until = now + std::min<Duration>(kProbeTimeout, (deadline_ - now) / 2);
    std::string version(mcp::kModernVersions.front());
    for (int probe = 0; probe < kProbesMax; ++probe) {
      SLUICE_CO_TRY(probe_, session_->discover(version, deadline_));
      const auto ended = co_await async::with_deadline(clock_, until, wait_for_probe());
      if (!ended.ok() && ended.error().code() != Code::Deadline) {
        co_return ended.error();
      }
      if (!ended.ok()) {
        break;  // silence; an answer that comes late is not lost
      }
      SLUICE_CO_TRY(const auto verdict, judge_probe());
      if (verdict.kind == ProbeVerdict::Kind::Modern) {
        co_return std::optional(speak_modern(verdict));
      }
      if (verdict.kind == ProbeVerdict::Kind::Legacy) {
        break;
      }
      version = verdict.version;
    }
    co_return std::optional<Agreement>();
  }

  Async<void> wait_for_probe() {
    while (true) {
      SLUICE_CO_TRY(const auto event, co_await probe_->next());
      if (!event) {
        co_return Result<void>();
      }
    }
  }

  // Errors: Unauthenticated: any question would be refused, for want of a token.
  Result<ProbeVerdict> judge_probe() {
    const auto answer = std::exchange(probe_, nullptr)->take();
    if (!answer.ok() && answer.error().code() == Code::Unauthenticated) {
      return answer.error();
    }
    return answer.ok() ? judge_discover(answer.value()) : ProbeVerdict();
  }

  // A server that was slow to start has answered both questions by the time it refuses the second.
  std::optional<Agreement> late_verdict() {
    const auto judged = probe_ && probe_->ended() ? judge_probe() : ProbeVerdict();
    const auto verdict = judged.ok() ? judged.value() : ProbeVerdict();
    if (verdict.kind != ProbeVerdict::Kind::Modern) {
      return std::nullopt;
    }
    return speak_modern(verdict);
  }

  McpSession* session_;
  async::Clock* clock_;
  TimePoint deadline_;
  std::unique_ptr<McpSession::Ticket> probe_;  // while unanswered
};

}  // namespace

Async<Agreement> shake_hands(
    McpSession* session, async::Clock* clock, const ServerConfig* server, TimePoint deadline
) {
  Handshake handshake(session, clock, deadline);
  if (server->pinned_version && mcp::is_modern_version(*server->pinned_version)) {
    co_return handshake.speak_modern_unasked(*server->pinned_version);
  }
  if (server->pinned_version || server->type == ConnectionType::Sse) {
    co_return co_await handshake.initialize(
        server->pinned_version.value_or(std::string(mcp::kLegacyVersions.front()))
    );
  }
  co_return co_await handshake.find_out();
}

}  // namespace sluice::mcp_connector
