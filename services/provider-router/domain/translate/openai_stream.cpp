#include "services/provider-router/domain/translate/openai_stream.h"

#include "services/provider-router/domain/json_walk.h"
#include "services/provider-router/domain/translate/openai_choice.h"

#include "common/json/scan.h"

#include <algorithm>
#include <array>

namespace sluice::provider_router {
namespace {

constexpr std::string_view kChunkObject = "\"chat.completion.chunk\"";

void append_event(std::string& out, std::string_view data) {
  if (data.find('\n') != std::string_view::npos) {
    out += http::format_sse(data);
    return;
  }
  out.reserve(out.size() + data.size() + 8);
  out += "data: ";
  out += data;
  out += "\n\n";
}

bool present(std::string_view raw) {
  return !raw.empty() && raw != "null";
}

}  // namespace

std::optional<Failure> OpenAiStream::feed(std::string_view bytes, std::string& out) {
  if (done_) {
    return std::nullopt;
  }
  auto events = parser_.feed(bytes);
  if (!events.ok()) {
    return broken_answer(provider_, "an event of its stream was larger than this gateway takes");
  }
  for (http::SseEvent& event : events.value()) {
    if (event.data.empty()) {
      continue;
    }
    if (event.data == "[DONE]") {
      done_ = true;
      return std::nullopt;
    }
    if (event.event == "error") {
      return failure_of_event(provider_, event.data);
    }
    if (auto failure = take(std::move(event.data), out)) {
      return failure;
    }
  }
  return std::nullopt;
}

std::optional<Failure> OpenAiStream::take(std::string data, std::string& out) {
  data.reserve(data.size() + json::kScanPadding);
  const auto scanned = json::Scan::object(data);
  if (!scanned.ok()) {
    return broken_answer(provider_, "an event of its stream was no JSON object");
  }
  const json::Scan& scan = scanned.value();
  if (present(scan.raw("error"))) {
    return failure_of_event(provider_, data);
  }
  const Seen seen = read_choices(scan.raw("choices"));
  const std::string_view usage = scan.raw("usage");
  if (present(usage)) {
    facts_.usage = openai_usage(usage);
    if (!seen.any && !usage_asked_) {
      return std::nullopt;
    }
  }
  const json::Field* object = scan.find("object");
  if (seen.parts) {
    auto plain = with_plain_content(data, "delta");
    if (!plain.ok()) {
      return broken_answer(provider_, "an event of its stream had repeated members");
    }
    append_event(out, plain.value());
  } else if (object != nullptr && scan.raw("object") != kChunkObject) {
    // Azure's first event has "", Perplexity's last "chat.completion.done".
    const std::array splices{json::Splice{object->value_begin, object->value_end, kChunkObject}};
    append_event(out, json::splice(data, splices));
  } else {
    append_event(out, data);
  }
  return std::nullopt;
}

OpenAiStream::Seen OpenAiStream::read_choices(std::string_view choices) {
  Seen seen;
  each_element(choices, [this, &seen](std::string_view choice) {
    seen.any = true;
    read_choice(choice, seen);
    return true;
  });
  return seen;
}

void OpenAiStream::read_choice(std::string_view choice, Seen& seen) {
  std::int64_t index = 0;
  std::string_view finish;
  std::string_view delta;
  each_member(choice, [&](std::string_view key, std::string_view value) {
    if (key == "index") {
      index = integer_of(value);
    } else if (key == "finish_reason") {
      finish = value;
    } else if (key == "delta") {
      delta = value;
    }
    return true;
  });
  if (index < 0 || index >= static_cast<std::int64_t>(kChoicesMax)) {
    return;
  }
  const auto at = static_cast<std::size_t>(index);
  if (open_choices_.size() <= at) {
    open_choices_.resize(at + 1, false);
    open_choices_[at] = true;
  }
  each_member(delta, [&](std::string_view key, std::string_view value) {
    if (key == "tool_calls" && index == 0) {
      merge_tool_call_deltas(value, facts_.tool_calls);
    } else if (key == "content") {
      seen.parts = seen.parts || value.starts_with('[');
    }
    return true;
  });
  if (present(finish)) {
    finished_any_ = true;
    open_choices_[at] = false;
    if (index == 0) {
      facts_.finish_reason = text_of(finish);
    }
  }
}

bool OpenAiStream::complete() const {
  const bool all_finished =
      finished_any_ &&
      std::find(open_choices_.begin(), open_choices_.end(), true) == open_choices_.end();
  return all_finished || (done_ && !open_choices_.empty());
}

std::optional<Failure> OpenAiStream::finish(std::string& out) {
  if (!done_ && parser_.partial()) {  // a last event without its blank line: some proxies cut it
    if (auto failure = feed("\n\n", out)) {
      return failure;
    }
  }
  if (!complete()) {
    return broken_answer(provider_, "its stream ended before the answer did");
  }
  return std::nullopt;
}

}  // namespace sluice::provider_router
