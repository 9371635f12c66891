// The scripts of services/codemode-sandbox/runner/v8/attacks: read, multiplied, and judged.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace sluice::tests {

struct AttackCase {
  std::string name;    // "<file>: <name> [<what was put in for $$>]"
  std::string source;  // with $WIN, $FILE and $MARK still in it
  std::set<codemode::v1::Outcome> ends;
  std::uint32_t wall_ms = 5'000;
  std::uint32_t heap_mib = 64;
  bool declared = false;  // checked against the types of its tools
};

// Every case below the folder, in a fixed order. Aborts on a line it does not understand.
[[nodiscard]] std::vector<AttackCase> read_attacks(const std::string& folder);

// The source as it is run: file is the path of the canary's file, mark the run's own.
[[nodiscard]] std::string prepared(
    const AttackCase& attack, const std::string& file, const std::string& mark
);

// What may be in nothing that leaves a run.
struct Secrets {
  std::vector<std::string> canaries;
  std::string mark_prefix;  // a mark of any run begins so
};

// What left a run.
struct Seen {
  codemode::runner::Finished finished;
  std::vector<codemode::runner::ToolCall> calls;
  std::vector<codemode::runner::Console> console;
};

// The rules it broke; empty: none. mark is its own.
[[nodiscard]] std::vector<std::string> breaches(
    const AttackCase& attack, const Seen& seen, const Secrets& secrets, const std::string& mark
);

}  // namespace sluice::tests
