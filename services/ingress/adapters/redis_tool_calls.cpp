#include "services/ingress/adapters/redis_tool_calls.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <charconv>

namespace sluice::ingress {
namespace {

std::string key_of(std::string_view kind, const Owner& owner, std::string_view id) {
  crypto::Sha256 digest;
  digest.field(owner.tenant).field(owner.principal).field(id);
  return "sluice:ingress:" + std::string(kind) + ":" + to_hex(digest.finish());
}

std::string text_of(const ChainPoint& point) {
  return point.chain.str() + " " + std::to_string(point.hop);
}

}  // namespace

std::optional<ChainPoint> chain_point_of(std::string_view text) {
  const auto space = text.find(' ');
  if (space != 32) {
    return std::nullopt;
  }
  ChainPoint point;
  point.chain = ChainId(std::string(text.substr(0, space)));
  const std::string_view hop = text.substr(space + 1);
  const auto [end, fault] = std::from_chars(hop.data(), hop.data() + hop.size(), point.hop);
  if (fault != std::errc() || end != hop.data() + hop.size()) {
    return std::nullopt;
  }
  return point;
}

Async<std::vector<std::optional<ChainPoint>>> RedisToolCalls::find(
    Owner owner, std::vector<std::string> ids
) {
  std::vector<std::string> words{"MGET"};
  words.reserve(ids.size() + 1);
  for (const auto& id : ids) {
    words.push_back(key_of("tool_call", owner, id));
  }
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  const auto* values = std::get_if<std::vector<redis::Reply>>(&reply.value);
  std::vector<std::optional<ChainPoint>> points(ids.size());
  for (std::size_t i = 0; values != nullptr && i < values->size() && i < points.size(); ++i) {
    if (const auto text = (*values)[i].text()) {
      points[i] = chain_point_of(*text);
    }
  }
  co_return points;
}

Async<void> RedisToolCalls::remember(Owner owner, std::vector<std::string> ids, ChainPoint point) {
  for (const auto& id : ids) {  // at most kToolCallIdsMax
    SLUICE_CO_CHECK_OK(co_await set(key_of("tool_call", owner, id), point));
  }
  co_return Result<void>();
}

Async<ChainPoint> RedisToolCalls::claim(Owner owner, std::string id, ChainPoint point) {
  const std::string key = key_of("tool_call", owner, id);
  std::vector<std::string> keep{
      "SET", key, text_of(point), "NX", "EX", std::to_string(kToolCallKeptFor.count())
  };
  SLUICE_CO_TRY(const redis::Reply kept, co_await client_->command(std::move(keep)));
  if (!kept.is_nil()) {
    co_return point;
  }
  std::vector<std::string> read{"GET", key};
  SLUICE_CO_TRY(const redis::Reply there, co_await client_->command(std::move(read)));
  const auto text = there.text();
  auto other = text ? chain_point_of(*text) : std::optional<ChainPoint>();
  if (!other) {
    co_return Error(Code::Unavailable, "a tool call id was forgotten meanwhile; try again");
  }
  co_return std::move(*other);
}

Async<std::optional<ChainPoint>> RedisToolCalls::find_chain(Owner owner, ChainId chain) {
  std::vector<std::string> words{"GET", key_of("chain", owner, chain.str())};
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  const auto text = reply.text();
  co_return text ? chain_point_of(*text) : std::optional<ChainPoint>();
}

Async<void> RedisToolCalls::remember_chain(Owner owner, ChainPoint point) {
  std::string key = key_of("chain", owner, point.chain.str());
  return set(std::move(key), std::move(point));
}

Async<void> RedisToolCalls::set(std::string key, ChainPoint point) {
  std::vector<std::string> words{
      "SET", std::move(key), text_of(point), "EX", std::to_string(kToolCallKeptFor.count())
  };
  SLUICE_CO_TRY(const redis::Reply reply, co_await client_->command(std::move(words)));
  if (reply.is_nil()) {
    co_return Error(Code::Internal, "Redis did not keep a tool call id");
  }
  co_return Result<void>();
}

}  // namespace sluice::ingress
