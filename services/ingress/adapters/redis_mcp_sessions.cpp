#include "services/ingress/adapters/redis_mcp_sessions.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::ingress {
namespace {

std::string key_of(const Owner& owner) {
  crypto::Sha256 digest;
  digest.field(owner.tenant).field(owner.principal);
  return "sluice:ingress:mcp_sessions:" + to_hex(digest.finish());
}

// 0 for what is no time: unused forever.
std::int64_t time_of(const std::optional<std::string>& text) {
  std::int64_t time = 0;
  if (text) {
    std::from_chars(text->data(), text->data() + text->size(), time);
  }
  return time;
}

std::int64_t milliseconds(std::chrono::milliseconds duration) {
  return duration.count();
}

}  // namespace

Async<void> RedisMcpSessions::open(Owner owner, std::string session) {
  const std::string key = key_of(owner);
  SLUICE_CO_CHECK_OK(co_await make_room(key));
  co_return co_await note(key, std::move(session));
}

Async<bool> RedisMcpSessions::touch(Owner owner, std::string session) {
  std::string key = key_of(owner);
  std::vector<std::string> words{"HGET", key, session};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  const std::int64_t unused_ms = clock_->unix_ms() - time_of(reply.text());
  if (reply.is_nil() || unused_ms >= milliseconds(kMcpSessionIdleMax)) {
    co_return false;
  }
  if (unused_ms >= milliseconds(kMcpSessionNoteAfter)) {
    SLUICE_CO_CHECK_OK(co_await note(std::move(key), std::move(session)));
  }
  co_return true;
}

Async<bool> RedisMcpSessions::close(Owner owner, std::string session) {
  std::vector<std::string> words{"HDEL", key_of(owner), std::move(session)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return reply.integer_or(0) > 0;
}

Async<void> RedisMcpSessions::note(std::string key, std::string session) {
  std::vector<std::string> set{"HSET", key, std::move(session), std::to_string(clock_->unix_ms())};
  SLUICE_CO_TRY(const redis::Reply noted, co_await client_->command(std::move(set)));
  std::vector<std::string> live{
      "PEXPIRE", std::move(key), std::to_string(milliseconds(kMcpSessionIdleMax))
  };
  SLUICE_CO_TRY(const redis::Reply expires, co_await client_->command(std::move(live)));
  co_return Result<void>();
}

Async<void> RedisMcpSessions::make_room(std::string key) {
  std::vector<std::string> words{"HGETALL", key};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  const auto* fields = std::get_if<std::vector<redis::Reply>>(&reply.value);
  std::vector<std::pair<std::int64_t, std::string>> sessions;  // by their last use
  for (std::size_t i = 0; fields != nullptr && i + 1 < fields->size(); i += 2) {
    sessions.emplace_back(time_of((*fields)[i + 1].text()), (*fields)[i].text().value_or(""));
  }
  std::sort(sessions.begin(), sessions.end());
  const std::int64_t oldest = clock_->unix_ms() - milliseconds(kMcpSessionIdleMax);
  std::vector<std::string> ended{"HDEL", std::move(key)};
  std::size_t left = sessions.size();
  for (auto& [used, session] : sessions) {
    if (used > oldest && left < kMcpSessionsMax) {
      break;
    }
    ended.push_back(std::move(session));
    --left;
  }
  if (ended.size() > 2) {
    SLUICE_CO_TRY(const redis::Reply done, co_await client_->command(std::move(ended)));
  }
  co_return Result<void>();
}

}  // namespace sluice::ingress
