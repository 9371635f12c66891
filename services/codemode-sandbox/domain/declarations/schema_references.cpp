#include "services/codemode-sandbox/domain/declarations/schema_references.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"

#include "common/json/write.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

namespace sluice::codemode_sandbox {
namespace {

constexpr int kCollectDepthMax = 64;  // of the JSON parser
constexpr std::size_t kEnumShort = 4;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "%20", then "~1" and "~0" of a JSON pointer's part.
std::string unescaped(std::string_view part) {
  std::string bytes;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool coded = part[i] == '%' && i + 2 < part.size() && hex_digit(part[i + 1]) >= 0 &&
                       hex_digit(part[i + 2]) >= 0;
    bytes.push_back(
        coded ? static_cast<char>(hex_digit(part[i + 1]) * 16 + hex_digit(part[i + 2])) : part[i]
    );
    i += coded ? 2 : 0;
  }
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '~' && i + 1 < bytes.size()) {
      ++i;
      out.push_back(bytes[i] == '1' ? '/' : bytes[i] == '0' ? '~' : bytes[i]);
    } else {
      out.push_back(bytes[i]);
    }
  }
  return out;
}

const json::Value* member_of(const json::Value& value, const std::string& part) {
  if (value.is_object()) {
    return value.find(part);
  }
  const json::Array* items = value.as_array();
  std::size_t index = 0;
  const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool is_index = fault == std::errc() && end == part.data() + part.size();
  return items != nullptr && is_index && index < items->size() ? &(*items)[index] : nullptr;
}

const json::Value* resolve(const json::Value& document, std::string_view reference) {
  if (reference == "#") {
    return &document;
  }
  if (!reference.starts_with("#/") || reference.size() > kPointerBytesMax) {
    return nullptr;
  }
  const json::Value* at = &document;
  std::string_view rest = reference.substr(2);
  for (bool more = true; more && at != nullptr;) {  // ends with the text
    const auto slash = rest.find('/');
    at = member_of(*at, unescaped(rest.substr(0, slash)));
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view();
  }
  return at != nullptr && (at->is_object() || at->is_bool()) ? at : nullptr;
}

void references_in(const json::Value& value, int depth, std::set<std::string>& found) {
  if (depth > kCollectDepthMax) {
    return;
  }
  if (const json::Object* object = value.as_object(); object != nullptr) {
    for (const auto& [name, member] : object->members()) {
      if (name == "$ref" && member.as_string() != nullptr) {
        found.insert(*member.as_string());
      }
      references_in(member, depth + 1, found);
    }
  } else if (const json::Array* items = value.as_array(); items != nullptr) {
    for (const json::Value& item : *items) {
      references_in(item, depth + 1, found);
    }
  }
}

bool is_long(const json::Value& schema) {
  const json::Value* choices = schema.find("enum");
  const json::Array* values = choices != nullptr ? choices->as_array() : nullptr;
  return schema.find("properties") != nullptr || schema.find("anyOf") != nullptr ||
         schema.find("oneOf") != nullptr || schema.find("allOf") != nullptr ||
         (values != nullptr && values->size() > kEnumShort);
}

}  // namespace

SchemaReferences::SchemaReferences(const json::Value& document) : document_(&document) {
  collect(document, 0);
  if (embedded_ids_ || targets_.size() > kReferencesMax) {
    targets_.clear();
  }
  mark_named();
  context_ = context();
}

void SchemaReferences::collect(const json::Value& value, int depth) {
  if (depth > kCollectDepthMax) {
    return;
  }
  if (const json::Object* object = value.as_object(); object != nullptr) {
    for (const auto& [name, member] : object->members()) {
      const std::string* text = member.as_string();
      if (name == "$ref" && text != nullptr) {
        ++uses_[*text];
        targets_.emplace(*text, Target{.schema = resolve(*document_, *text), .named = false});
        only_definitions_ = only_definitions_ &&
                            (text->starts_with("#/$defs/") || text->starts_with("#/definitions/"));
      } else if (name == "$id" && text != nullptr && depth > 0) {
        embedded_ids_ = true;
      }
      collect(member, depth + 1);
    }
  } else if (const json::Array* items = value.as_array(); items != nullptr) {
    for (const json::Value& item : *items) {
      collect(item, depth + 1);
    }
  }
}

void SchemaReferences::mark_named() {
  std::map<std::string, std::set<std::string>, std::less<>> edges;
  for (const auto& [reference, target] : targets_) {
    if (target.schema != nullptr) {
      references_in(*target.schema, 0, edges[reference]);
    }
  }
  for (auto& [reference, target] : targets_) {
    if (target.schema == nullptr) {
      continue;
    }
    std::set<std::string> seen;
    std::vector<std::string> open{reference};
    while (!open.empty() && !target.named) {  // each reference is opened once
      const auto& next = edges[open.back()];
      open.pop_back();
      target.named = next.contains(reference);
      for (const std::string& one : next) {
        if (seen.insert(one).second) {
          open.push_back(one);
        }
      }
    }
    target.named = target.named || (uses_[reference] > 1 && is_long(*target.schema));
  }
}

const SchemaReferences::Target* SchemaReferences::find(std::string_view reference) const {
  const auto found = targets_.find(reference);
  return found != targets_.end() && found->second.schema != nullptr ? &found->second : nullptr;
}

std::string SchemaReferences::identity_of(const std::string& reference) const {
  return reference + "\n" + context_;
}

std::string SchemaReferences::context() const {
  if (targets_.empty()) {
    return "";
  }
  if (!only_definitions_) {
    return json::write(*document_);
  }
  std::string text;
  for (const std::string_view name : {"$defs", "definitions"}) {
    const json::Value* definitions = document_->find(name);
    text.append(definitions != nullptr ? json::write(*definitions) : "").push_back('\n');
  }
  return text;
}

}  // namespace sluice::codemode_sandbox
