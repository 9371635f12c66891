#include "services/ingress/adapters/redis_mcp_sessions.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kCapabilities = "capabilities";
constexpr std::string_view kLogLevel = "log_level";
constexpr std::string_view kUriPrefix = "uri ";

std::string key_of(const Owner& owner) {
  crypto::Sha256 digest;
  digest.field(owner.tenant).field(owner.principal);
  return "sluice:ingress:mcp_sessions:" + to_hex(digest.finish());
}

std::string key_of(const Owner& owner, std::string_view session) {
  crypto::Sha256 digest;
  digest.field(owner.tenant).field(owner.principal).field(session);
  return "sluice:ingress:mcp_session:" + to_hex(digest.finish());
}

// The pairs of a hash.
std::vector<std::pair<std::string, std::string>> fields_of(const redis::Reply& reply) {
  const auto* words = std::get_if<std::vector<redis::Reply>>(&reply.value);
  std::vector<std::pair<std::string, std::string>> fields;
  for (std::size_t i = 0; words != nullptr && i + 1 < words->size(); i += 2) {
    fields.emplace_back((*words)[i].text().value_or(""), (*words)[i + 1].text().value_or(""));
  }
  return fields;
}

// 0 for what is no time: unused forever.
std::int64_t time_of(const std::string& text) {
  std::int64_t time = 0;
  std::from_chars(text.data(), text.data() + text.size(), time);
  return time;
}

std::int64_t milliseconds(std::chrono::milliseconds duration) {
  return duration.count();
}

}  // namespace

Async<void> RedisMcpSessions::open(Owner owner, std::string session, std::string capabilities) {
  SLUICE_CO_CHECK_OK(co_await make_room(owner));
  std::string key = key_of(owner, session);
  SLUICE_CO_CHECK_OK(
      co_await set(std::move(key), std::string(kCapabilities), std::move(capabilities))
  );
  co_return co_await note(std::move(owner), std::move(session));
}

Async<bool> RedisMcpSessions::touch(Owner owner, std::string session) {
  std::vector<std::string> words{"HGET", key_of(owner), session};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  const std::int64_t unused_ms = clock_->unix_ms() - time_of(reply.text().value_or(""));
  if (reply.is_nil() || unused_ms >= milliseconds(kMcpSessionIdleMax)) {
    co_return false;
  }
  if (unused_ms >= milliseconds(kMcpSessionNoteAfter)) {
    SLUICE_CO_CHECK_OK(co_await note(std::move(owner), std::move(session)));
  }
  co_return true;
}

Async<bool> RedisMcpSessions::close(Owner owner, std::string session) {
  std::vector<std::string> forget{"DEL", key_of(owner, session)};
  SLUICE_CO_TRY(const redis::Reply forgotten, co_await client_->command(std::move(forget)));
  std::vector<std::string> words{"HDEL", key_of(owner), std::move(session)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return reply.integer_or(0) > 0;
}

Async<McpSessionState> RedisMcpSessions::state(Owner owner, std::string session) {
  std::vector<std::string> words{"HGETALL", key_of(owner, session)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  McpSessionState state;
  for (auto& [field, value] : fields_of(reply)) {
    if (field == kCapabilities) {
      state.capabilities = std::move(value);
    } else if (field == kLogLevel) {
      state.log_level = std::move(value);
    } else if (field.starts_with(kUriPrefix)) {
      state.subscriptions.push_back(field.substr(kUriPrefix.size()));
    }
  }
  std::sort(state.subscriptions.begin(), state.subscriptions.end());
  co_return state;
}

Async<void> RedisMcpSessions::set_log_level(Owner owner, std::string session, std::string level) {
  std::string key = key_of(owner, session);
  co_return co_await set(std::move(key), std::string(kLogLevel), std::move(level));
}

Async<bool> RedisMcpSessions::subscribe(Owner owner, std::string session, std::string uri) {
  SLUICE_CO_TRY(const McpSessionState known, co_await state(owner, session));
  const auto& uris = known.subscriptions;
  if (uris.size() >= kMcpSubscriptionsMax && !std::binary_search(uris.begin(), uris.end(), uri)) {
    co_return false;
  }
  SLUICE_CO_CHECK_OK(co_await set(key_of(owner, session), std::string(kUriPrefix) + uri, ""));
  co_return true;
}

Async<void> RedisMcpSessions::unsubscribe(Owner owner, std::string session, std::string uri) {
  std::vector<std::string> words{
      "HDEL", key_of(owner, session), std::string(kUriPrefix) + std::move(uri)
  };
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return Result<void>();
}

Async<void> RedisMcpSessions::note(Owner owner, std::string session) {
  std::string about = key_of(owner, session);
  const std::string now = std::to_string(clock_->unix_ms());
  SLUICE_CO_CHECK_OK(co_await set(key_of(owner), std::move(session), now));
  co_return co_await keep(std::move(about));
}

Async<void> RedisMcpSessions::set(std::string key, std::string field, std::string value) {
  std::vector<std::string> words{"HSET", key, std::move(field), std::move(value)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return co_await keep(std::move(key));
}

Async<void> RedisMcpSessions::keep(std::string key) {
  std::vector<std::string> words{
      "PEXPIRE", std::move(key), std::to_string(milliseconds(kMcpSessionIdleMax))
  };
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return Result<void>();
}

Async<void> RedisMcpSessions::make_room(Owner owner) {
  std::vector<std::string> words{"HGETALL", key_of(owner)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  std::vector<std::pair<std::int64_t, std::string>> sessions;  // by their last use
  for (auto& [session, used] : fields_of(reply)) {
    sessions.emplace_back(time_of(used), std::move(session));
  }
  std::sort(sessions.begin(), sessions.end());
  const std::int64_t oldest = clock_->unix_ms() - milliseconds(kMcpSessionIdleMax);
  std::vector<std::string> ended{"HDEL", key_of(owner)};
  std::vector<std::string> forgotten{"DEL"};
  std::size_t left = sessions.size();
  for (auto& [used, session] : sessions) {
    if (used > oldest && left < kMcpSessionsMax) {
      break;
    }
    forgotten.push_back(key_of(owner, session));
    ended.push_back(std::move(session));
    --left;
  }
  if (forgotten.size() > 1) {
    SLUICE_CO_TRY(const redis::Reply gone, co_await client_->command(std::move(forgotten)));
    SLUICE_CO_TRY(const redis::Reply done, co_await client_->command(std::move(ended)));
  }
  co_return Result<void>();
}

}  // namespace sluice::ingress
