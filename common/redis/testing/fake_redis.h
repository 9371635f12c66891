// FakeRedis: the commands Sluice uses, in memory, on a Clock. Passes the same suite as the real
// server (testing/redis_contract.h). Lua is not run: a test registers a C++ function for each
// script's source.
#pragma once

#include "common/redis/client.h"
#include "common/testing/fault_plan.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::redis {

// GET SET(NX XX EX PX) MGET DEL EXISTS EXPIRE PEXPIRE TTL PTTL INCR INCRBY HSET HGET HGETALL HDEL
// SADD SREM SMEMBERS TIME PING.
class FakeRedis final : public Client {
 public:
  // What redis.call does inside a script: runs at once.
  using Script = std::function<Result<Reply>(
      FakeRedis& redis,
      const std::vector<std::string>& keys,
      const std::vector<std::string>& arguments
  )>;

  explicit FakeRedis(async::Clock* clock, testing::FaultPlan* faults = nullptr)
      : clock_(clock), faults_(faults) {}

  Async<Reply> command(std::vector<std::string> words) override;
  Async<Reply> script(
      std::string source, std::vector<std::string> keys, std::vector<std::string> arguments
  ) override;

  [[nodiscard]] bool connected() const override { return !down_; }

  Async<void> close() override;

  [[nodiscard]] Result<Reply> call(const std::vector<std::string>& words);
  // A script's own refusal, as redis.error_reply gives it.
  [[nodiscard]] static Error refuse(std::string text);

  void on_script(std::string source, Script function);

  // Down: every command ends with Unavailable.
  void set_down(bool down) { down_ = down; }

  // Redis may be emptied at any time; so may this.
  void flush() { entries_.clear(); }

  [[nodiscard]] std::vector<std::string> keys();

 private:
  using Hash = std::map<std::string, std::string>;
  using Members = std::map<std::string, bool>;

  struct Entry {
    std::variant<std::string, Hash, Members> value;
    std::optional<std::int64_t> expires_unix_ms;
  };

  using Words = std::vector<std::string>;
  using Verb = Result<Reply> (FakeRedis::*)(const Words& words);

  [[nodiscard]] static const std::map<std::string, Verb>& verbs();
  [[nodiscard]] Result<void> step();
  [[nodiscard]] Entry* find(const std::string& key);
  // The value of that type; nullptr when absent; an error when it is of another type.
  template <class T>
  [[nodiscard]] Result<T*> find_as(const std::string& key);
  template <class T>
  [[nodiscard]] Result<T*> make_as(const std::string& key);
  [[nodiscard]] Reply expire_in(const std::string& key, std::int64_t ms);
  [[nodiscard]] std::int64_t left_ms(const std::string& key);
  void drop_if_empty(const std::string& key);

  Result<Reply> ping(const Words& words);
  Result<Reply> time(const Words& words);
  Result<Reply> get(const Words& words);
  Result<Reply> set(const Words& words);
  Result<Reply> mget(const Words& words);
  Result<Reply> del(const Words& words);
  Result<Reply> exists(const Words& words);
  Result<Reply> expire(const Words& words);
  Result<Reply> pexpire(const Words& words);
  Result<Reply> ttl(const Words& words);
  Result<Reply> pttl(const Words& words);
  Result<Reply> incr(const Words& words);
  Result<Reply> incrby(const Words& words);
  Result<Reply> hset(const Words& words);
  Result<Reply> hget(const Words& words);
  Result<Reply> hgetall(const Words& words);
  Result<Reply> hdel(const Words& words);
  Result<Reply> sadd(const Words& words);
  Result<Reply> srem(const Words& words);
  Result<Reply> smembers(const Words& words);

  async::Clock* clock_;
  testing::FaultPlan* faults_;
  bool down_ = false;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Script> scripts_;
};

}  // namespace sluice::redis
