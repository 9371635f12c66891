#include "services/codemode-sandbox/adapters/redis_run_store.h"

#include "services/codemode-sandbox/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <chrono>
#include <string_view>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::string_view kDocuments = "sluice:codemode:run:";
constexpr std::string_view kShorts = "sluice:codemode:short:";
constexpr std::string_view kIndexes = "sluice:codemode:runs:";

// KEYS: document, short form, indexes. ARGV: document, short form, run id, start (ms), seconds to
// keep, how many runs an index has.
constexpr const char* kPut = R"(
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[5])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5])
for i = 3, #KEYS do
  redis.call('ZADD', KEYS[i], ARGV[4], ARGV[3])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', tonumber(ARGV[4]) - 1000 * tonumber(ARGV[5]))
  redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -1 - tonumber(ARGV[6]))
  redis.call('EXPIRE', KEYS[i], ARGV[5])
end
return 1
)";

// KEYS: index. ARGV: how many, prefix of short forms.
constexpr const char* kNewest = R"(
local out = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)) do
  local short = redis.call('GET', ARGV[2] .. id)
  if short then out[#out + 1] = short end
end
return out
)";

std::string key_of(std::string_view prefix, std::string_view id) {
  return std::string(prefix).append(id);
}

std::string index_of(std::string_view tenant, std::string_view principal) {
  crypto::Sha256 digest;
  digest.field(tenant);
  if (!principal.empty()) {
    digest.field(principal);
  }
  return key_of(kIndexes, to_hex(digest.finish()));
}

}  // namespace

Async<void> RedisRunStore::put(StoredRun run) {
  std::vector<std::string> keys{
      key_of(kDocuments, run.run_id),
      key_of(kShorts, run.run_id),
      index_of(run.tenant, run.principal),
      index_of(run.tenant, "")
  };
  std::vector<std::string> arguments{
      std::move(run.document),
      std::move(run.summary),
      run.run_id,
      std::to_string(run.started_unix_ms),
      std::to_string(std::chrono::seconds(kRunKeptFor).count()),
      std::to_string(kRunsIndexedMax)
  };
  SLUICE_CO_TRY(
      [[maybe_unused]] const redis::Reply kept,
      co_await client_->script(kPut, std::move(keys), std::move(arguments))
  );
  co_return Result<void>();
}

Async<std::optional<std::string>> RedisRunStore::get(std::string key) {
  std::vector<std::string> words{"GET", std::move(key)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  co_return reply.text();
}

Async<std::optional<std::string>> RedisRunStore::summary(std::string run_id) {
  return get(key_of(kShorts, run_id));
}

Async<std::optional<std::string>> RedisRunStore::document(std::string run_id) {
  return get(key_of(kDocuments, run_id));
}

Async<std::vector<std::string>> RedisRunStore::newest(
    std::string tenant, std::string principal, std::size_t limit
) {
  std::vector<std::string> keys{index_of(tenant, principal)};
  std::vector<std::string> arguments{std::to_string(limit), std::string(kShorts)};
  SLUICE_CO_TRY(
      const redis::Reply reply,
      co_await client_->script(kNewest, std::move(keys), std::move(arguments))
  );
  std::vector<std::string> found;
  if (const auto* items = std::get_if<std::vector<redis::Reply>>(&reply.value); items != nullptr) {
    for (const redis::Reply& item : *items) {
      if (auto text = item.text()) {
        found.push_back(*std::move(text));
      }
    }
  }
  co_return found;
}

}  // namespace sluice::codemode_sandbox
