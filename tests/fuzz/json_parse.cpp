// What parses also prints and parses again to the same value, and its canonical form is a fixed
// point.
#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = sluice::json::parse(text);
  if (!value.ok()) {
    return 0;
  }
  const auto again = sluice::json::parse(sluice::json::write(value.value()));
  SLUICE_CHECK(
      again.ok() && again.value() == value.value(), "printing and parsing keeps the value"
  );
  const std::string canonical = sluice::json::canonical(value.value());
  const auto fixed = sluice::json::canonical(std::string_view(canonical));
  SLUICE_CHECK(fixed.ok() && fixed.value() == canonical, "the canonical form is a fixed point");
  return 0;
}
