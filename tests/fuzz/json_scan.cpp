// The hot scan agrees with the strict parser: what it accepts the parser accepts, with the same
// members.
#include "common/json/parse.h"
#include "common/json/scan.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  text.reserve(size + sluice::json::kScanPadding);
  const auto value = sluice::json::parse(text);
  const auto scan = sluice::json::Scan::object(text);
  if (!scan.ok()) {
    return 0;
  }
  for (const auto& field : scan.value().fields()) {
    SLUICE_CHECK(
        field.value_begin <= field.value_end && field.value_end <= text.size(),
        "fields lie inside the document"
    );
  }
  if (value.ok()) {
    SLUICE_CHECK(value.value().is_object(), "a scan accepts objects only");
    SLUICE_CHECK(
        scan.value().fields().size() == value.value().as_object()->size(),
        "both see the same members"
    );
    for (const auto& field : scan.value().fields()) {
      SLUICE_CHECK(value.value().find(field.key) != nullptr, "both see the same names");
    }
  }
  return 0;
}
