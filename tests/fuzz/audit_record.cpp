// Any bytes of a producer become a row or are refused; a row's columns are one element each, and
// its bytes hold no body.
#include "services/audit-writer/domain/record_columns.h"
#include "services/audit-writer/domain/stored_record.h"

#include "common/base/check.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto stored = sluice::audit_writer::store_form(bytes);
  if (!stored.ok()) {
    static_cast<void>(sluice::audit_writer::reject(bytes, stored.error().message()));
    return 0;
  }
  const std::vector<const sluice::audit_writer::StoredRecord*> records{&stored.value()};
  for (const auto& column : sluice::audit_writer::record_columns(records)) {
    SLUICE_CHECK(
        column.literal.size() >= 3 && column.literal.front() == '{' && column.literal.back() == '}',
        "a column is an array"
    );
  }
  sluice::audit::v1::Record again;
  SLUICE_CHECK(
      again.ParseFromString(stored.value().bytes) && again.body().empty(),
      "the bytes kept are a record without a body"
  );
  return 0;
}
