#include "services/ingress/domain/code_tool.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <set>

namespace sluice::ingress {
namespace {

constexpr std::string_view kIntroduction =
    "Runs one TypeScript script that calls tools of the servers below. Call a tool as `await "
    "server.tool({name: value})`; several at once with `await Promise.all([...])`. A failed call "
    "rejects; catch it where the script can go on. Top-level `await` and `return` work. Only the "
    "returned value (JSON) and console output come back: filter and combine results in the script "
    "and return what you need. A result is the tool's structured content, or its text, parsed "
    "where it is JSON. There are no imports, files, network or timers. Prefer one script to many "
    "single calls.\nServers:\n";

constexpr std::string_view kParameters =
    R"({"type":"object","properties":{"code":{"type":"string","description":"The script."}},"required":["code"]})";

bool is_identifier(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9');
         });
}

std::string parameters_of(const json::Value& schema) {
  const json::Value* properties = schema.find("properties");
  if (properties == nullptr || !properties->is_object() || properties->as_object()->empty()) {
    return "{}";
  }
  std::set<std::string_view> required;
  if (const json::Value* names = schema.find("required");
      names != nullptr && names->as_array() != nullptr) {
    for (const auto& name : *names->as_array()) {
      if (name.as_string() != nullptr) {
        required.insert(*name.as_string());
      }
    }
  }
  std::string out = "{";
  std::size_t count = 0;
  for (const auto& [name, property] : properties->as_object()->members()) {
    if (++count > kSignatureParametersMax) {
      out.append(", …");
      break;
    }
    out.append(count == 1 ? "" : ", ");
    if (is_identifier(name)) {
      out.append(name);
    } else {
      json::append_quoted(out, name);
    }
    out.append(required.contains(name) ? "" : "?");
  }
  return out + "}";
}

// The part before the parameters.
std::string_view name_in(std::string_view signature) {
  return signature.substr(0, signature.rfind("({"));
}

struct List {
  std::string text;
  std::size_t left_out = 0;
};

List list_of(const std::vector<CodeServer>& servers, bool with_parameters) {
  List list;
  for (const CodeServer& server : servers) {
    std::string line(server.name);
    line.append(": ");
    bool first = true;
    for (const std::string_view signature : server.signatures) {
      const std::string_view shown = with_parameters ? signature : name_in(signature);
      if (list.text.size() + line.size() + shown.size() + 3 > kCodeListBytesMax) {
        ++list.left_out;
        continue;
      }
      line.append(first ? "" : ", ").append(shown);
      first = false;
    }
    if (!first) {
      list.text.append(line).append("\n");
    }
  }
  return list;
}

}  // namespace

std::string signature_of(std::string_view tool, std::string_view definition) {
  std::string out;
  if (is_identifier(tool)) {
    out.append(tool);
  } else {
    out.append("[");
    json::append_quoted(out, tool);
    out.append("]");
  }
  const auto parsed = json::parse(definition);
  const json::Value* schema = parsed.ok() ? parsed.value().find("inputSchema") : nullptr;
  return out + "(" + (schema != nullptr ? parameters_of(*schema) : std::string("{}")) + ")";
}

std::string code_tool_definition(const std::vector<CodeServer>& servers) {
  List list = list_of(servers, true);
  if (list.left_out > 0) {
    list = list_of(servers, false);
  }
  std::string description(kIntroduction);
  description.append(list.text);
  if (list.left_out > 0) {
    description.append("and ").append(std::to_string(list.left_out)).append(" more tools\n");
  }
  description.pop_back();
  std::string out = R"({"name":")";
  out.append(kExecuteToolCode).append(R"(","description":)");
  json::append_quoted(out, description);
  out.append(R"(,"inputSchema":)").append(kParameters).append("}");
  return out;
}

}  // namespace sluice::ingress
