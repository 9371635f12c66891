#include "tests/integration/attack_cases.h"

#include "tests/support/process.h"

#include "common/base/check.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

namespace sluice::tests {
namespace {

using codemode::v1::Outcome;

constexpr std::string_view kCase = "//# ";
constexpr std::string_view kEnds = "//! ends: ";
constexpr std::string_view kEach = "//! each: ";
constexpr std::string_view kWall = "//! wall: ";
constexpr std::string_view kHeap = "//! heap: ";
constexpr std::string_view kDeclared = "//! declared: yes";
constexpr std::string_view kGenerate = "//! generate: ";

// A script says it where it has succeeded; it stands in no source.
constexpr std::string_view kWin = "PWNED";
constexpr std::string_view kWinSource = "('PW' + 'NED')";

// The wall limit, SIGKILL half a second later, and a machine that is busy with other things.
constexpr std::uint64_t kOverWallUs = 500'000 + 700'000;
// Heap, array buffers and slack of the address space, and what the zygote had.
constexpr std::uint32_t kMemoryKibMax = std::uint32_t{300} << 10;

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find(by);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + by.size());
  }
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

Outcome outcome_of(const std::string& word) {
  static const std::map<std::string, Outcome> kWords{
      {"ok", codemode::v1::OUTCOME_OK},
      {"type", codemode::v1::OUTCOME_TYPE_ERROR},
      {"error", codemode::v1::OUTCOME_SCRIPT_ERROR},
      {"timeout", codemode::v1::OUTCOME_TIMEOUT},
      {"memory", codemode::v1::OUTCOME_MEMORY},
      {"deadlock", codemode::v1::OUTCOME_DEADLOCK},
      {"killed", codemode::v1::OUTCOME_KILLED},
  };
  const auto found = kWords.find(word);
  SLUICE_CHECK(found != kWords.end(), "an attack's outcome is one there is");
  return found->second;
}

// Sources that are hard to read for a compiler, as long as a script may be.
std::string generated(const std::string& kind) {
  struct Shape {
    std::string_view open;
    std::string_view middle;
    std::string_view close;
    std::string_view before;
    std::string_view after;
  };

  static const std::map<std::string, Shape, std::less<>> kShapes{
      {"parens", {"(", "1", ")", "return ", ""}},
      {"arrays", {"[", "1", "]", "return ", ".length"}},
      {"plus", {"1+", "1", "", "return ", ""}},
      {"templates", {"`${", "1", "}`", "return ", ""}},
      {"conditionals", {"1?", "1", ":1", "return ", ""}},
      {"generics", {"A<", "1", ">", "type A<T> = T; const x: ", " = 1 as any; return 1"}},
      {"unions", {"'a'|", "'b'", "", "const x: ", " = 'a'; return x"}},
      {"objects", {"{a:", "1", "}", "return ", ""}},
      {"unary", {"- ", "1", "", "return ", ""}},
      {"calls", {"f(", "1", ")", "const f = (x: any) => x; return ", ""}},
      {"arrows", {"()=>", "1", "", "return typeof (", ")"}},
      {"comments", {"/**/", "", "", "", "return 1"}},
      {"identifiers", {"a;", "", "", "const a = 1; ", "return a"}},
      {"strings", {"'',", "''", "", "return [", "].length"}},
      {"regexps", {"/a/,", "1", "", "return [", "].length"}},
      {"spreads", {"...[", "1", "]", "return [", "].length"}},
      {"optional", {"a?.", "a", "", "const a: any = {}; return ", ""}},
      {"jsx", {"<a>", "1", "</a>", "return ", ""}},
      {"unicode", {"\\u0061;", "", "", "const a = 1; ", "return a"}},
      {"types", {"T extends 1?", "1", ":2", "type X<T> = ", "; return 1"}},
  };
  const auto found = kShapes.find(kind);
  SLUICE_CHECK(found != kShapes.end(), "a generated source is one there is");
  const Shape& shape = found->second;
  constexpr std::size_t kSourceBytes = 60'000;
  const std::size_t count = kSourceBytes / (shape.open.size() + shape.close.size());
  std::string text(shape.before);
  for (std::size_t i = 0; i < count; ++i) {
    text += shape.open;
  }
  text += shape.middle;
  for (std::size_t i = 0; i < count; ++i) {
    text += shape.close;
  }
  return text.append(shape.after);
}

struct Raw {
  AttackCase attack;
  std::vector<std::string> each{""};
  bool generate = false;
};

void multiply(const Raw& raw, std::vector<AttackCase>& all) {
  for (const std::string& one : raw.each) {
    AttackCase made = raw.attack;
    if (!one.empty()) {
      made.name += " [" + one.substr(0, 80) + "]";
    }
    made.source = raw.generate ? generated(one) : replaced(made.source, "$$", one);
    if (made.ends.empty()) {
      made.ends = {
          codemode::v1::OUTCOME_OK,
          codemode::v1::OUTCOME_SCRIPT_ERROR,
          codemode::v1::OUTCOME_DEADLOCK,
      };
    }
    all.push_back(std::move(made));
  }
}

void read_file(const std::filesystem::path& path, std::vector<AttackCase>& all) {
  std::istringstream lines(read_text(path.string()));
  Raw raw;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kCase)) {
      if (!raw.attack.name.empty()) {
        multiply(raw, all);
      }
      raw = {};
      raw.attack.name = path.stem().string() + ": " + line.substr(kCase.size());
    } else if (line.starts_with(kEnds)) {
      for (const std::string& word : split(line.substr(kEnds.size()), ", ")) {
        raw.attack.ends.insert(outcome_of(word));
      }
    } else if (line.starts_with(kEach)) {
      raw.each = split(line.substr(kEach.size()), " | ");
      for (std::string& one : raw.each) {
        one = replaced(one, "\\|", "|");
      }
    } else if (line.starts_with(kWall)) {
      raw.attack.wall_ms = static_cast<std::uint32_t>(std::stoul(line.substr(kWall.size())));
    } else if (line.starts_with(kHeap)) {
      raw.attack.heap_mib = static_cast<std::uint32_t>(std::stoul(line.substr(kHeap.size())));
    } else if (line == kDeclared) {
      raw.attack.declared = true;
    } else if (line.starts_with(kGenerate)) {
      raw.generate = true;
    } else {
      SLUICE_CHECK(!line.starts_with("//!"), "a line of an attack is one there is");
      raw.attack.source += line + "\n";
    }
  }
  multiply(raw, all);
}

std::string text_of(const Seen& seen) {
  const auto& error = seen.finished.error();
  std::string all = seen.finished.value() + "\n" + error.message() + "\n" + error.stack() + "\n" +
                    error.hint() + "\n";
  for (const auto& line : seen.console) {
    all += line.text() + "\n";
  }
  for (const auto& call : seen.calls) {
    all += call.server() + "." + call.function() + call.call_site() + call.arguments() + "\n";
  }
  return all;
}

bool has_foreign_mark(const std::string& text, const std::string& prefix, const std::string& own) {
  for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
    if (text.compare(at, own.size(), own) != 0) {
      return true;
    }
  }
  return false;
}

// Which of time and memory is used up first depends on the machine.
bool may_end(const AttackCase& attack, Outcome outcome) {
  const bool bounded = attack.ends.contains(codemode::v1::OUTCOME_TIMEOUT) ||
                       attack.ends.contains(codemode::v1::OUTCOME_MEMORY);
  const bool by_limit =
      outcome == codemode::v1::OUTCOME_TIMEOUT || outcome == codemode::v1::OUTCOME_MEMORY;
  return attack.ends.contains(outcome) || (bounded && by_limit);
}

}  // namespace

std::vector<AttackCase> read_attacks(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".ts") {
      files.push_back(file.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<AttackCase> all;
  for (const auto& file : files) {
    read_file(file, all);
  }
  return all;
}

std::string prepared(const AttackCase& attack, const std::string& file, const std::string& mark) {
  return replaced(
      replaced(replaced(attack.source, "$WIN", kWinSource), "$FILE", file), "$MARK", mark
  );
}

std::vector<std::string> breaches(
    const AttackCase& attack, const Seen& seen, const Secrets& secrets, const std::string& mark
) {
  std::vector<std::string> broken;
  const std::string text = text_of(seen);
  for (const std::string& canary : secrets.canaries) {
    if (text.find(canary) != std::string::npos) {
      broken.emplace_back("a canary left the run");
    }
  }
  if (text.find(kWin) != std::string::npos) {
    broken.emplace_back("it says that it succeeded");
  }
  if (has_foreign_mark(text, secrets.mark_prefix, mark)) {
    broken.emplace_back("it saw the mark of another run");
  }
  static const std::set<std::string> kGranted{"echo", "fail", "poison", "big", "wait"};
  for (const auto& call : seen.calls) {
    if (call.server() != "test" || !kGranted.contains(call.function())) {
      broken.push_back("it called " + call.server() + "." + call.function());
    }
  }
  const Outcome outcome = seen.finished.outcome();
  if (!may_end(attack, outcome)) {
    broken.push_back(
        "it ended as " + codemode::v1::Outcome_Name(outcome) + ": " +
        seen.finished.error().message().substr(0, 200)
    );
  }
  if (seen.finished.wall_us() > attack.wall_ms * 1'000ULL + kOverWallUs) {
    broken.push_back("it ran for " + std::to_string(seen.finished.wall_us()) + " us");
  }
  if (seen.finished.memory_peak_kib() > kMemoryKibMax) {
    broken.push_back("it had " + std::to_string(seen.finished.memory_peak_kib()) + " KiB");
  }
  return broken;
}

}  // namespace sluice::tests
