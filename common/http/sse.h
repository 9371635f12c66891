// Server-sent events: incremental parser (WHATWG HTML 9.2.6) and writer. Sans-I/O.
#pragma once

#include "common/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

struct SseEvent {
  std::string event;  // "" when not named
  std::string data;   // lines joined by \n
  std::optional<std::string> id;
  std::optional<int> retry_ms;
};

class SseParser {
 public:
  explicit SseParser(std::size_t event_bytes_max = std::size_t{4} << 20)
      : event_bytes_max_(event_bytes_max) {}

  // Events completed by these bytes. LF, CRLF and CR line ends, comments skipped, any cut. Errors:
  // Exhausted (event too large).
  [[nodiscard]] Result<std::vector<SseEvent>> feed(std::string_view bytes);
  // Bytes of an event not completed yet.
  [[nodiscard]] bool partial() const;

 private:
  std::size_t event_bytes_max_;
  std::string line_;
  bool skip_lf_ = false;
  bool first_ = true;
  SseEvent event_;
  bool has_data_ = false;
  void finish_line(std::vector<SseEvent>& out);
};

// A comment: keeps proxies from closing a quiet stream.
inline constexpr std::string_view kSseKeepAlive = ": keep-alive\n\n";

// event, id: left out where empty.
[[nodiscard]] std::string format_sse(
    std::string_view data, std::string_view event = {}, std::string_view id = {}
);

}  // namespace sluice::http
