#include "services/mcp-connector/adapters/redis_leases.h"

#include "services/mcp-connector/adapters/redis_keys.h"
#include "services/mcp-connector/limits.h"

#include "common/async/deadline.h"

#include <charconv>

namespace sluice::mcp_connector {
namespace {

// KEYS lease, epoch. ARGV instance, last known epoch, lease ms, epoch ms. The new epoch as text, or
// nil.
constexpr std::string_view kAcquire = R"(
if redis.call('GET', KEYS[1]) then return false end
local time = redis.call('TIME')
local epoch = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[2]) or '0'))
if epoch <= known then epoch = known + 1 end
local text = string.format('%.0f', epoch)
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. text, 'PX', ARGV[3])
redis.call('SET', KEYS[2], text, 'PX', ARGV[4])
return text
)";

// KEYS lease, epoch. ARGV "<instance>:<epoch>", epoch, lease ms, epoch ms. 1 while it is still
// ours. A lease that Redis forgot is written again unless somebody was given a later epoch.
constexpr std::string_view kRenew = R"(
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
local known = redis.call('GET', KEYS[2])
if known and known ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
return 1
)";

// KEYS lease, epoch. ARGV "<instance>:<epoch>".
constexpr std::string_view kRelease = R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
)";

std::string milliseconds_text(std::chrono::milliseconds duration) {
  return std::to_string(duration.count());
}

}  // namespace

Async<redis::Reply> RedisLeases::script(
    std::string_view source, ServerId server, std::vector<std::string> arguments
) {
  co_return co_await async::with_deadline(
      deps_.clock,
      deps_.clock->now() + kLeaseCommandTimeout,
      deps_.redis->script(
          std::string(source), {lease_key(server), epoch_key(server)}, std::move(arguments)
      )
  );
}

Async<std::optional<std::uint64_t>> RedisLeases::acquire(
    ServerId server, std::uint64_t last_epoch
) {
  std::vector<std::string> arguments{
      deps_.instance,
      std::to_string(last_epoch),
      milliseconds_text(kLeaseTtl),
      milliseconds_text(kEpochTtl)
  };
  SLUICE_CO_TRY(
      const redis::Reply reply, co_await script(kAcquire, std::move(server), std::move(arguments))
  );
  if (reply.is_nil()) {
    co_return std::optional<std::uint64_t>();
  }
  const std::string text = reply.text().value_or("");
  std::uint64_t epoch = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), epoch);
  if (parsed.ec != std::errc() || epoch == 0) {
    co_return Error(Code::Internal, "Redis answered a lease with something that is no epoch");
  }
  co_return std::optional(epoch);
}

Async<bool> RedisLeases::renew(ServerId server, std::uint64_t epoch) {
  std::vector<std::string> arguments{
      token(epoch),
      std::to_string(epoch),
      milliseconds_text(kLeaseTtl),
      milliseconds_text(kEpochTtl)
  };
  SLUICE_CO_TRY(
      const redis::Reply reply, co_await script(kRenew, std::move(server), std::move(arguments))
  );
  co_return reply.integer_or(0) == 1;
}

Async<void> RedisLeases::release(ServerId server, std::uint64_t epoch) {
  SLUICE_CO_TRY(
      const redis::Reply reply, co_await script(kRelease, std::move(server), {token(epoch)})
  );
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
