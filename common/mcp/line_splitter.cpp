#include "common/mcp/line_splitter.h"

#include <utility>

namespace sluice::mcp {

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (!skipping_) {
      if (partial_.size() + piece.size() > line_bytes_max_) {
        skipping_ = true;
        ++lines_too_long_;
        partial_ = std::string();  // gives the memory back
      } else {
        partial_.append(piece);
      }
    }
    if (end == std::string_view::npos) {
      return;
    }
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::end_line() {
  if (std::exchange(skipping_, false)) {
    return;
  }
  std::string line = std::exchange(partial_, std::string());
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
  if (!line.empty()) {
    ready_.push_back(std::move(line));
  }
}

std::optional<std::string> LineSplitter::next() {
  if (ready_.empty()) {
    return std::nullopt;
  }
  std::string line = std::move(ready_.front());
  ready_.pop_front();
  return line;
}

bool may_be_message(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && (line[first] == '{' || line[first] == '[');
}

}  // namespace sluice::mcp
