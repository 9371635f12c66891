#include "services/policy-engine/adapters/pg_pin_store.h"

#include "services/policy-engine/adapters/policy_change.h"
#include "services/policy-engine/domain/confusable.h"
#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

namespace sluice::policy_engine {
namespace {

using postgres::Binary;
using postgres::Transaction;

// Changes of pins are decided by one at a time: each is noted, and recorded, once.
constexpr std::string_view kLock =
    "SELECT pg_advisory_xact_lock(hashtextextended('policy.pins', 0))";
constexpr std::string_view kRevision = "SELECT revision FROM policy.revision";
constexpr std::string_view kColumns =
    "server, tool, coalesce(pinned_hash, ''::bytea), coalesce(pinned_by, ''), "
    "coalesce((extract(epoch FROM pinned_at) * 1000)::bigint, 0), coalesce(offered_hash, "
    "''::bytea), coalesce((extract(epoch FROM offered_at) * 1000)::bigint, 0)";
constexpr std::string_view kOfServers = " FROM policy.pins WHERE server = ANY($1::text[])";
constexpr std::string_view kListed =
    " FROM policy.pins WHERE NOT $1::boolean OR offered_hash IS NOT NULL ORDER BY server, tool "
    "LIMIT $2::bigint";
constexpr std::string_view kOne =
    ", coalesce(pinned_definition, ''), coalesce(offered_definition, '') FROM policy.pins WHERE "
    "server = $1 AND tool = $2";
constexpr std::string_view kNames = "SELECT server, tool FROM policy.pins LIMIT $1::bigint";
constexpr std::string_view kPin =
    "INSERT INTO policy.pins (server, tool, pinned_hash, pinned_definition, pinned_by, pinned_at) "
    "SELECT server, tool, hash, definition, $5, timestamptz 'epoch' + $6::bigint * interval '1 "
    "millisecond' FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) AS offered(server, "
    "tool, hash, definition) ON CONFLICT (server, tool) DO UPDATE SET pinned_hash = "
    "excluded.pinned_hash, pinned_definition = excluded.pinned_definition, pinned_by = "
    "excluded.pinned_by, pinned_at = excluded.pinned_at, offered_hash = NULL, offered_definition = "
    "NULL, offered_at = NULL";
constexpr std::string_view kOffer =
    "INSERT INTO policy.pins (server, tool, offered_hash, offered_definition, offered_at) SELECT "
    "server, tool, hash, definition, timestamptz 'epoch' + $5::bigint * interval '1 millisecond' "
    "FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) AS offered(server, tool, hash, "
    "definition) ON CONFLICT (server, tool) DO UPDATE SET offered_hash = excluded.offered_hash, "
    "offered_definition = excluded.offered_definition, offered_at = excluded.offered_at";
constexpr std::string_view kRelease =
    "UPDATE policy.pins p SET offered_hash = NULL, offered_definition = NULL, offered_at = NULL "
    "FROM unnest($1::text[], $2::text[]) AS told(server, tool) WHERE p.server = told.server AND "
    "p.tool = told.tool";
constexpr std::string_view kInsertRecords =
    "INSERT INTO policy.outbox (event_id, record) SELECT * FROM unnest($1::uuid[], $2::bytea[])";
constexpr std::string_view kInsertPairs =
    "INSERT INTO policy.confusable_tools (server, tool, other_server, other_tool) SELECT * FROM "
    "unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING RETURNING "
    "server, tool, other_server, other_tool";
constexpr std::string_view kPairs =
    "SELECT server, tool, other_server, other_tool FROM policy.confusable_tools ORDER BY server, "
    "tool, other_server, other_tool LIMIT $1::bigint";
constexpr std::string_view kPairsOfOne =
    "SELECT server, tool, other_server, other_tool FROM policy.confusable_tools WHERE (server = $1 "
    "AND tool = $2) OR (other_server = $1 AND other_tool = $2) LIMIT $3::bigint";

// The text form of an array of Postgres, element by element.
class ArrayText {
 public:
  void add(std::string_view text) {
    begin_element();
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        text_.push_back('\\');
      }
      text_.push_back(c);
    }
    text_.push_back('"');
  }

  void add_bytes(std::string_view bytes) { add("\\x" + to_hex(bytes)); }

  [[nodiscard]] std::string finish() const { return text_ + "}"; }

 private:
  void begin_element() { text_ += text_.size() == 1 ? "\"" : ",\""; }

  std::string text_ = "{";
};

Result<void> done(const Result<std::unique_ptr<postgres::Rows>>& rows) {
  return rows.ok() ? Result<void>() : Result<void>(rows.error());
}

StoredPin pin_of(const postgres::Row& row) {
  StoredPin pin;
  pin.name = {row.text(0), row.text(1)};
  pin.pinned_hash = row.bytes(2);
  pin.pinned_by = row.text(3);
  pin.pinned_unix_ms = row.integer(4);
  pin.offered_hash = row.bytes(5);
  pin.offered_unix_ms = row.integer(6);
  return pin;
}

std::string select(std::string_view rest) {
  return "SELECT " + std::string(kColumns) + std::string(rest);
}

struct ReadPins {
  std::uint64_t revision = 0;
  PinsByName pins;
};

// Of the catalog's servers. The revision first: the pins are of it, or of a later one.
Result<ReadPins> read_pins(Transaction& transaction, const connector::v1::CatalogReply& catalog) {
  ArrayText servers;
  for (const auto& server : catalog.servers()) {
    servers.add(server.name());
  }
  ReadPins read;
  SLUICE_TRY(const auto revision, transaction.query(kRevision, {}));
  read.revision = static_cast<std::uint64_t>(revision->at(0).integer(0));
  SLUICE_TRY(const auto rows, transaction.query(select(kOfServers), {servers.finish()}));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    StoredPin pin = pin_of(rows->at(i));
    ToolName name = pin.name;
    read.pins.emplace(std::move(name), std::move(pin));
  }
  return read;
}

// Changes of one kind, in statements of at most kPinRowsMax rows and about kPinRowsBytesMax bytes.
Result<void> write_changes(
    Transaction& transaction,
    const std::vector<PlannedChange>& changes,
    PinChange kind,
    std::int64_t now_unix_ms
) {
  for (std::size_t next = 0; next < changes.size();) {
    ArrayText servers;
    ArrayText tools;
    ArrayText hashes;
    ArrayText definitions;
    std::size_t rows = 0;
    std::size_t bytes = 0;
    for (; next < changes.size() && rows < kPinRowsMax && bytes < kPinRowsBytesMax; ++next) {
      if (changes[next].change != kind) {
        continue;
      }
      const OfferedTool& offered = changes[next].offered;
      servers.add(offered.name.server);
      tools.add(offered.name.tool);
      hashes.add_bytes(offered.hash);
      definitions.add(offered.definition);
      bytes += offered.definition.size();
      ++rows;
    }
    if (rows == 0) {
      break;
    }
    std::vector<postgres::Parameter> parameters{servers.finish(), tools.finish()};
    if (kind != PinChange::Released) {
      parameters.insert(parameters.end(), {hashes.finish(), definitions.finish()});
    }
    if (kind == PinChange::Pinned) {
      parameters.emplace_back(std::string(kFirstUse));
    }
    if (kind != PinChange::Released) {
      parameters.emplace_back(now_unix_ms);
    }
    const std::string_view sql = kind == PinChange::Pinned        ? kPin
                                 : kind == PinChange::Quarantined ? kOffer
                                                                  : kRelease;
    SLUICE_CHECK_OK(done(transaction.query(sql, parameters)));
  }
  return {};
}

Result<void> write_records(
    Transaction& transaction, const std::vector<audit::v1::Record>& records
) {
  for (std::size_t next = 0; next < records.size();) {
    ArrayText ids;
    ArrayText bodies;
    const std::size_t end = std::min(records.size(), next + kPinRowsMax);
    for (; next < end; ++next) {
      ids.add(records[next].event_id());
      bodies.add_bytes(records[next].SerializeAsString());
    }
    SLUICE_CHECK_OK(done(transaction.query(kInsertRecords, {ids.finish(), bodies.finish()})));
  }
  return {};
}

Result<std::vector<ToolName>> read_names(
    Transaction& transaction, const std::vector<ToolName>& without
) {
  SLUICE_TRY(const auto rows, transaction.query(kNames, {std::int64_t{kConfusableNamesMax}}));
  const std::set<ToolName> left_out(without.begin(), without.end());
  std::vector<ToolName> names;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    ToolName name{rows->at(i).text(0), rows->at(i).text(1)};
    if (!left_out.contains(name)) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

std::vector<ConfusablePair> pairs_in(const postgres::Rows& rows) {
  std::vector<ConfusablePair> pairs;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const postgres::Row& row = rows.at(i);
    pairs.push_back({{row.text(0), row.text(1)}, {row.text(2), row.text(3)}});
  }
  return pairs;
}

// Notes the pairs that new names make; each once.
Result<void> note_confusable(
    Transaction& transaction,
    const std::vector<ToolName>& fresh,
    std::vector<audit::v1::Record>* records,
    const PinCheckRequest& request,
    PinCheckReply* reply
) {
  if (fresh.empty()) {
    return {};
  }
  SLUICE_TRY(const std::vector<ToolName> known, read_names(transaction, fresh));
  const ConfusablePairs found = confusable_pairs(fresh, known);
  reply->compared_all_names = found.complete && known.size() + fresh.size() <= kConfusableNamesMax;
  ArrayText columns[4];
  for (const ConfusablePair& pair : found.pairs) {
    columns[0].add(pair.a.server);
    columns[1].add(pair.a.tool);
    columns[2].add(pair.b.server);
    columns[3].add(pair.b.tool);
  }
  SLUICE_TRY(
      const auto added,
      transaction.query(
          kInsertPairs,
          {columns[0].finish(), columns[1].finish(), columns[2].finish(), columns[3].finish()}
      )
  );
  reply->confusable = pairs_in(*added);
  for (const ConfusablePair& pair : reply->confusable) {
    records->push_back(confusable_record(pair, request.now_unix_ms));
  }
  return {};
}

Result<void> note_changes(
    Transaction& transaction, const PinCheckRequest& request, ReadPins* read, PinCheckReply* reply
) {
  const std::vector<PlannedChange> changes =
      planned_changes(*request.catalog, read->pins, request.mode);
  std::vector<audit::v1::Record> records;
  for (const PlannedChange& planned : changes) {
    records.push_back(
        record_of(planned.before, planned.offered, planned.change, request.now_unix_ms)
    );
  }
  SLUICE_CHECK_OK(note_confusable(transaction, fresh_names(changes), &records, request, reply));
  for (const PinChange kind : {PinChange::Pinned, PinChange::Quarantined, PinChange::Released}) {
    SLUICE_CHECK_OK(write_changes(transaction, changes, kind, request.now_unix_ms));
  }
  SLUICE_CHECK_OK(write_records(transaction, records));
  reply->noted = apply_changes(changes, request.now_unix_ms, &read->pins);
  return {};
}

Result<PinCheckReply> check_in(Transaction& transaction, const PinCheckRequest& request) {
  PinCheckReply reply;
  SLUICE_TRY(ReadPins read, read_pins(transaction, *request.catalog));
  if (!planned_changes(*request.catalog, read.pins, request.mode).empty()) {
    SLUICE_CHECK_OK(done(transaction.query(kLock, {})));
    SLUICE_TRY(read, read_pins(transaction, *request.catalog));
    SLUICE_CHECK_OK(note_changes(transaction, request, &read, &reply));
  }
  reply.revision = read.revision;
  reply.pinned_hashes = pinned_hashes_of(*request.catalog, read.pins);
  return reply;
}

void add_confusable(const std::vector<ConfusablePair>& pairs, PinsByName* pins) {
  const auto add = [pins](const ToolName& name, const ToolName& other) {
    const auto found = pins->find(name);
    if (found != pins->end() && found->second.confusable_with.size() < kConfusableToldMax) {
      found->second.confusable_with.push_back(other);
    }
  };
  for (const ConfusablePair& pair : pairs) {
    add(pair.a, pair.b);
    add(pair.b, pair.a);
  }
}

Result<std::vector<StoredPin>> list_in(Transaction& transaction, bool quarantined_only) {
  SLUICE_TRY(
      const auto rows,
      transaction.query(select(kListed), {quarantined_only, std::int64_t{kPinsListedMax}})
  );
  PinsByName pins;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    StoredPin pin = pin_of(rows->at(i));
    ToolName name = pin.name;
    pins.emplace(std::move(name), std::move(pin));
  }
  SLUICE_TRY(const auto pairs, transaction.query(kPairs, {std::int64_t{kPinsListedMax}}));
  add_confusable(pairs_in(*pairs), &pins);
  std::vector<StoredPin> listed;
  listed.reserve(pins.size());
  for (auto& [name, pin] : pins) {
    listed.push_back(std::move(pin));
  }
  return listed;
}

Result<std::optional<StoredPin>> get_in(Transaction& transaction, const ToolName& name) {
  SLUICE_TRY(const auto rows, transaction.query(select(kOne), {name.server, name.tool}));
  if (rows->size() == 0) {
    return std::optional<StoredPin>();
  }
  PinsByName pins;
  StoredPin& pin = pins[name];
  pin = pin_of(rows->at(0));
  pin.pinned_definition = rows->at(0).text(7);
  pin.offered_definition = rows->at(0).text(8);
  SLUICE_TRY(
      const auto pairs,
      transaction.query(kPairsOfOne, {name.server, name.tool, std::int64_t{kConfusableToldMax}})
  );
  add_confusable(pairs_in(*pairs), &pins);
  return std::optional(std::move(pin));
}

constexpr std::string_view kApprove =
    "UPDATE policy.pins SET pinned_hash = offered_hash, pinned_definition = offered_definition, "
    "pinned_by = $3, pinned_at = timestamptz 'epoch' + $4::bigint * interval '1 millisecond', "
    "offered_hash = NULL, offered_definition = NULL, offered_at = NULL WHERE server = $1 AND tool "
    "= $2";

Result<PinApproved> approve_in(Transaction& transaction, const PinApproval& approval) {
  SLUICE_CHECK_OK(done(transaction.query(kLock, {})));
  SLUICE_TRY(auto found, get_in(transaction, approval.name));
  if (!found) {
    return Error(
        Code::NotFound, "nothing is known of such a tool: look at the list of pins for its names"
    );
  }
  const StoredPin before = *found;
  SLUICE_TRY(PinApproved approved, approve_pin(std::move(*found), approval));
  if (!approved.changed) {
    SLUICE_TRY(const auto revision, transaction.query(kRevision, {}));
    approved.revision = static_cast<std::uint64_t>(revision->at(0).integer(0));
    return approved;
  }
  SLUICE_CHECK_OK(done(transaction.query(
      kApprove, {approval.name.server, approval.name.tool, approval.principal, approval.now_unix_ms}
  )));
  SLUICE_TRY(approved.revision, raise_revision(transaction));
  SLUICE_CHECK_OK(add_records(transaction, {approved_record(before, approval)}));
  return approved;
}

}  // namespace

Async<PinCheckReply> PgPinStore::check(PinCheckRequest request) {
  std::function<Result<PinCheckReply>(Transaction&)> work =
      [request = std::move(request)](Transaction& transaction) {
        return check_in(transaction, request);
      };
  co_return co_await pool_->transact<PinCheckReply>(std::move(work));
}

Async<std::vector<StoredPin>> PgPinStore::list(bool quarantined_only) {
  std::function<Result<std::vector<StoredPin>>(Transaction&)> work =
      [quarantined_only](Transaction& transaction) {
        return list_in(transaction, quarantined_only);
      };
  co_return co_await pool_->transact<std::vector<StoredPin>>(std::move(work));
}

Async<std::optional<StoredPin>> PgPinStore::get(ToolName name) {
  std::function<Result<std::optional<StoredPin>>(Transaction&)> work =
      [name = std::move(name)](Transaction& transaction) { return get_in(transaction, name); };
  co_return co_await pool_->transact<std::optional<StoredPin>>(std::move(work));
}

Async<PinApproved> PgPinStore::approve(PinApproval approval) {
  std::function<Result<PinApproved>(Transaction&)> work =
      [approval = std::move(approval)](Transaction& transaction) {
        return approve_in(transaction, approval);
      };
  co_return co_await pool_->transact<PinApproved>(std::move(work));
}

}  // namespace sluice::policy_engine
