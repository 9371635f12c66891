#include "services/policy-engine/adapters/redis_call_counters.h"

#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"
#include "common/grant/grant.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

// Keys. All have a TTL.
//   sluice:policy:limit:calls:<counter>     sorted set: call, when it was counted (ms)
//   sluice:policy:limit:flight:<counter>    sorted set: call, when it is over at the latest (ms)
//   sluice:policy:limit:counters:<limit>    sorted set: "<counter> <subject>", when it was last
//   used sluice:policy:limit:grant:<form>        hash: m its name as a call, n not-after of the
//   form of
//                                           its grant, re: it was decided again, end: it was used
//                                           and has ended, <key>: w or f, the counters it is in
constexpr std::string_view kPrefix = "sluice:policy:limit:";

// KEYS: of each call its record, and of each of its counters calls, flight and counters.
// ARGV: number of calls; of each call 1 to take its places (0: only look), id, not-after, ms that
// its record is kept, number of counters; of each counter calls (0: any), window ms, at once (0:
// any), ms until a call in flight is over, its member in counters; at the end how many counters of
// one limit are known by name.
// Of each call: 0 taken, 1 found, 2 over; over: index of the counter, 1 if at once, ms to wait.
constexpr std::string_view kReserve = R"(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local a, k = 0, 0
local function arg() a = a + 1; return ARGV[a] end
local function number() return tonumber(arg()) end
local function key() k = k + 1; return KEYS[k] end
local known = ARGV[#ARGV]
local out = {}
for call = 1, number() do
  local take = arg() == '1'
  local id = arg()
  local not_after = arg()
  local kept = arg()
  local record = key()
  local member = redis.call('HGET', record, 'm')
  local found = member and true or false
  local settled = found and redis.call('HGET', record, 'end')
  local again = found and redis.call('HGET', record, 'n') ~= not_after
  if not found then member = id .. ':' .. not_after .. ':' .. string.format('%.0f', now) end
  local counters, over, at_once, wait = {}, 0, 0, 0
  for c = 1, number() do
    local one = {}
    one.calls_key = key()
    one.flight_key = key()
    one.index = key()
    one.calls = number()
    one.window = number()
    one.at_once = number()
    one.flight = number()
    one.subject = arg()
    counters[c] = one
    if one.calls > 0 then
      redis.call('ZREMRANGEBYSCORE', one.calls_key, '-inf', now - one.window)
      one.counted = redis.call('ZSCORE', one.calls_key, member)
      local taken = redis.call('ZCARD', one.calls_key)
      if not one.counted and not settled and taken >= one.calls then
        if over == 0 then over = c end
        local rank = taken - one.calls
        local last = redis.call('ZRANGE', one.calls_key, rank, rank, 'WITHSCORES')
        wait = math.max(wait, tonumber(last[2]) + one.window - now)
      end
    end
    if one.at_once > 0 then
      redis.call('ZREMRANGEBYSCORE', one.flight_key, '-inf', now)
      if not settled and not redis.call('ZSCORE', one.flight_key, member) and
          redis.call('ZCARD', one.flight_key) >= one.at_once then
        if over == 0 then over, at_once = c, 1 end
      end
    end
  end
  if over > 0 then
    out[call] = {2, over - 1, at_once, wait}
  else
    out[call] = {found and 1 or 0, 0, 0, 0}
    if take and not settled then
      for _, one in ipairs(counters) do
        local longest = 0
        if one.calls > 0 then
          if not one.counted or again then
            redis.call('ZADD', one.calls_key, now, member)
            redis.call('PEXPIRE', one.calls_key, one.window)
          end
          redis.call('HSET', record, one.calls_key, 'w')
          longest = one.window
        end
        if one.at_once > 0 then
          redis.call('ZADD', one.flight_key, now + one.flight, member)
          redis.call('PEXPIRE', one.flight_key, one.flight)
          redis.call('HSET', record, one.flight_key, 'f')
          longest = math.max(longest, one.flight)
        end
        redis.call('ZADD', one.index, now, one.subject)
        redis.call('ZREMRANGEBYRANK', one.index, 0, -1 - known)
        if redis.call('PTTL', one.index) < longest then
          redis.call('PEXPIRE', one.index, longest)
        end
      end
      redis.call('HSET', record, 'm', member)
      redis.call('HSET', record, 'n', not_after)
      if found then redis.call('HSET', record, 're', '1') end
      redis.call('PEXPIRE', record, kept)
    end
  end
end
return out
)";

// KEYS: the records that the grant may have. ARGV: not-after, 1 if the call was not carried out, 1
// if it had the use of the grant. A form that was refused says nothing where the grant has another.
constexpr std::string_view kSettle = R"(
local done = 0
for _, record in ipairs(KEYS) do
  local member = redis.call('HGET', record, 'm')
  if member and not redis.call('HGET', record, 'end') then
    local sole = redis.call('HGET', record, 'n') == ARGV[1] and not redis.call('HGET', record, 're')
    if ARGV[3] == '1' or sole then
      local back = ARGV[2] == '1'
      local fields = redis.call('HGETALL', record)
      for i = 1, #fields, 2 do
        if fields[i + 1] == 'f' or (back and fields[i + 1] == 'w') then
          redis.call('ZREM', fields[i], member)
        end
      end
      if back then redis.call('DEL', record) else redis.call('HSET', record, 'end', '1') end
      done = done + 1
    end
  end
end
return done
)";

// KEYS: the limit's counters. ARGV: prefix of calls, window ms, prefix of flight, how many counters
// at most, bytes of a counter's id. Of each: subject, calls counted, when the oldest leaves (ms),
// calls in flight.
constexpr std::string_view kState = R"(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local window, size = tonumber(ARGV[2]), tonumber(ARGV[5])
local out = {}
for _, text in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, tonumber(ARGV[4]) - 1)) do
  local counter = string.sub(text, 1, size)
  local calls, flight = ARGV[1] .. counter, ARGV[3] .. counter
  local from = '(' .. string.format('%.0f', now - window)
  local oldest = redis.call('ZRANGEBYSCORE', calls, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  out[#out + 1] = {
    string.sub(text, size + 2), redis.call('ZCOUNT', calls, from, '+inf'),
    oldest[2] and (tonumber(oldest[2]) + window) or 0,
    redis.call('ZCOUNT', flight, '(' .. string.format('%.0f', now), '+inf')}
end
return out
)";

std::string key_of(std::string_view kind, std::string_view id) {
  return std::string(kPrefix).append(kind).append(":").append(id);
}

std::string record_key(std::string_view grant_id) {
  return key_of("grant", to_hex(grant_id));
}

// Of one form of a read's grant.
std::string record_key(std::string_view grant_id, std::int64_t not_after_unix_ms) {
  return record_key(grant_id) + ":" + std::to_string(not_after_unix_ms);
}

std::int64_t flight_ms(const Limit& limit) {
  return grant::kGrantLifeMs + kDecisionAheadMsMax + limit.longest_call_ms;
}

std::int64_t kept_ms(const Reservation& call) {
  std::int64_t longest = kReservationKeptMsMin;
  for (const LimitCounter& counter : call.counters) {
    longest = std::max({longest, counter.limit->window_ms, flight_ms(*counter.limit)});
  }
  return std::min(longest, kReservationKeptMsMax);
}

void add_counter(
    const LimitCounter& counter, std::vector<std::string>* keys, std::vector<std::string>* arguments
) {
  const Limit& limit = *counter.limit;
  keys->push_back(key_of("calls", counter.key));
  keys->push_back(key_of("flight", counter.key));
  keys->push_back(key_of("counters", limit.id));
  arguments->push_back(std::to_string(limit.calls));
  arguments->push_back(std::to_string(limit.window_ms));
  arguments->push_back(std::to_string(limit.at_once));
  arguments->push_back(std::to_string(flight_ms(limit)));
  arguments->push_back(counter.key + " " + counter.subject);
}

std::int64_t integer_at(const std::vector<redis::Reply>& items, std::size_t index) {
  return index < items.size() ? items[index].integer_or(0) : 0;
}

Error unreadable() {
  return Error(Code::Internal, "Redis answered a script of limits with something else");
}

void add_state(
    const Limit& limit, const std::vector<redis::Reply>& one, policy::v1::LimitState* state
) {
  const std::string subject = one.empty() ? "" : one.front().text().value_or("");
  const auto add = [&](std::int64_t taken, std::uint32_t allowed, bool at_once) {
    auto* const counter = state->add_counters();
    counter->set_subject(subject);
    counter->set_taken(static_cast<std::uint32_t>(taken));
    counter->set_calls(allowed);
    counter->set_at_once(at_once);
    counter->set_frees_unix_ms(at_once ? 0 : integer_at(one, 2));
  };
  if (limit.calls > 0 && integer_at(one, 1) > 0) {
    add(integer_at(one, 1), limit.calls, false);
  }
  if (limit.at_once > 0 && integer_at(one, 3) > 0) {
    add(integer_at(one, 3), limit.at_once, true);
  }
}

void sort_fullest_first(policy::v1::LimitState* state) {
  auto* const counters = state->mutable_counters();
  std::sort(counters->begin(), counters->end(), [](const auto& a, const auto& b) {
    const std::uint64_t left = std::uint64_t{a.taken()} * b.calls();
    const std::uint64_t right = std::uint64_t{b.taken()} * a.calls();
    return left != right ? left > right : a.subject() < b.subject();
  });
  const int most = static_cast<int>(kCountersShownMax);
  if (counters->size() > most) {
    counters->DeleteSubrange(most, counters->size() - most);
  }
}

}  // namespace

Async<std::vector<ReservationEnd>> RedisCallCounters::reserve(std::vector<Reservation> calls) {
  std::vector<std::string> keys;
  std::vector<std::string> arguments{std::to_string(calls.size())};
  for (const Reservation& call : calls) {
    keys.push_back(
        call.is_read ? record_key(call.grant_id, call.not_after_unix_ms) : record_key(call.grant_id)
    );
    arguments.emplace_back(call.only_look ? "0" : "1");
    arguments.push_back(call.grant_id);
    arguments.push_back(std::to_string(call.not_after_unix_ms));
    arguments.push_back(std::to_string(kept_ms(call)));
    arguments.push_back(std::to_string(call.counters.size()));
    for (const LimitCounter& counter : call.counters) {
      add_counter(counter, &keys, &arguments);
    }
  }
  arguments.push_back(std::to_string(kCountersShownMax));
  SLUICE_CO_TRY(
      const redis::Reply reply,
      co_await redis_->script(std::string(kReserve), std::move(keys), std::move(arguments))
  );
  const auto* const items = std::get_if<std::vector<redis::Reply>>(&reply.value);
  if (items == nullptr || items->size() != calls.size()) {
    co_return unreadable();
  }
  std::vector<ReservationEnd> ends;
  for (const redis::Reply& item : *items) {
    const auto* const numbers = std::get_if<std::vector<redis::Reply>>(&item.value);
    if (numbers == nullptr) {
      co_return unreadable();
    }
    ReservationEnd end;
    const std::int64_t kind = integer_at(*numbers, 0);
    end.kind = kind == 0   ? ReservationEnd::Kind::Taken
               : kind == 1 ? ReservationEnd::Kind::Found
                           : ReservationEnd::Kind::Over;
    end.counter = static_cast<std::size_t>(integer_at(*numbers, 1));
    end.at_once = integer_at(*numbers, 2) == 1;
    end.retry_after_ms = std::max(integer_at(*numbers, 3), end.at_once ? kAtOnceRetryMs : 1);
    ends.push_back(end);
  }
  co_return ends;
}

Async<void> RedisCallCounters::settle(connector::v1::CallEnded end) {
  std::vector<std::string> keys{
      record_key(end.grant_id()), record_key(end.grant_id(), end.not_after_unix_ms())
  };
  std::vector<std::string> arguments{
      std::to_string(end.not_after_unix_ms()),
      end.outcome() == connector::v1::OUTCOME_FAILED ? "1" : "0",
      end.used() ? "1" : "0"
  };
  SLUICE_CO_TRY(
      const redis::Reply reply,
      co_await redis_->script(std::string(kSettle), std::move(keys), std::move(arguments))
  );
  co_return Result<void>();
}

Async<policy::v1::LimitState> RedisCallCounters::state(Limit limit) {
  std::vector<std::string> keys{key_of("counters", limit.id)};
  std::vector<std::string> arguments{
      key_of("calls", ""),
      std::to_string(limit.window_ms),
      key_of("flight", ""),
      std::to_string(kCountersShownMax),
      std::to_string(2 * kCounterIdBytes)
  };
  SLUICE_CO_TRY(
      const redis::Reply reply,
      co_await redis_->script(std::string(kState), std::move(keys), std::move(arguments))
  );
  policy::v1::LimitState state;
  state.set_id(limit.id);
  const auto* const items = std::get_if<std::vector<redis::Reply>>(&reply.value);
  if (items == nullptr) {
    co_return unreadable();
  }
  for (const redis::Reply& item : *items) {
    if (const auto* const one = std::get_if<std::vector<redis::Reply>>(&item.value)) {
      add_state(limit, *one, &state);
    }
  }
  sort_fullest_first(&state);
  co_return state;
}

}  // namespace sluice::policy_engine
