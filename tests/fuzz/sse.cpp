// Events do not depend on where the bytes were cut.
#include "common/http/sse.h"

#include <cstdint>

namespace {

std::vector<std::string> events(std::string_view bytes, std::size_t piece) {
  sluice::http::SseParser parser;
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const auto some = parser.feed(bytes.substr(0, piece));
    if (!some.ok()) {
      out.emplace_back("too large");
      break;
    }
    for (const auto& event : some.value()) {
      out.push_back(event.event + "\x1f" + event.data);
    }
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SLUICE_CHECK(events(bytes, 1) == events(bytes, size + 1), "cuts do not matter");
  return 0;
}
