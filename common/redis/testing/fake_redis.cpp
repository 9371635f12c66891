#include "common/redis/testing/fake_redis.h"

#include "common/redis/refusal.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::redis {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

Error wrong_number() {
  return error_of("ERR wrong number of arguments");
}

Error wrong_type() {
  return error_of("WRONGTYPE Operation against a key holding the wrong kind of value");
}

Result<std::int64_t> integer_of(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return error_of("ERR value is not an integer or out of range");
  }
  return number;
}

Reply count_of(std::int64_t count) {
  return Reply{count};
}

Reply text_of(std::string text) {
  return Reply{std::move(text)};
}

}  // namespace

const std::map<std::string, FakeRedis::Verb>& FakeRedis::verbs() {
  static const std::map<std::string, Verb> kVerbs{
      {"PING", &FakeRedis::ping},       {"TIME", &FakeRedis::time},
      {"GET", &FakeRedis::get},         {"SET", &FakeRedis::set},
      {"MGET", &FakeRedis::mget},       {"DEL", &FakeRedis::del},
      {"EXISTS", &FakeRedis::exists},   {"EXPIRE", &FakeRedis::expire},
      {"PEXPIRE", &FakeRedis::pexpire}, {"TTL", &FakeRedis::ttl},
      {"PTTL", &FakeRedis::pttl},       {"INCR", &FakeRedis::incr},
      {"INCRBY", &FakeRedis::incrby},   {"HSET", &FakeRedis::hset},
      {"HGET", &FakeRedis::hget},       {"HGETALL", &FakeRedis::hgetall},
      {"HDEL", &FakeRedis::hdel},       {"SADD", &FakeRedis::sadd},
      {"SREM", &FakeRedis::srem},       {"SMEMBERS", &FakeRedis::smembers},
  };
  return kVerbs;
}

Result<void> FakeRedis::step() {
  if (down_) {
    return Error(Code::Unavailable, "redis is not reachable; retry later");
  }
  return faults_ == nullptr ? Result<void>() : faults_->step();
}

Async<Reply> FakeRedis::command(std::vector<std::string> words) {
  SLUICE_CO_CHECK_OK(step());
  co_return call(words);
}

Async<Reply> FakeRedis::script(
    std::string source, std::vector<std::string> keys, std::vector<std::string> arguments
) {
  SLUICE_CO_CHECK_OK(step());
  const auto known = scripts_.find(source);
  if (known == scripts_.end()) {
    co_return error_of("ERR the fake has no function for this script: call on_script first");
  }
  co_return known->second(*this, keys, arguments);
}

Async<void> FakeRedis::close() {
  down_ = true;
  co_return Result<void>();
}

Result<Reply> FakeRedis::call(const std::vector<std::string>& words) {
  if (words.empty()) {
    return error_of("ERR empty command");
  }
  const auto verb = verbs().find(upper(words.front()));
  if (verb == verbs().end()) {
    return error_of("ERR unknown command '" + words.front() + "' (the fake lacks it)");
  }
  return (this->*verb->second)(words);
}

Error FakeRedis::refuse(std::string text) {
  return error_of(text);
}

void FakeRedis::on_script(std::string source, Script function) {
  scripts_[std::move(source)] = std::move(function);
}

std::vector<std::string> FakeRedis::keys() {
  std::vector<std::string> all;
  for (const auto& [key, entry] : entries_) {
    all.push_back(key);
  }
  std::erase_if(all, [this](const std::string& key) { return find(key) == nullptr; });
  return all;
}

FakeRedis::Entry* FakeRedis::find(const std::string& key) {
  const auto place = entries_.find(key);
  if (place == entries_.end()) {
    return nullptr;
  }
  const auto& expires = place->second.expires_unix_ms;
  if (expires && *expires <= clock_->unix_ms()) {
    entries_.erase(place);
    return nullptr;
  }
  return &place->second;
}

template <class T>
Result<T*> FakeRedis::find_as(const std::string& key) {
  Entry* entry = find(key);
  if (entry == nullptr) {
    return static_cast<T*>(nullptr);
  }
  T* value = std::get_if<T>(&entry->value);
  if (value == nullptr) {
    return wrong_type();
  }
  return value;
}

template <class T>
Result<T*> FakeRedis::make_as(const std::string& key) {
  SLUICE_TRY(T * value, find_as<T>(key));
  if (value != nullptr) {
    return value;
  }
  Entry& entry = entries_[key];
  entry.value.emplace<T>();
  return std::get_if<T>(&entry.value);
}

Reply FakeRedis::expire_in(const std::string& key, std::int64_t ms) {
  Entry* entry = find(key);
  if (entry == nullptr) {
    return count_of(0);
  }
  entry->expires_unix_ms = clock_->unix_ms() + ms;
  return count_of(1);
}

std::int64_t FakeRedis::left_ms(const std::string& key) {
  const Entry* entry = find(key);
  if (entry == nullptr) {
    return -2;
  }
  return entry->expires_unix_ms ? *entry->expires_unix_ms - clock_->unix_ms() : -1;
}

void FakeRedis::drop_if_empty(const std::string& key) {
  const Entry* entry = find(key);
  if (entry == nullptr) {
    return;
  }
  const auto* hash = std::get_if<Hash>(&entry->value);
  const auto* members = std::get_if<Members>(&entry->value);
  if ((hash != nullptr && hash->empty()) || (members != nullptr && members->empty())) {
    entries_.erase(key);
  }
}

Result<Reply> FakeRedis::ping(const Words& /*words*/) {
  return text_of("PONG");
}

Result<Reply> FakeRedis::time(const Words& /*words*/) {
  const std::int64_t now = clock_->unix_ms();
  return Reply{std::vector<Reply>{
      text_of(std::to_string(now / 1000)), text_of(std::to_string(now % 1000 * 1000))
  }};
}

Result<Reply> FakeRedis::get(const Words& words) {
  if (words.size() != 2) {
    return wrong_number();
  }
  SLUICE_TRY(const std::string* value, find_as<std::string>(words[1]));
  return value == nullptr ? Reply{} : text_of(*value);
}

Result<Reply> FakeRedis::set(const Words& words) {
  if (words.size() < 3) {
    return wrong_number();
  }
  bool only_new = false;
  bool only_old = false;
  std::optional<std::int64_t> life_ms;
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::string option = upper(words[i]);
    if (option == "NX") {
      only_new = true;
    } else if (option == "XX") {
      only_old = true;
    } else if ((option == "EX" || option == "PX") && i + 1 < words.size()) {
      SLUICE_TRY(const std::int64_t amount, integer_of(words[++i]));
      life_ms = option == "EX" ? amount * 1000 : amount;
    } else {
      return error_of("ERR syntax error");
    }
  }
  if ((only_new && only_old) || (life_ms && *life_ms <= 0)) {
    return error_of("ERR syntax error");
  }
  const bool exists = find(words[1]) != nullptr;
  if ((only_new && exists) || (only_old && !exists)) {
    return Reply{};
  }
  Entry entry{.value = words[2], .expires_unix_ms = std::nullopt};
  if (life_ms) {
    entry.expires_unix_ms = clock_->unix_ms() + *life_ms;
  }
  entries_[words[1]] = std::move(entry);
  return text_of("OK");
}

Result<Reply> FakeRedis::mget(const Words& words) {
  if (words.size() < 2) {
    return wrong_number();
  }
  std::vector<Reply> values;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto value = find_as<std::string>(words[i]);
    const bool is_there = value.ok() && value.value() != nullptr;
    values.push_back(is_there ? text_of(*value.value()) : Reply{});
  }
  return Reply{std::move(values)};
}

Result<Reply> FakeRedis::del(const Words& words) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    count += find(words[i]) == nullptr ? 0 : 1;
    entries_.erase(words[i]);
  }
  return words.size() < 2 ? Result<Reply>(wrong_number()) : count_of(count);
}

Result<Reply> FakeRedis::exists(const Words& words) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    count += find(words[i]) == nullptr ? 0 : 1;
  }
  return words.size() < 2 ? Result<Reply>(wrong_number()) : count_of(count);
}

Result<Reply> FakeRedis::expire(const Words& words) {
  if (words.size() != 3) {
    return wrong_number();
  }
  SLUICE_TRY(const std::int64_t seconds, integer_of(words[2]));
  return expire_in(words[1], seconds * 1000);
}

Result<Reply> FakeRedis::pexpire(const Words& words) {
  if (words.size() != 3) {
    return wrong_number();
  }
  SLUICE_TRY(const std::int64_t ms, integer_of(words[2]));
  return expire_in(words[1], ms);
}

Result<Reply> FakeRedis::ttl(const Words& words) {
  if (words.size() != 2) {
    return wrong_number();
  }
  const std::int64_t left = left_ms(words[1]);
  return count_of(left < 0 ? left : (left + 500) / 1000);
}

Result<Reply> FakeRedis::pttl(const Words& words) {
  return words.size() != 2 ? Result<Reply>(wrong_number()) : count_of(left_ms(words[1]));
}

Result<Reply> FakeRedis::incr(const Words& words) {
  return words.size() != 2 ? Result<Reply>(wrong_number()) : incrby({"INCRBY", words[1], "1"});
}

Result<Reply> FakeRedis::incrby(const Words& words) {
  if (words.size() != 3) {
    return wrong_number();
  }
  SLUICE_TRY(const std::int64_t amount, integer_of(words[2]));
  SLUICE_TRY(const std::string* present, find_as<std::string>(words[1]));
  SLUICE_TRY(const std::int64_t old, integer_of(present == nullptr ? "0" : *present));
  SLUICE_TRY(std::string * value, make_as<std::string>(words[1]));
  *value = std::to_string(old + amount);
  return count_of(old + amount);
}

Result<Reply> FakeRedis::hset(const Words& words) {
  if (words.size() < 4 || words.size() % 2 != 0) {
    return wrong_number();
  }
  SLUICE_TRY(Hash * hash, make_as<Hash>(words[1]));
  std::int64_t added = 0;
  for (std::size_t i = 2; i < words.size(); i += 2) {
    added += hash->insert_or_assign(words[i], words[i + 1]).second ? 1 : 0;
  }
  return count_of(added);
}

Result<Reply> FakeRedis::hget(const Words& words) {
  if (words.size() != 3) {
    return wrong_number();
  }
  SLUICE_TRY(const Hash* hash, find_as<Hash>(words[1]));
  if (hash == nullptr || !hash->contains(words[2])) {
    return Reply{};
  }
  return text_of(hash->at(words[2]));
}

Result<Reply> FakeRedis::hgetall(const Words& words) {
  if (words.size() != 2) {
    return wrong_number();
  }
  SLUICE_TRY(const Hash* hash, find_as<Hash>(words[1]));
  std::vector<Reply> items;
  if (hash != nullptr) {
    for (const auto& [field, value] : *hash) {
      items.push_back(text_of(field));
      items.push_back(text_of(value));
    }
  }
  return Reply{std::move(items)};
}

Result<Reply> FakeRedis::hdel(const Words& words) {
  if (words.size() < 3) {
    return wrong_number();
  }
  SLUICE_TRY(Hash * hash, find_as<Hash>(words[1]));
  std::int64_t count = 0;
  for (std::size_t i = 2; hash != nullptr && i < words.size(); ++i) {
    count += static_cast<std::int64_t>(hash->erase(words[i]));
  }
  drop_if_empty(words[1]);
  return count_of(count);
}

Result<Reply> FakeRedis::sadd(const Words& words) {
  if (words.size() < 3) {
    return wrong_number();
  }
  SLUICE_TRY(Members * members, make_as<Members>(words[1]));
  std::int64_t added = 0;
  for (std::size_t i = 2; i < words.size(); ++i) {
    added += members->emplace(words[i], true).second ? 1 : 0;
  }
  return count_of(added);
}

Result<Reply> FakeRedis::srem(const Words& words) {
  if (words.size() < 3) {
    return wrong_number();
  }
  SLUICE_TRY(Members * members, find_as<Members>(words[1]));
  std::int64_t count = 0;
  for (std::size_t i = 2; members != nullptr && i < words.size(); ++i) {
    count += static_cast<std::int64_t>(members->erase(words[i]));
  }
  drop_if_empty(words[1]);
  return count_of(count);
}

Result<Reply> FakeRedis::smembers(const Words& words) {
  if (words.size() != 2) {
    return wrong_number();
  }
  SLUICE_TRY(const Members* members, find_as<Members>(words[1]));
  std::vector<Reply> items;
  if (members != nullptr) {
    for (const auto& [member, present] : *members) {
      items.push_back(text_of(member));
    }
  }
  return Reply{std::move(items)};
}

}  // namespace sluice::redis
