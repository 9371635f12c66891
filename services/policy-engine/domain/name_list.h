// NameList: a list of names in which "*" stands for all.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

class NameList {
 public:
  NameList() = default;

  explicit NameList(const std::vector<std::string>& names) : names_(names.begin(), names.end()) {}

  [[nodiscard]] bool contains(std::string_view name) const {
    return names_.contains("*") || names_.contains(name);
  }

  // Whether every name of the other is one of this.
  [[nodiscard]] bool covers(const NameList& other) const {
    return names_.contains("*") ||
           std::includes(names_.begin(), names_.end(), other.names_.begin(), other.names_.end());
  }

  [[nodiscard]] bool is_all() const { return names_.contains("*"); }

  [[nodiscard]] const std::set<std::string, std::less<>>& names() const { return names_; }

 private:
  std::set<std::string, std::less<>> names_;
};

}  // namespace sluice::policy_engine
