#include "services/codemode-sandbox/runner/v8/testing/case_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace sluice::codemode_runner {
namespace {

constexpr std::string_view kBegin = "//// ";

}  // namespace

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<ScriptCase> read_cases(const std::string& path) {
  std::vector<ScriptCase> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kBegin)) {
      const std::string head = line.substr(kBegin.size());
      const std::size_t colon = std::min(head.find(": "), head.size());
      const std::size_t rest = std::min(colon + 2, head.size());
      cases.push_back({.name = head.substr(0, colon), .expected = head.substr(rest), .source = {}});
    } else if (!cases.empty()) {
      cases.back().source += line + "\n";
    }
  }
  for (ScriptCase& one : cases) {
    if (one.source.ends_with('\n')) {
      one.source.pop_back();
    }
  }
  return cases;
}

std::vector<std::pair<std::string, std::string>> case_files(
    const std::string& folder, const std::string& begin
) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with(begin) && entry.path().extension() == ".cases") {
      found.emplace_back(name, entry.path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sluice::codemode_runner
