// Ids of the events a legacy client is told: each names its stream and its place in it, so that the
// client can go on behind it. Pure.
//
// "<stream>-<number>" on the stream of a request. "<stream>-<number>-<marks>" on a stream that
// listens: the marks say which lists its client knows, so nothing needs to be kept of it.
#pragma once

#include "services/ingress/domain/catalog_snapshot.h"

#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::ingress {

// What the events of a stream carry. Primed: its first event is an id alone, with the time after
// which to come back.
enum class McpResuming : std::uint8_t { No, ById, Primed };

// What a client of that version understands.
[[nodiscard]] McpResuming resuming_of(std::string_view version);

// Cut hashes of the lists of one caller.
struct ListMarks {
  std::string tools;
  std::string resources;
  std::string prompts;

  friend bool operator==(const ListMarks&, const ListMarks&) = default;
};

[[nodiscard]] ListMarks marks_of(const CatalogSnapshot& snapshot);

struct McpEventId {
  std::string stream;
  std::size_t number = 0;          // 0: the beginning
  std::optional<ListMarks> lists;  // of a stream that listens
};

// Random.
[[nodiscard]] std::string new_stream_name();

[[nodiscard]] std::string to_text(const McpEventId& id);
// Errors: Invalid (not one of ours).
[[nodiscard]] Result<McpEventId> parse_event_id(std::string_view text);

}  // namespace sluice::ingress
