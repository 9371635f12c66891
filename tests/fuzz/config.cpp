// Any file is either read or refused with a message; reading settings from it never fails
// otherwise.
#include "common/config/config.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto document = sluice::config::Document::from_text(text, {{"HOME", "x"}});
  if (!document.ok()) {
    return 0;
  }
  auto http = document.value().section("http");
  const auto port = http.integer(
      "port", {.fallback = 8080, .min = 0, .max = 65535, .unit = "", .description = "port"}
  );
  SLUICE_CHECK(port >= 0 && port <= 65535, "a setting is always within its bounds");
  const auto names =
      http.list("allowed_hosts", {.fallback = std::vector<std::string>{}, .description = "hosts"});
  SLUICE_CHECK(names.size() <= size, "a list is as long as the file at most");
  (void)document.value().finish().ok();
  return 0;
}
