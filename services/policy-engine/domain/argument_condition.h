// ArgumentCondition: one condition of a rule on the canonical arguments of a call, compiled once.
//
// Rules only tighten, so what a condition cannot judge counts as met: a value of a type it cannot
// compare (prefix, glob and regex compare strings, range numbers), a relative path where an
// absolute one is asked for, and arguments so large that looking at them exceeds the bounds of
// limits.h. A value that is not there meets no condition but "exists": false.
#pragma once

#include "services/policy-engine/limits.h"

#include "common/base/result.h"
#include "common/json/value.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace sluice::policy_engine {

// As the settings say it. README.md#rules has the meaning of each member.
struct ArgumentTest {
  enum class Kind { Prefix, Glob, Regex, Range, In, Equals, Exists };

  std::string pointer;  // RFC 6901, besides "*" for any element or member, and "~2" for a "*"
  Kind kind = Kind::Exists;
  std::string text;                // prefix, glob, regex
  std::optional<json::Value> min;  // range; numbers
  std::optional<json::Value> max;
  json::Array values;  // in; equals: exactly one
  bool exists = true;
  bool is_path = false;
  bool negated = false;

  friend bool operator==(const ArgumentTest&, const ArgumentTest&) = default;
};

// "prefix", …
[[nodiscard]] std::string_view name_of(ArgumentTest::Kind kind);

// What looking at one call's arguments may still cost; shared by all rules of its evaluation.
class Effort {
 public:
  // False when it is used up: what was to be looked at counts as met.
  [[nodiscard]] bool spend(std::size_t units);

 private:
  std::size_t left_ = kEvaluationEffortMax;
};

class ArgumentCondition {
 public:
  // Errors: Invalid, with the name of the member of the settings that is wrong as detail.
  [[nodiscard]] static Result<ArgumentCondition> compile(ArgumentTest test);

  // Whether some value the pointer leads to meets the test; a "*" may lead to several.
  [[nodiscard]] bool is_met(const json::Value& arguments, Effort* effort) const;
  // The test alone, on a value that is there.
  [[nodiscard]] bool is_met_by(const json::Value& value, Effort* effort) const;

  [[nodiscard]] const ArgumentTest& test() const { return test_; }

 private:
  struct Token {
    std::string name;
    bool any = false;
  };

  [[nodiscard]] Result<void> compile_pointer();
  [[nodiscard]] Result<void> compile_text();
  [[nodiscard]] bool search(const json::Value& value, std::size_t depth, Effort* effort) const;
  [[nodiscard]] std::optional<bool> text_meets(const std::string& text, Effort* effort) const;
  [[nodiscard]] std::optional<bool> compare(const json::Value& value, Effort* effort) const;

  ArgumentTest test_;
  std::vector<Token> tokens_;
  std::shared_ptr<const re2::RE2> pattern_;  // of glob and regex
};

}  // namespace sluice::policy_engine
