#include "common/mcp/modern_messages.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::mcp {
namespace {

constexpr std::string_view kComplete = "complete";

std::vector<std::string> texts_in(const json::Value* list) {
  std::vector<std::string> out;
  if (list != nullptr && list->is_array()) {
    for (const json::Value& item : *list->as_array()) {
      if (item.is_string()) {
        out.push_back(*item.as_string());
      }
    }
  }
  return out;
}

}  // namespace

std::string modern_meta(
    std::string_view version,
    const Implementation& client,
    std::string_view capabilities,
    std::string_view log_level
) {
  json::Value meta = json::object(
      {{std::string(kMetaProtocolVersion), version},
       {std::string(kMetaClientInfo),
        json::object({{"name", client.name}, {"version", client.version}})}}
  );
  if (!log_level.empty()) {
    meta.as_object()->set(kMetaLogLevel, log_level);
  }
  const std::string text = json::write(meta);
  std::string out = text.substr(1, text.size() - 2);  // without its braces
  json::append_quoted(out += ',', kMetaClientCapabilities);
  return out.append(":").append(capabilities);
}

HeaderList modern_headers(
    std::string_view version, std::string_view method, std::string_view name
) {
  HeaderList headers{
      {std::string(kVersionHeader), std::string(version)},
      {std::string(kMethodHeader), std::string(method)}
  };
  if (!name.empty()) {
    headers.emplace_back(kNameHeader, header_value_of(name));
  }
  return headers;
}

Result<DiscoverResult> parse_discover_result(std::string_view result) {
  SLUICE_TRY(const json::Value value, json::parse(result));
  const json::Value* versions = value.find("supportedVersions");
  if (versions == nullptr || !versions->is_array()) {
    return Error(
        Code::Invalid, "the server's answer to server/discover names no versions; repair the server"
    );
  }
  return DiscoverResult{
      .supported_versions = texts_in(versions),
      .capabilities = capabilities_in(value),
      .instructions = value.text_or("instructions", "")
  };
}

std::vector<std::string> supported_versions_of(const RpcError& error) {
  if (error.code != kUnsupportedProtocolVersion || error.data.empty()) {
    return {};
  }
  const auto data = json::parse(error.data);
  return data.ok() ? texts_in(data.value().find("supported")) : std::vector<std::string>();
}

bool is_modern_error(int code) {
  return code == kHeaderMismatch || code == kMissingClientCapability ||
         code == kUnsupportedProtocolVersion;
}

std::optional<std::string> shared_modern_version(const std::vector<std::string>& versions) {
  for (const std::string_view ours : kModernVersions) {
    if (std::find(versions.begin(), versions.end(), ours) != versions.end()) {
      return std::string(ours);
    }
  }
  return std::nullopt;
}

Result<std::string> result_type_of(std::string& result) {
  SLUICE_TRY(const json::Scan scan, json::Scan::object(result));
  return scan.find("resultType") == nullptr ? std::string(kComplete) : scan.text("resultType");
}

}  // namespace sluice::mcp
