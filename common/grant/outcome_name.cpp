#include "common/grant/outcome_name.h"

#include <algorithm>
#include <string_view>

namespace sluice::codemode::v1 {

std::string name_of(Outcome outcome) {
  constexpr std::string_view kPrefix = "OUTCOME_";
  std::string name = Outcome_Name(outcome);
  if (!name.starts_with(kPrefix)) {
    return "unknown";
  }
  name.erase(0, kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

}  // namespace sluice::codemode::v1
