#include "common/mcp/protocol.h"

#include "common/base/bytes.h"

#include <algorithm>

namespace sluice::mcp {
namespace {

constexpr std::string_view kEncodedBegin = "=?base64?";
constexpr std::string_view kEncodedEnd = "?=";
constexpr std::string_view kBlanks = " \t";

bool is_encoded(std::string_view value) {
  return value.size() >= kEncodedBegin.size() + kEncodedEnd.size() &&
         value.starts_with(kEncodedBegin) && value.ends_with(kEncodedEnd);
}

std::string_view without_blanks(std::string_view value) {
  const auto first = value.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return value.substr(first, value.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

bool is_modern_version(std::string_view version) {
  return std::find(kModernVersions.begin(), kModernVersions.end(), version) !=
         kModernVersions.end();
}

bool is_legacy_version(std::string_view version) {
  return std::find(kLegacyVersions.begin(), kLegacyVersions.end(), version) !=
         kLegacyVersions.end();
}

bool is_header_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_read_method(std::string_view method) {
  return method == kResourcesRead || method == kPromptsGet || method == kCompletionComplete ||
         method == kResourcesSubscribe;
}

std::string_view named_member(std::string_view method) {
  if (method == kToolsCall || method == kPromptsGet) {
    return "name";
  }
  return method == kResourcesRead ? "uri" : "";
}

std::string header_value_of(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
  if (printable && without_blanks(text) == text && !is_encoded(text)) {
    return std::string(text);
  }
  return std::string(kEncodedBegin) + to_base64(text) + std::string(kEncodedEnd);
}

Result<std::string> text_of_header(std::string_view value) {
  value = without_blanks(value);
  if (!is_encoded(value)) {
    return std::string(value);
  }
  value.remove_prefix(kEncodedBegin.size());
  value.remove_suffix(kEncodedEnd.size());
  auto text = from_base64(value);
  if (!text.ok()) {
    return Error(
        Code::Invalid, "a header says =?base64?…?= around something else; encode its value"
    );
  }
  return text;
}

}  // namespace sluice::mcp
