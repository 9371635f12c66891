#include "services/ingress/adapters/redis_mcp_events.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <charconv>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kState = "state";

std::string key_of(const McpStreamName& name) {
  crypto::Sha256 digest;
  digest.field(name.owner.tenant).field(name.owner.principal);
  digest.field(name.session).field(name.stream);
  return "sluice:ingress:mcp_events:" + to_hex(digest.finish());
}

std::string text_of(const McpStreamState& state) {
  return std::to_string(state.events) + (state.ended ? " 1 " : " 0 ") + state.request_id;
}

// nullopt for what is none of ours.
std::optional<McpStreamState> state_in(std::string_view text) {
  McpStreamState state;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), state.events);
  if (error != std::errc()) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  state.ended = text.starts_with(" 1 ");
  if (!state.ended && !text.starts_with(" 0 ")) {
    return std::nullopt;
  }
  state.request_id = text.substr(3);
  return state;
}

}  // namespace

Async<void> RedisMcpEvents::keep(
    McpStreamName name, McpStreamState state, std::string event, std::chrono::seconds time
) {
  std::vector<std::string> words{"HSET", key_of(name), std::string(kState), text_of(state)};
  if (!event.empty()) {
    words.push_back(std::to_string(state.events));
    words.push_back(std::move(event));
  }
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return co_await renew(std::move(name), time);
}

Async<void> RedisMcpEvents::renew(McpStreamName name, std::chrono::seconds time) {
  std::vector<std::string> words{"EXPIRE", key_of(name), std::to_string(time.count())};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return Result<void>();
}

Async<void> RedisMcpEvents::forget(McpStreamName name, std::size_t number) {
  std::vector<std::string> words{"HDEL", key_of(name), std::to_string(number)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return Result<void>();
}

Async<std::optional<McpStreamState>> RedisMcpEvents::state(McpStreamName name) {
  std::vector<std::string> words{"HGET", key_of(name), std::string(kState)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return state_in(reply.text().value_or(""));
}

Async<std::optional<std::string>> RedisMcpEvents::event(McpStreamName name, std::size_t number) {
  std::vector<std::string> words{"HGET", key_of(name), std::to_string(number)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return reply.text();
}

}  // namespace sluice::ingress
