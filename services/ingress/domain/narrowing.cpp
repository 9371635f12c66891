#include "services/ingress/domain/narrowing.h"

#include "services/ingress/domain/tool_names.h"
#include "services/ingress/limits.h"

#include <algorithm>
#include <optional>

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
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

// The list of the one of the two headers that is there.
Result<std::optional<std::vector<std::string>>> list_of(
    const http::Headers& headers, std::string_view name, std::string_view other
) {
  const std::size_t count = headers.count(name) + headers.count(other);
  if (count == 0) {
    return std::optional<std::vector<std::string>>();
  }
  if (count > 1) {
    return Error(
        Code::Invalid,
        "send " + std::string(name) + " or " + std::string(other) +
            ", and only once; separate names by commas"
    );
  }
  const std::string_view present = headers.has(name) ? name : other;
  SLUICE_TRY(auto entries, split(present, headers.get(present)));
  return std::optional<std::vector<std::string>>(std::move(entries));
}

bool has(const std::vector<std::string>& sorted, std::string_view entry) {
  return std::binary_search(sorted.begin(), sorted.end(), entry, std::less<>());
}

void append_key(std::string& key, char kind, const std::vector<std::string>& entries) {
  key.push_back(kind);
  for (const auto& entry : entries) {
    key.append(entry).push_back(',');  // a header value holds no comma inside an entry
  }
}

}  // namespace

Result<Narrowing> Narrowing::parse(const http::Headers& headers) {
  Narrowing narrowing;
  SLUICE_TRY(
      auto servers, list_of(headers, "x-sluice-include-servers", "x-bf-mcp-include-clients")
  );
  if (servers) {
    narrowing.by_server_ = true;
    narrowing.servers_ = std::move(*servers);
    append_key(narrowing.key_, 's', narrowing.servers_);
  }
  SLUICE_TRY(auto tools, list_of(headers, "x-sluice-include-tools", "x-bf-mcp-include-tools"));
  if (tools) {
    narrowing.by_tool_ = true;
    narrowing.tools_ = std::move(*tools);
    append_key(narrowing.key_, 't', narrowing.tools_);
  }
  return narrowing;
}

bool Narrowing::none() const {
  return (by_server_ && servers_.empty()) || (by_tool_ && tools_.empty());
}

policy::v1::ToolFilter Narrowing::filter() const {
  policy::v1::ToolFilter filter;
  if (!restricted()) {
    return filter;
  }
  filter.set_restricted(true);
  if (!by_server_) {
    filter.add_servers("*");
  }
  for (const auto& server : servers_) {
    filter.add_servers(server);
  }
  if (!by_tool_) {
    filter.add_tools("*");
  }
  for (const auto& tool : tools_) {
    filter.add_tools(tool);
  }
  return filter;
}

bool Narrowing::allows_server(std::string_view server) const {
  return !by_server_ || has(servers_, server) || has(servers_, "*");
}

bool Narrowing::allows(std::string_view server, std::string_view tool) const {
  if (!allows_server(server)) {
    return false;
  }
  return !by_tool_ || has(tools_, "*") || has(tools_, full_name_of(server, tool)) ||
         has(tools_, full_name_of(server, "*"));
}

}  // namespace sluice::ingress
