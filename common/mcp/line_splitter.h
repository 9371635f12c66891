// LineSplitter: cuts the byte stream of a stdio server into lines. No I/O. A line over the limit is
// skipped to its end and counted, so that one huge line neither fills memory nor ends the
// connection.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp {

// Whole catalogs of 1 MB on one line were seen; 16 MiB leaves room and bounds memory.
inline constexpr std::size_t kLineBytesMax = std::size_t{16} << 20;

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t line_bytes_max = kLineBytesMax)
      : line_bytes_max_(line_bytes_max) {}

  // Takes bytes as they come from the pipe.
  void feed(std::string_view bytes);

  // The next whole line without its end (\n or \r\n); empty lines are skipped.
  [[nodiscard]] std::optional<std::string> next();

  [[nodiscard]] std::size_t lines_too_long() const { return lines_too_long_; }

 private:
  void end_line();

  std::size_t line_bytes_max_;
  std::string partial_;
  bool skipping_ = false;
  std::size_t lines_too_long_ = 0;
  std::deque<std::string> ready_;
};

// Whether a line can be a JSON-RPC message at all: servers print banners and log lines between
// messages.
[[nodiscard]] bool may_be_message(std::string_view line);

}  // namespace sluice::mcp
