#include "services/codemode-sandbox/domain/declarations/named_types.h"

#include "services/codemode-sandbox/domain/declarations/indent.h"

#include <vector>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kTypeNameBytesMax = 48;

std::string type_name_of(std::string_view wished) {
  std::string name;
  bool starts_word = true;
  for (const char c : wished.substr(0, kTypeNameBytesMax)) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (lower || (c >= 'A' && c <= 'Z') || (digit && !name.empty())) {
      name.push_back(lower && starts_word ? static_cast<char>(c - 'a' + 'A') : c);
      starts_word = false;
    } else {
      starts_word = true;
    }
  }
  return name.empty() ? "Type" : name;
}

}  // namespace

std::string NamedTypes::find(const std::string& identity) const {
  const auto found = by_identity_.find(identity);
  return found != by_identity_.end() ? found->second : "";
}

std::string NamedTypes::begin(const std::string& identity, std::string_view wished, int structure) {
  const std::string base = type_name_of(wished);
  std::string name = base;
  for (int number = 2; types_.contains(name); ++number) {  // ends: names are finitely many
    name = base + std::to_string(number);
  }
  types_[name].structure = structure;
  by_identity_[identity] = name;
  return name;
}

void NamedTypes::close_over(std::set<std::string>& names) const {
  std::vector<std::string> open(names.begin(), names.end());
  while (!open.empty()) {  // each name is opened once
    const auto found = types_.find(open.back());
    open.pop_back();
    if (found == types_.end()) {
      continue;
    }
    for (const std::string& used : found->second.uses) {
      if (names.insert(used).second) {
        open.push_back(used);
      }
    }
  }
}

std::string NamedTypes::text_of(const std::set<std::string>& names) const {
  if (names.empty()) {
    return "";
  }
  std::string out = "declare namespace " + space_ + " {\n";
  for (const std::string& name : names) {
    out.append("  ").append(indented(types_.at(name).declaration)).append("\n");
  }
  return out + "}\n";
}

}  // namespace sluice::codemode_sandbox
