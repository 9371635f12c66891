#include "services/ingress/domain/mcp_event_id.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kPrimedSince = "2025-11-25";
constexpr std::string_view kResumableSince = "2025-03-26";  // Streamable HTTP
constexpr char kSeparator = '-';
constexpr std::size_t kMarkSize = 2 * kMcpListMarkBytes;

std::string mark_of(std::string_view list) {
  return to_hex(crypto::sha256(list).substr(0, kMcpListMarkBytes));
}

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Up to the separator, which goes too.
std::string_view take(std::string_view* text) {
  const std::string_view part = text->substr(0, text->find(kSeparator));
  text->remove_prefix(std::min(text->size(), part.size() + 1));
  return part;
}

Error not_ours() {
  return Error(
      Code::Invalid,
      "this Last-Event-ID is not one of ours; send the id of the last event, or listen without one"
  );
}

}  // namespace

McpResuming resuming_of(std::string_view version) {
  if (version < kResumableSince) {  // dates, so the text compares as they do
    return McpResuming::No;
  }
  return version < kPrimedSince ? McpResuming::ById : McpResuming::Primed;
}

ListMarks marks_of(const CatalogSnapshot& snapshot) {
  const Offerings& offerings = snapshot.offerings();
  const std::string resources =
      offerings.list(OfferingKind::Resource) + '\n' + offerings.list(OfferingKind::Template);
  return {
      .tools = mark_of(snapshot.definitions_json()),
      .resources = mark_of(resources),
      .prompts = mark_of(offerings.list(OfferingKind::Prompt))
  };
}

std::string new_stream_name() {
  return to_hex(crypto::random_bytes(kMcpStreamNameBytes));
}

std::string to_text(const McpEventId& id) {
  std::string text = id.stream + kSeparator + std::to_string(id.number);
  if (id.lists) {
    text.append(1, kSeparator).append(id.lists->tools);
    text.append(id.lists->resources).append(id.lists->prompts);
  }
  return text;
}

Result<McpEventId> parse_event_id(std::string_view text) {
  if (text.size() > kMcpEventIdBytesMax) {
    return not_ours();
  }
  McpEventId id;
  id.stream = take(&text);
  const std::string_view number = take(&text);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), id.number);
  if (!is_hex(id.stream, 2 * kMcpStreamNameBytes) || error != std::errc() ||
      end != number.data() + number.size()) {
    return not_ours();
  }
  if (text.empty()) {
    return id;
  }
  if (!is_hex(text, 3 * kMarkSize)) {
    return not_ours();
  }
  id.lists = ListMarks{
      .tools = std::string(text.substr(0, kMarkSize)),
      .resources = std::string(text.substr(kMarkSize, kMarkSize)),
      .prompts = std::string(text.substr(2 * kMarkSize))
  };
  return id;
}

}  // namespace sluice::ingress
