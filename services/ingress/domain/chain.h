// Chains: which conversation a request belongs to, and where in it. hop orders the records of a
// chain.
#pragma once

#include "services/ingress/ports.h"

#include "common/http/message.h"
#include "common/observability/log.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// A fresh, random chain.
[[nodiscard]] ChainId new_chain();
// The first 32 hex digits of SHA-256(tenant, principal, tool call id): for an id nobody knows.
[[nodiscard]] ChainId derived_chain(const Owner& owner, std::string_view tool_call_id);

// Header x-sluice-chain. Errors: Invalid (not 32 lower-case hexadecimal digits, or twice).
[[nodiscard]] Result<std::optional<ChainId>> chain_header(const http::Headers& headers);

// The tool_call_id of each message with role "tool", newest kToolCallIdsMax, in their order.
// messages: a JSON array. Errors: Invalid (a tool message without an id, or one too long).
[[nodiscard]] Result<std::vector<std::string>> tool_call_ids_of(std::string_view messages);

// Finds a request's place: the header, else what is remembered of its tool call ids, else the
// trail, else a derived chain.
//
// Errors: Unavailable (store and journal both fail to answer; for an execution also: the store
// fails, and the trail does not know the id).
class ChainFinder {
 public:
  struct Deps {
    ToolCallStore* store;  // all outlive the finder
    AuditJournal* journal;
    observability::Log* log;
  };

  explicit ChainFinder(Deps deps) : deps_(deps) {}

  // hop of the result: that of the request's first record. Neither header nor ids: a new chain,
  // without any wait.
  Async<ChainPoint> find(
      Owner owner,
      std::optional<ChainId> named,
      std::vector<std::string> ids,
      RequestContext context
  );

  // The same for the execution of one call. All executions of an id get the same chain, whichever
  // instance they reach and whatever it can reach: the chain is part of what makes them one
  // effect. A suggestion may still be on its way to the trail while another instance remembers
  // it, so without the store an id that the trail does not know has no chain; with it, the first
  // one decides. Not covered: the store loses a first claim and another instance loses the store,
  // both before the intent of the first execution is committed.
  Async<ChainPoint> find_for_execution(
      Owner owner,
      std::optional<ChainId> named,
      std::optional<std::string> id,
      RequestContext context
  );

  // Keeps that the ids belong to the chain, which has records up to point.hop. Failures are logged:
  // the trail knows too.
  Async<void> remember(Owner owner, std::vector<std::string> ids, ChainPoint point);
  // The same for a chain that the client named.
  Async<void> remember_chain(Owner owner, ChainPoint point);

 private:
  Async<ChainPoint> find_by_ids(Owner owner, std::vector<std::string> ids, RequestContext context);
  // nullopt: the trail knows none of them.
  Async<std::optional<ChainPoint>> find_in_journal(
      Owner owner, std::vector<std::string> ids, RequestContext context
  );
  Async<ChainPoint> find_in_journal_or_derive(
      Owner owner, std::vector<std::string> ids, RequestContext context
  );
  Async<ChainPoint> find_named(Owner owner, ChainId named, std::vector<std::string> ids);

  Deps deps_;
};

}  // namespace sluice::ingress
