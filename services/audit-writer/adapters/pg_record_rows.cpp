#include "services/audit-writer/adapters/pg_record_rows.h"

#include "services/audit-writer/domain/record_columns.h"

#include <map>

namespace sluice::audit_writer {
namespace {

// INSERT … SELECT unnest(…), with milliseconds and days turned into times and dates.
std::string insert_statement(const std::vector<ColumnArray>& columns) {
  std::string names;
  std::string selected;
  std::string arrays;
  std::string aliases;
  int number = 0;
  for (const ColumnArray& column : columns) {
    const std::string name(column.name);
    const std::string separator = number == 0 ? "" : ", ";
    names += separator + name;
    aliases += separator + name;
    arrays += separator + "$" + std::to_string(++number) + "::" + std::string(column.type) + "[]";
    if (name == "day") {
      selected += separator + "date '1970-01-01' + r.day";
    } else if (name == "occurred_at" || name == "deadline_at") {
      selected += separator + "timestamptz 'epoch' + r." + name + " * interval '1 millisecond'";
    } else {
      selected += separator + "r." + name;
    }
  }
  return "INSERT INTO audit.records (" + names + ") SELECT " + selected + " FROM unnest(" + arrays +
         ") AS r(" + aliases + ") ON CONFLICT (day, event_id) DO NOTHING RETURNING event_id::text";
}

struct Keys {
  ArrayLiteral days;
  ArrayLiteral ids;

  void add(const StoredRecord& record) {
    days.add_number(record.day);
    ids.add(record.fields.event_id());
  }
};

}  // namespace

Result<std::set<std::string>> insert_records(
    postgres::Transaction& transaction, const RecordPointers& records
) {
  std::set<std::string> inserted;
  if (records.empty()) {
    return inserted;
  }
  auto columns = record_columns(records);
  static const std::string kStatement = insert_statement(columns);
  std::vector<postgres::Parameter> parameters;
  parameters.reserve(columns.size());
  for (ColumnArray& column : columns) {
    parameters.emplace_back(std::move(column.literal));
  }
  SLUICE_TRY(const auto rows, transaction.query(kStatement, parameters));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    inserted.insert(rows->at(i).text(0));
  }
  return inserted;
}

Result<std::vector<bool>> changed_records(
    postgres::Transaction& transaction, const RecordPointers& records
) {
  Keys keys;
  for (const StoredRecord* record : records) {
    keys.add(*record);
  }
  SLUICE_TRY(
      const auto rows,
      transaction.query(
          "SELECT r.event_id::text, r.record_sha256 FROM unnest($1::integer[], $2::uuid[]) AS "
          "k(day, event_id)"
          " JOIN audit.records r ON r.day = date '1970-01-01' + k.day AND r.event_id = k.event_id",
          {keys.days.take(), keys.ids.take()}
      )
  );
  std::map<std::string, std::string> stored;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    stored[rows->at(i).text(0)] = rows->at(i).bytes(1);
  }
  std::vector<bool> changed;
  changed.reserve(records.size());
  for (const StoredRecord* record : records) {
    const auto found = stored.find(record->fields.event_id());
    changed.push_back(found != stored.end() && found->second != record->sha256);
  }
  return changed;
}

Result<void> insert_bodies(postgres::Transaction& transaction, const RecordPointers& records) {
  Keys keys;
  ArrayLiteral texts;
  ArrayLiteral raws;
  bool any = false;
  for (const StoredRecord* record : records) {
    if (record->body.empty()) {
      continue;
    }
    any = true;
    keys.add(*record);
    if (fits_text(record->body)) {
      texts.add(record->body);
      raws.add_null();
    } else {
      texts.add_null();
      raws.add_bytes(record->body);
    }
  }
  if (!any) {
    return {};
  }
  const auto rows = transaction.query(
      "INSERT INTO audit.bodies (day, event_id, body, raw)"
      " SELECT date '1970-01-01' + b.day, b.event_id, b.body, b.raw"
      " FROM unnest($1::integer[], $2::uuid[], $3::text[], $4::bytea[]) AS b(day, event_id, body, "
      "raw)"
      " ON CONFLICT (day, event_id) DO NOTHING",
      {keys.days.take(), keys.ids.take(), texts.take(), raws.take()}
  );
  return rows.ok() ? Result<void>() : Result<void>(rows.error());
}

Result<void> insert_results(
    postgres::Transaction& transaction, const std::vector<const SealedResult*>& results
) {
  for (const SealedResult* result : results) {
    SLUICE_TRY(
        [[maybe_unused]] const auto rows,
        transaction.query(
            "INSERT INTO audit.results (event_id, grant_id, sealed, expires_at)"
            " VALUES ($1::uuid, $2, $3, timestamptz 'epoch' + $4::bigint * interval '1 "
            "millisecond')"
            " ON CONFLICT (event_id) DO NOTHING",
            {result->event_id,
             postgres::Binary{result->grant_id},
             postgres::Binary{result->sealed},
             result->expires_unix_ms}
        )
    );
  }
  return {};
}

Result<void> insert_rejected(
    postgres::Transaction& transaction, const std::vector<RejectedRecord>& rejected
) {
  for (const RejectedRecord& record : rejected) {
    postgres::Parameter event_id = nullptr;
    if (!record.event_id.empty() && fits_text(record.event_id)) {
      event_id = record.event_id;
    }
    SLUICE_TRY(
        [[maybe_unused]] const auto rows,
        transaction.query(
            "INSERT INTO audit.rejected (sha256, reason, event_id, bytes, bytes_total) VALUES ($1, "
            "$2, $3, $4, $5)"
            " ON CONFLICT (sha256) DO NOTHING",
            {postgres::Binary{record.sha256},
             record.reason,
             event_id,
             postgres::Binary{record.bytes},
             static_cast<std::int64_t>(record.bytes_total)}
        )
    );
  }
  return {};
}

}  // namespace sluice::audit_writer
