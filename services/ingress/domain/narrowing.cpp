#include "services/ingress/domain/narrowing.h"

#include "services/ingress/domain/header_list.h"
#include "services/ingress/domain/tool_names.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::string_view kServersHeader = "x-sluice-include-servers";
constexpr std::string_view kServersOther = "x-bf-mcp-include-clients";
constexpr std::string_view kToolsHeader = "x-sluice-include-tools";
constexpr std::string_view kToolsOther = "x-bf-mcp-include-tools";
constexpr std::string_view kResourcesHeader = "x-sluice-include-resources";

// Whether all that one entry names is named by the other: "*" and "<server>-*" stand for several.
bool covers(std::string_view entry, std::string_view other) {
  const bool whole_server = entry.ends_with("-*") && entry.find('-') == entry.size() - 2;
  return entry == "*" || entry == other ||
         (whole_server && other.starts_with(entry.substr(0, entry.size() - 1)));
}

std::vector<std::string> in_both(
    const std::vector<std::string>& a, const std::vector<std::string>& b
) {
  std::vector<std::string> entries;
  for (const auto* list : {&a, &b}) {
    const auto& other = list == &a ? b : a;
    for (const std::string& entry : *list) {
      if (std::any_of(other.begin(), other.end(), [&entry](const std::string& one) {
            return covers(one, entry);
          })) {
        entries.push_back(entry);
      }
    }
  }
  return sorted_names(std::move(entries));
}

// Into a list that may not be there; true when it then is.
bool narrow(
    bool there, std::vector<std::string>* list, bool by, const std::vector<std::string>& other
) {
  if (by) {
    *list = there ? in_both(*list, other) : other;
  }
  return there || by;
}

void write_list(
    http::Headers* headers, std::string_view name, const std::vector<std::string>& entries
) {
  std::string value;
  for (const std::string& entry : entries) {
    value.append(value.empty() ? "" : ",").append(entry);
  }
  headers->add(std::string(name), std::move(value));
}

bool has(const std::vector<std::string>& sorted, std::string_view entry) {
  return std::binary_search(sorted.begin(), sorted.end(), entry, std::less<>());
}

void append_key(std::string& key, bool there, char kind, const std::vector<std::string>& entries) {
  if (!there) {
    return;
  }
  key.push_back('\n');  // no header value and no name in the settings holds one
  key.push_back(kind);
  for (const auto& entry : entries) {
    key.append(entry).push_back(',');  // a header value holds no comma inside an entry
  }
}

}  // namespace

Result<Narrowing> Narrowing::parse(const http::Headers& headers) {
  Narrowing narrowing;
  SLUICE_TRY(auto servers, header_list(headers, kServersHeader, kServersOther));
  if (servers) {
    narrowing.by_server_ = true;
    narrowing.servers_ = std::move(*servers);
  }
  SLUICE_TRY(auto tools, header_list(headers, kToolsHeader, kToolsOther));
  if (tools) {
    narrowing.by_tool_ = true;
    narrowing.tools_ = std::move(*tools);
  }
  SLUICE_TRY(auto resources, header_list(headers, kResourcesHeader));
  if (resources) {
    narrowing.by_resource_ = true;
    narrowing.resource_servers_ = std::move(*resources);
  }
  narrowing.make_key();
  return narrowing;
}

Narrowing Narrowing::of(std::vector<std::string> tools, std::vector<std::string> resource_servers) {
  Narrowing narrowing;
  narrowing.by_tool_ = true;
  narrowing.tools_ = sorted_names(std::move(tools));
  narrowing.by_resource_ = true;
  narrowing.resource_servers_ = sorted_names(std::move(resource_servers));
  narrowing.make_key();
  return narrowing;
}

Narrowing Narrowing::within(const Narrowing& other) const {
  Narrowing both = *this;
  both.by_server_ = narrow(by_server_, &both.servers_, other.by_server_, other.servers_);
  both.by_tool_ = narrow(by_tool_, &both.tools_, other.by_tool_, other.tools_);
  both.by_resource_ =
      narrow(by_resource_, &both.resource_servers_, other.by_resource_, other.resource_servers_);
  both.make_key();
  return both;
}

void Narrowing::write(http::Headers* headers) const {
  for (const std::string_view name :
       {kServersHeader, kServersOther, kToolsHeader, kToolsOther, kResourcesHeader}) {
    headers->remove(name);
  }
  if (by_server_) {
    write_list(headers, kServersHeader, servers_);
  }
  if (by_tool_) {
    write_list(headers, kToolsHeader, tools_);
  }
  if (by_resource_) {
    write_list(headers, kResourcesHeader, resource_servers_);
  }
}

void Narrowing::make_key() {
  key_.clear();
  append_key(key_, by_server_, 's', servers_);
  append_key(key_, by_tool_, 't', tools_);
  append_key(key_, by_resource_, 'r', resource_servers_);
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

bool Narrowing::allows_resources(std::string_view server) const {
  return allows_server(server) &&
         (!by_resource_ || has(resource_servers_, server) || has(resource_servers_, "*"));
}

bool Narrowing::allows(std::string_view server, std::string_view tool) const {
  if (!allows_server(server)) {
    return false;
  }
  return !by_tool_ || has(tools_, "*") || has(tools_, full_name_of(server, tool)) ||
         has(tools_, full_name_of(server, "*"));
}

}  // namespace sluice::ingress
