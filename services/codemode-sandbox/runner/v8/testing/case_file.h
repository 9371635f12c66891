// Cases of scripts as data: runner/typescript/cases.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sluice::codemode_runner {

struct ScriptCase {
  std::string name;
  std::string expected;  // what follows ": " in its first line
  std::string source;
};

// Of one file: each case begins with "//// <name>: <expected>".
[[nodiscard]] std::vector<ScriptCase> read_cases(const std::string& path);

// Name (without its ending) and path of every file of cases whose name begins so, in order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> case_files(
    const std::string& folder, const std::string& begin
);

[[nodiscard]] std::string read_whole(const std::string& path);

}  // namespace sluice::codemode_runner
