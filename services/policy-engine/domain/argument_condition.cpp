#include "services/policy-engine/domain/argument_condition.h"

#include "services/policy-engine/domain/path_form.h"

#include <algorithm>
#include <charconv>

#include <re2/re2.h>

namespace sluice::policy_engine {
namespace {

using Kind = ArgumentTest::Kind;

Error fault(std::string_view member, std::string message) {
  return Error(Code::Invalid, std::move(message)).with_detail(std::string(member));
}

// "a~1b" is "a/b"; nullopt where "~" is followed by something else than 0, 1 or 2.
std::optional<std::string> unescaped(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out.push_back(token[i]);
      continue;
    }
    ++i;
    if (i == token.size() || token[i] < '0' || token[i] > '2') {
      return std::nullopt;
    }
    out.push_back(token[i] == '0' ? '~' : token[i] == '1' ? '/' : '*');
  }
  return out;
}

// "*" is a run without "/", "**" any run, "?" one character but "/"; "\" takes the next one as it
// is.
std::string pattern_of_glob(std::string_view glob) {
  std::string out = "^";
  for (std::size_t i = 0; i < glob.size(); ++i) {
    if (glob[i] == '*') {
      const bool any = i + 1 < glob.size() && glob[i + 1] == '*';
      out += any ? ".*" : "[^/]*";
      i += any ? 1 : 0;
    } else if (glob[i] == '?') {
      out += "[^/]";
    } else {
      i += glob[i] == '\\' && i + 1 < glob.size() ? 1 : 0;
      out += re2::RE2::QuoteMeta(std::string(1, glob[i]));
    }
  }
  return out + "$";
}

// Which element of an array a token names; RFC 6901: digits without a leading zero.
std::optional<std::size_t> index_in(std::string_view token) {
  std::size_t index = 0;
  const char* const begin = token.data();
  const char* const end = begin + token.size();
  const auto parsed = std::from_chars(begin, end, index);
  const bool plain = !token.empty() && (token.size() == 1 || token.front() != '0');
  return plain && parsed.ec == std::errc() && parsed.ptr == end ? std::optional(index)
                                                                : std::nullopt;
}

// Exact where both are integers of 64 bits, else as doubles.
bool is_at_most(const json::Value& a, const json::Value& b) {
  const auto left = a.as_int();
  const auto right = b.as_int();
  return left && right ? *left <= *right : a.as_double().value_or(0) <= b.as_double().value_or(0);
}

// By meaning: 1 is 1.0, and members have no order. NOLINTNEXTLINE(misc-no-recursion): bounded by
// the depth of the settings
bool is_same(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) {
    return is_at_most(a, b) && is_at_most(b, a);
  }
  if (a.is_array() && b.is_array()) {
    return std::equal(
        a.as_array()->begin(),
        a.as_array()->end(),
        b.as_array()->begin(),
        b.as_array()->end(),
        is_same
    );
  }
  if (!a.is_object() || !b.is_object()) {
    return a == b;
  }
  const auto& members = a.as_object()->members();
  return members.size() == b.as_object()->size() &&
         std::all_of(members.begin(), members.end(), [&b](const json::Object::Member& member) {
           const json::Value* const other = b.find(member.first);
           return other != nullptr && is_same(member.second, *other);
         });
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::Prefix:
      return "prefix";
    case Kind::Glob:
      return "glob";
    case Kind::Regex:
      return "regex";
    case Kind::Range:
      return "range";
    case Kind::In:
      return "in";
    case Kind::Equals:
      return "equals";
    case Kind::Exists:
      return "exists";
  }
  return "";
}

bool Effort::spend(std::size_t units) {
  if (units > left_) {
    left_ = 0;
    return false;
  }
  left_ -= units;
  return true;
}

Result<ArgumentCondition> ArgumentCondition::compile(ArgumentTest test) {
  ArgumentCondition condition;
  condition.test_ = std::move(test);
  SLUICE_CHECK_OK(condition.compile_pointer());
  SLUICE_CHECK_OK(condition.compile_text());
  return condition;
}

Result<void> ArgumentCondition::compile_pointer() {
  const std::string_view pointer = test_.pointer;
  if (pointer.size() > kPointerBytesMax) {
    return fault(
        "pointer",
        "is longer than " + std::to_string(kPointerBytesMax) +
            " bytes; name a value closer to the top"
    );
  }
  if (!pointer.empty() && pointer.front() != '/') {
    return fault("pointer", R"(is no JSON pointer; begin it with "/", such as "/path")");
  }
  for (std::size_t begin = 1; begin <= pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    const std::string_view token = pointer.substr(begin, end - begin);
    begin = end + 1;
    auto name = unescaped(token);
    if (!name) {
      return fault(
          "pointer",
          R"(holds a "~" that stands for nothing; write ~0 for "~", ~1 for "/", ~2 for "*")"
      );
    }
    tokens_.push_back({std::move(*name), token == "*"});
  }
  if (tokens_.size() > kPointerDepthMax) {
    return fault(
        "pointer",
        "is deeper than " + std::to_string(kPointerDepthMax) + "; name a value closer to the top"
    );
  }
  return {};
}

Result<void> ArgumentCondition::compile_text() {
  if (test_.text.size() > kPatternBytesMax) {
    return fault(
        name_of(test_.kind),
        "is longer than " + std::to_string(kPatternBytesMax) + " bytes; split the rule"
    );
  }
  if (test_.kind == Kind::Prefix && test_.is_path) {
    test_.text = normalised_path(test_.text);
  }
  if (test_.kind == Kind::Equals || test_.kind == Kind::In) {
    for (json::Value& value : test_.values) {
      if (test_.is_path && value.is_string()) {
        value = normalised_path(*value.as_string());
      }
    }
  }
  if (test_.kind != Kind::Glob && test_.kind != Kind::Regex) {
    return {};
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kPatternMemoryBytesMax);
  auto pattern = std::make_shared<re2::RE2>(
      test_.kind == Kind::Glob ? pattern_of_glob(test_.text) : test_.text, options
  );
  if (!pattern->ok()) {
    return fault(
        name_of(test_.kind), "is no pattern of RE2 (" + pattern->error() + "); correct it"
    );
  }
  pattern_ = std::move(pattern);
  return {};
}

bool ArgumentCondition::is_met(const json::Value& arguments, Effort* effort) const {
  const bool found = search(arguments, 0, effort);
  return test_.kind == Kind::Exists ? found == test_.exists : found;
}

bool ArgumentCondition::search(const json::Value& value, std::size_t depth, Effort* effort) const {
  if (!effort->spend(1)) {
    return test_.kind != Kind::Exists || test_.exists;
  }
  if (depth == tokens_.size()) {
    return is_met_by(value, effort);
  }
  const Token& token = tokens_[depth];
  if (const json::Object* const object = value.as_object(); object != nullptr) {
    if (token.any) {
      return std::any_of(
          object->members().begin(),
          object->members().end(),
          [&](const auto& member) { return search(member.second, depth + 1, effort); }
      );
    }
    const json::Value* const member = object->find(token.name);
    return member != nullptr && search(*member, depth + 1, effort);
  }
  if (const json::Array* const items = value.as_array(); items != nullptr) {
    if (token.any) {
      return std::any_of(items->begin(), items->end(), [&](const json::Value& item) {
        return search(item, depth + 1, effort);
      });
    }
    const auto index = index_in(token.name);
    return index && *index < items->size() && search((*items)[*index], depth + 1, effort);
  }
  // The pointer goes on below a value that holds nothing: another type than the rule expects.
  return test_.kind == Kind::Prefix || test_.kind == Kind::Glob || test_.kind == Kind::Regex ||
         test_.kind == Kind::Range;
}

bool ArgumentCondition::is_met_by(const json::Value& value, Effort* effort) const {
  if (test_.kind == Kind::Exists) {
    return true;
  }
  const std::optional<bool> compared = compare(value, effort);
  return !compared || *compared != test_.negated;
}

// nullopt: it cannot be judged.
std::optional<bool> ArgumentCondition::compare(const json::Value& value, Effort* effort) const {
  if (test_.kind == Kind::Range) {
    if (!value.is_number()) {
      return std::nullopt;
    }
    return (!test_.min || is_at_most(*test_.min, value)) &&
           (!test_.max || is_at_most(value, *test_.max));
  }
  if (const std::string* const text = value.as_string(); text != nullptr) {
    return text_meets(*text, effort);
  }
  if (test_.kind != Kind::In && test_.kind != Kind::Equals) {
    return std::nullopt;
  }
  return std::any_of(test_.values.begin(), test_.values.end(), [&value](const json::Value& one) {
    return is_same(one, value);
  });
}

std::optional<bool> ArgumentCondition::text_meets(const std::string& text, Effort* effort) const {
  if (!effort->spend(text.size() / kEffortBytes)) {
    return std::nullopt;
  }
  const bool is_list = test_.kind == Kind::In || test_.kind == Kind::Equals;
  const auto is_one_of = [this](const std::string& form) {
    return std::any_of(test_.values.begin(), test_.values.end(), [&form](const json::Value& one) {
      return one.is_string() && *one.as_string() == form;
    });
  };
  if (!test_.is_path) {
    return is_list                      ? is_one_of(text)
           : test_.kind == Kind::Prefix ? text.starts_with(test_.text)
                                        : re2::RE2::PartialMatch(text, *pattern_);
  }
  // A server may resolve a relative path anywhere, and one with a zero byte may be cut there.
  const bool absolute_asked =
      is_list ? std::any_of(
                    test_.values.begin(),
                    test_.values.end(),
                    [](const json::Value& one) {
                      return one.is_string() && one.as_string()->starts_with('/');
                    }
                )
              : test_.text.starts_with('/');
  if ((absolute_asked && !text.starts_with('/')) || text.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  const std::string rewritten = is_normalised(text) ? "" : normalised_path(text);
  const std::string& path = rewritten.empty() ? text : rewritten;
  return is_list                      ? is_one_of(path)
         : test_.kind == Kind::Prefix ? is_within(path, test_.text)
                                      : re2::RE2::PartialMatch(path, *pattern_);
}

}  // namespace sluice::policy_engine
