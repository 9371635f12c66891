#include "services/ingress/domain/header_list.h"

#include "services/ingress/limits.h"

#include <algorithm>
#include <utility>

namespace sluice::ingress {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<std::vector<std::string>> split(std::string_view name, std::string_view value) {
  std::vector<std::string> entries;
  while (!value.empty()) {
    const auto comma = value.find(',');
    const std::string_view entry = trimmed(value.substr(0, comma));
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
    if (entry.empty()) {
      continue;
    }
    if (entry.size() > kNarrowingEntryBytesMax || entries.size() >= kNarrowingEntriesMax) {
      return Error(
          Code::Invalid,
          "header " + std::string(name) + " is too long; send at most " +
              std::to_string(kNarrowingEntriesMax) + " names of at most " +
              std::to_string(kNarrowingEntryBytesMax) + " characters"
      );
    }
    entries.emplace_back(entry);
  }
  return sorted_names(std::move(entries));
}

}  // namespace

std::vector<std::string> sorted_names(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::optional<std::vector<std::string>>> header_list(
    const http::Headers& headers, std::string_view name, std::string_view other
) {
  const std::size_t count = headers.count(name) + headers.count(other);
  if (count == 0) {
    return std::optional<std::vector<std::string>>();
  }
  if (count > 1) {
    return Error(
        Code::Invalid,
        "send " + std::string(name) +
            (other.empty() ? std::string() : " or " + std::string(other) + ",") +
            " only once; separate names by commas"
    );
  }
  const std::string_view present = headers.has(name) ? name : other;
  SLUICE_TRY(auto entries, split(present, headers.get(present)));
  return std::optional<std::vector<std::string>>(std::move(entries));
}

}  // namespace sluice::ingress
