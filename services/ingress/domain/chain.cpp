#include "services/ingress/domain/chain.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/json/parse.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::size_t kChainDigits = 32;

bool is_chain_id(std::string_view text) {
  return text.size() == kChainDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::uint32_t next_hop(std::uint32_t highest) {
  return std::min(highest, kHopMax) + 1;
}

Error lookup_failed(const Error& cause) {
  if (cause.code() == Code::Cancelled) {
    return cause;
  }
  return Error(
             Code::Unavailable,
             "the conversation this request belongs to cannot be looked up; try again in a few "
             "seconds, or send x-sluice-chain"
  )
      .with_detail(cause.to_log());
}

}  // namespace

ChainId new_chain() {
  return ChainId(to_hex(crypto::random_bytes(kChainDigits / 2)));
}

ChainId derived_chain(const Owner& owner, std::string_view tool_call_id) {
  crypto::Sha256 digest;
  digest.field(owner.tenant).field(owner.principal).field(tool_call_id);
  return ChainId(to_hex(digest.finish()).substr(0, kChainDigits));
}

Result<std::optional<ChainId>> chain_header(const http::Headers& headers) {
  const std::size_t count = headers.count("x-sluice-chain");
  if (count == 0) {
    return std::optional<ChainId>();
  }
  const std::string_view value = headers.get("x-sluice-chain");
  if (count > 1 || !is_chain_id(value)) {
    return Error(
        Code::Invalid,
        "header x-sluice-chain is not a chain id; send the 32 hexadecimal digits an earlier answer "
        "carried, or leave it out"
    );
  }
  return std::optional<ChainId>(ChainId(std::string(value)));
}

Result<std::vector<std::string>> tool_call_ids_of(std::string_view messages) {
  SLUICE_TRY(const json::Value parsed, json::parse(messages));
  std::vector<std::string> ids;
  const json::Array* items = parsed.as_array();
  if (items == nullptr) {
    return ids;
  }
  std::size_t place = 0;
  for (const auto& message : *items) {
    const std::size_t index = place++;
    if (message.text_or("role", "") != "tool") {
      continue;
    }
    const json::Value* id = message.find("tool_call_id");
    if (id == nullptr || id->as_string() == nullptr || id->as_string()->empty() ||
        id->as_string()->size() > kToolCallIdBytesMax) {
      return Error(
          Code::Invalid,
          "messages[" + std::to_string(index) +
              "].tool_call_id is missing, not a string or longer than " +
              std::to_string(kToolCallIdBytesMax) + " bytes; send the id of the call it answers"
      );
    }
    ids.push_back(*id->as_string());
  }
  if (ids.size() > kToolCallIdsMax) {
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(kToolCallIdsMax));
  }
  return ids;
}

Async<ChainPoint> ChainFinder::find(
    Owner owner, std::optional<ChainId> named, std::vector<std::string> ids, RequestContext context
) {
  if (named) {
    co_return co_await find_named(std::move(owner), std::move(*named), std::move(ids));
  }
  if (ids.empty()) {
    co_return ChainPoint{new_chain(), 0};
  }
  co_return co_await find_by_ids(std::move(owner), std::move(ids), std::move(context));
}

Async<ChainPoint> ChainFinder::find_by_ids(
    Owner owner, std::vector<std::string> ids, RequestContext context
) {
  const auto found = co_await deps_.store->find(owner, ids);
  if (!found.ok()) {
    if (found.error().code() == Code::Cancelled) {
      co_return found.error();
    }
    deps_.log->warn("tool-call-lookup-failed", {{"error", found.error().to_log()}});
    co_return co_await find_in_journal_or_derive(
        std::move(owner), std::move(ids), std::move(context)
    );
  }
  ChainPoint point;
  for (const auto& known : found.value()) {  // the newest known id says which chain
    if (known) {
      point.chain = known->chain;
    }
  }
  if (point.chain.empty()) {
    co_return co_await find_in_journal_or_derive(
        std::move(owner), std::move(ids), std::move(context)
    );
  }
  for (const auto& known : found.value()) {
    if (known && known->chain == point.chain) {
      point.hop = std::max(point.hop, known->hop);
    }
  }
  point.hop = next_hop(point.hop);
  co_return point;
}

Async<ChainPoint> ChainFinder::find_for_execution(
    Owner owner, std::optional<ChainId> named, std::optional<std::string> id, RequestContext context
) {
  if (named || !id) {
    std::vector<std::string> ids;
    if (id) {
      ids.push_back(std::move(*id));
    }
    co_return co_await find(std::move(owner), std::move(named), std::move(ids), std::move(context));
  }
  const std::vector<std::string> ids{*id};
  const auto found = co_await deps_.store->find(owner, ids);
  if (!found.ok() && found.error().code() == Code::Cancelled) {
    co_return found.error();
  }
  if (found.ok() && found.value().front()) {
    const ChainPoint& known = *found.value().front();
    co_return ChainPoint{known.chain, next_hop(known.hop)};
  }
  SLUICE_CO_TRY(auto known, co_await find_in_journal(owner, ids, std::move(context)));
  if (!found.ok()) {
    deps_.log->warn("tool-call-lookup-failed", {{"error", found.error().to_log()}});
    if (!known) {
      co_return lookup_failed(found.error());
    }
    co_return std::move(*known);
  }
  ChainPoint own = known ? std::move(*known) : ChainPoint{derived_chain(owner, *id), 0};
  const auto kept = co_await deps_.store->claim(std::move(owner), std::move(*id), own);
  if (!kept.ok()) {
    co_return lookup_failed(kept.error());
  }
  if (kept.value().chain == own.chain) {
    co_return own;
  }
  co_return ChainPoint{kept.value().chain, next_hop(kept.value().hop)};
}

Async<ChainPoint> ChainFinder::find_in_journal_or_derive(
    Owner owner, std::vector<std::string> ids, RequestContext context
) {
  SLUICE_CO_TRY(auto known, co_await find_in_journal(owner, ids, std::move(context)));
  co_return known ? std::move(*known) : ChainPoint{derived_chain(owner, ids.front()), 0};
}

Async<std::optional<ChainPoint>> ChainFinder::find_in_journal(
    Owner owner, std::vector<std::string> ids, RequestContext context
) {
  std::size_t lookups = 0;
  for (auto id = ids.rbegin(); id != ids.rend() && lookups < kJournalLookupsMax; ++id, ++lookups) {
    audit::v1::JournalRequest request;
    request.set_tool_call_id(*id);
    request.set_tenant(owner.tenant);
    request.set_principal(owner.principal);
    auto reply = co_await deps_.journal->journal(std::move(request), context);
    if (!reply.ok()) {
      co_return lookup_failed(reply.error());
    }
    if (is_chain_id(reply.value().chain_id())) {
      audit::v1::Record outcome;
      std::uint32_t highest = kHopOfUnknown;
      if (outcome.ParseFromString(reply.value().outcome_record())) {
        highest = std::max(highest, outcome.hop());
      }
      co_return ChainPoint{ChainId(reply.value().chain_id()), next_hop(highest)};
    }
  }
  co_return std::optional<ChainPoint>();
}

Async<ChainPoint> ChainFinder::find_named(
    Owner owner, ChainId named, std::vector<std::string> ids
) {
  std::uint32_t highest = 0;
  bool known = false;
  if (!ids.empty()) {
    const auto found = co_await deps_.store->find(owner, std::move(ids));
    if (!found.ok()) {
      deps_.log->warn("tool-call-lookup-failed", {{"error", found.error().to_log()}});
    } else {
      for (const auto& point : found.value()) {
        if (point && point->chain == named) {
          known = true;
          highest = std::max(highest, point->hop);
        }
      }
    }
  }
  const auto chain = co_await deps_.store->find_chain(owner, named);
  if (!chain.ok() && chain.error().code() == Code::Cancelled) {
    co_return chain.error();
  }
  if (!chain.ok()) {
    deps_.log->warn("chain-lookup-failed", {{"error", chain.error().to_log()}});
  } else if (const auto& remembered = chain.value(); remembered) {
    known = true;
    highest = std::max(highest, remembered->hop);
  }
  co_return ChainPoint{std::move(named), next_hop(known ? highest : kHopOfUnknown)};
}

Async<void> ChainFinder::remember(Owner owner, std::vector<std::string> ids, ChainPoint point) {
  const auto kept =
      co_await deps_.store->remember(std::move(owner), std::move(ids), std::move(point));
  if (!kept.ok()) {
    if (kept.error().code() == Code::Cancelled) {
      co_return kept.error();
    }
    deps_.log->warn("tool-call-remember-failed", {{"error", kept.error().to_log()}});
  }
  co_return Result<void>();
}

Async<void> ChainFinder::remember_chain(Owner owner, ChainPoint point) {
  const auto kept = co_await deps_.store->remember_chain(std::move(owner), std::move(point));
  if (!kept.ok()) {
    if (kept.error().code() == Code::Cancelled) {
      co_return kept.error();
    }
    deps_.log->warn("chain-remember-failed", {{"error", kept.error().to_log()}});
  }
  co_return Result<void>();
}

}  // namespace sluice::ingress
