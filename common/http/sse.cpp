#include "common/http/sse.h"

#include <charconv>

namespace sluice::http {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Position of the first CR or LF, or npos.
std::size_t find_line_end(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n' || bytes[i] == '\r') {
      return i;
    }
  }
  return std::string_view::npos;
}

std::optional<int> parse_retry(std::string_view digits) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

void SseParser::finish_line(std::vector<SseEvent>& out) {
  std::string_view line = line_;
  if (first_) {
    first_ = false;
    if (line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
  }
  if (line.empty()) {
    if (has_data_) {
      event_.data.pop_back();  // the line feed behind the last line
      out.push_back(std::move(event_));
    }
    event_ = SseEvent();
    has_data_ = false;
    return;
  }
  const auto colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) {
    value.remove_prefix(1);
  }
  if (name == "data") {
    event_.data.append(value).push_back('\n');
    has_data_ = true;
  } else if (name == "event") {
    event_.event = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) {
      event_.id = std::string(value);
    }
  } else if (name == "retry") {
    event_.retry_ms = parse_retry(value);
  }
}

Result<std::vector<SseEvent>> SseParser::feed(std::string_view bytes) {
  std::vector<SseEvent> out;
  while (!bytes.empty()) {
    if (skip_lf_) {
      skip_lf_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const auto end = find_line_end(bytes);
    line_.append(bytes.substr(0, end));
    if (line_.size() + event_.data.size() > event_bytes_max_) {
      return Error(Code::Exhausted, "a server-sent event is larger than the limit");
    }
    if (end == std::string_view::npos) {
      break;
    }
    skip_lf_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    finish_line(out);
    line_.clear();
  }
  return out;
}

bool SseParser::partial() const {
  return !line_.empty() || has_data_ || !event_.event.empty();
}

std::string format_sse(std::string_view data, std::string_view event, std::string_view id) {
  std::string out;
  out.reserve(data.size() + event.size() + id.size() + 32);
  if (!id.empty()) {
    out.append("id: ").append(id).push_back('\n');
  }
  if (!event.empty()) {
    out.append("event: ").append(event).push_back('\n');
  }
  while (true) {
    const auto end = data.find('\n');
    out.append("data: ").append(data.substr(0, end)).push_back('\n');
    if (end == std::string_view::npos) {
      break;
    }
    data.remove_prefix(end + 1);
  }
  out.push_back('\n');
  return out;
}

}  // namespace sluice::http
