#include "services/policy-engine/adapters/policy_change.h"

#include <string_view>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kRaise =
    "UPDATE policy.revision SET revision = revision + 1 RETURNING revision";
constexpr std::string_view kInsertRecord =
    "INSERT INTO policy.outbox (event_id, record) VALUES ($1::uuid, $2)";

}  // namespace

Result<std::uint64_t> raise_revision(postgres::Transaction& transaction) {
  SLUICE_TRY(const auto rows, transaction.query(kRaise, {}));
  if (rows->size() != 1) {
    return Error(Code::Internal, "policy.revision has no row; run the migrate step again");
  }
  return static_cast<std::uint64_t>(rows->at(0).integer(0));
}

Result<void> add_records(postgres::Transaction& transaction, const ChangeRecords& records) {
  for (const audit::v1::Record& record : records) {
    SLUICE_TRY(
        [[maybe_unused]] const auto rows,
        transaction.query(
            kInsertRecord, {record.event_id(), postgres::Binary{record.SerializeAsString()}}
        )
    );
  }
  return {};
}

}  // namespace sluice::policy_engine
