// A request is read alike whole and byte by byte: refused both times or never, same head, same
// body, same number of bytes used.
#include "common/http/internal/request_parser.h"

#include <cstdint>

namespace {

using sluice::http::RequestParser;

std::string read(std::string_view bytes, std::size_t piece) {
  RequestParser parser(sluice::http::RequestLimits{});
  std::string seen;
  std::size_t at = 0;
  while (at < bytes.size() && !parser.done()) {
    const bool had_head = parser.head_done();
    const auto fed = parser.feed(bytes.substr(at, std::min(piece, bytes.size() - at)));
    if (fed.refusal) {
      return "refused";  // which fault is told first may depend on the cuts
    }
    at += fed.consumed;
    if (!had_head && parser.head_done()) {
      parser.set_body_max(1 << 16);
    } else if (fed.consumed == 0) {
      break;
    }
  }
  if (!parser.done()) {
    return parser.head_done() ? "head" : "incomplete";
  }
  const bool keep_alive = parser.keep_alive();
  const auto request = parser.take();
  seen = request.method + " " + request.path + "?" + request.query + "\n";
  for (const auto& [name, value] : request.headers.fields()) {
    seen.append(name).append(": ").append(value).append("\n");
  }
  return seen + request.body + (keep_alive ? "+" : "-") + std::to_string(at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SLUICE_CHECK(read(bytes, 1) == read(bytes, size + 1), "cuts do not matter");
  return 0;
}
