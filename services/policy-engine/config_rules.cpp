// policy.rules: what tightens the verdicts of presets and lists.
#include "services/policy-engine/config.h"
#include "services/policy-engine/domain/effect_class.h"
#include "services/policy-engine/limits.h"

#include "common/grant/policy_names.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <set>

namespace sluice::policy_engine {
namespace {

using config::Section;
using Kind = ArgumentTest::Kind;

constexpr std::size_t kRuleIdBytesMax = 64;

// A text or a list of texts; nullopt: absent, or faulty and noted.
std::optional<std::vector<std::string>> names_in(
    Section& section, std::string_view key, std::string description
) {
  const json::Value value = section.raw(key, std::move(description));
  if (!section.has(key)) {
    return std::nullopt;
  }
  const json::Array items =
      value.is_array() ? *value.as_array() : json::Array{value};  // NOLINT: a list of one
  std::vector<std::string> names;
  for (const json::Value& item : items) {
    const std::string* const name = item.as_string();
    if (name == nullptr || name->empty()) {
      section.fault(key, "holds something else than names; give a name or a list of names");
      return std::nullopt;
    }
    names.push_back(*name);
  }
  if (names.empty()) {
    section.fault(key, "is empty, so the rule would never match; give names, or leave it out");
  } else if (names.size() > kRuleNamesMax) {
    section.fault(key, "has more than " + std::to_string(kRuleNamesMax) + " names; split the rule");
  }
  return names;
}

std::optional<NameList> list_in(Section& section, std::string_view key, std::string description) {
  const auto names = names_in(section, key, std::move(description));
  return names ? std::optional(NameList(*names)) : std::nullopt;
}

// Names of an enumeration.
template <class Enum>
std::set<Enum> values_in(
    Section& section,
    std::string_view key,
    const std::string& choices,
    std::optional<Enum> (*named)(std::string_view)
) {
  std::set<Enum> values;
  const auto names = names_in(section, key, "One or a list of: " + choices + "; absent: all.");
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    if (const auto value = named(name); value) {
      values.insert(*value);
    } else {
      std::string what = "holds the unknown name \"" + name + "\"; give ";
      section.fault(key, what.append(choices));
    }
  }
  return values;
}

bool is_small(const json::Value& value) {
  return json::write(value).size() <= kConditionValueBytesMax;
}

void read_text(Section& entry, const json::Value& value, ArgumentTest* test) {
  const std::string key(name_of(test->kind));
  if (const std::string* const text = value.as_string(); text != nullptr) {
    test->text = *text;
  } else {
    entry.fault(key, "is no text; give a string");
  }
  if (test->text.empty() && value.is_string()) {
    entry.fault(key, "is empty; give what the argument is compared with");
  }
}

void read_range(Section& entry, const json::Value& value, ArgumentTest* test) {
  const json::Object* const range = value.as_object();
  bool known = range != nullptr && !range->empty();
  if (known) {
    for (const auto& [key, bound] : range->members()) {
      known = known && (key == "min" || key == "max") && bound.is_number();
      (key == "min" ? test->min : test->max) = bound;
    }
  }
  if (!known) {
    entry.fault("range", R"(is no range; give {"min": number, "max": number}, or one of the two)");
    return;
  }
  if (test->min && test->max && *test->min->as_double() > *test->max->as_double()) {
    entry.fault("range", "has a min above its max; exchange them");
  }
}

void read_values(Section& entry, const json::Value& value, ArgumentTest* test) {
  const json::Array* const items = value.as_array();
  if (items == nullptr || items->empty() || items->size() > kConditionValuesMax) {
    entry.fault(
        "in", "is no list of 1 to " + std::to_string(kConditionValuesMax) + " values; give one"
    );
    return;
  }
  test->values = *items;
}

void read_operator(Section& entry, const json::Value& value, ArgumentTest* test) {
  switch (test->kind) {
    case Kind::Prefix:
    case Kind::Glob:
    case Kind::Regex:
      read_text(entry, value, test);
      break;
    case Kind::Range:
      read_range(entry, value, test);
      break;
    case Kind::In:
      read_values(entry, value, test);
      break;
    case Kind::Equals:
      test->values = {value};
      break;
    case Kind::Exists:
      if (!value.is_bool()) {
        entry.fault("exists", "is no boolean; give true or false");
      }
      test->exists = value.as_bool().value_or(true);
      break;
  }
  if (!is_small(test->values)) {
    entry.fault(
        name_of(test->kind),
        "is larger than " + std::to_string(kConditionValueBytesMax) + " bytes; compare with less"
    );
  }
}

struct Operator {
  Kind kind;
  const char* description;
};

constexpr std::array kOperators{
    Operator{Kind::Prefix, "The text begins with this."},
    Operator{Kind::Glob, "The whole text is of this form: * without /, ** with, ? one character."},
    Operator{Kind::Regex, "RE2 pattern found anywhere in the text; ^ and $ are its ends."},
    Operator{Kind::Range, R"(The number lies in {"min", "max"}, both included, either optional.)"},
    Operator{Kind::In, "The value is one of this list."},
    Operator{Kind::Equals, "The value is this one."},
    Operator{Kind::Exists, "true: there is a value; false: there is none."},
};

// The one operator of a condition; a fault when it has none or several.
bool read_operators(Section& entry, ArgumentTest* test) {
  int given = 0;
  for (const Operator& one : kOperators) {
    const json::Value value = entry.raw(name_of(one.kind), one.description);
    if (entry.has(name_of(one.kind))) {
      ++given;
      test->kind = one.kind;
      read_operator(entry, value, test);
    }
  }
  if (given != 1) {
    entry.fault(
        "",
        std::string(given == 0 ? "says nothing about the value" : "says several things") +
            "; give one of prefix, glob, regex, range, in, equals, exists, and further conditions "
            "as elements of their own"
    );
  }
  return given == 1;
}

void read_condition(Section& entry, RuleMatch* match) {
  ArgumentTest test;
  const std::string* pointer = nullptr;
  const json::Value given = entry.raw(
      "pointer",
      "JSON pointer into the arguments, such as /path; * stands for any element or member."
  );
  if (pointer = given.as_string(); pointer != nullptr) {
    test.pointer = *pointer;
  } else {
    entry.fault("pointer", "is missing or no text; give a JSON pointer, such as \"/path\"");
  }
  const bool usable = read_operators(entry, &test);
  test.is_path = entry.flag(
      "path",
      {.fallback = false,
       .description = "Compare paths: without //, /./ and /../, a prefix by whole names."}
  );
  test.negated = entry.flag(
      "not", {.fallback = false, .description = "The condition holds where it else would not."}
  );
  const bool compares_text = test.kind == Kind::Prefix || test.kind == Kind::Glob ||
                             test.kind == Kind::In || test.kind == Kind::Equals;
  if (test.is_path && !compares_text) {
    entry.fault("path", "goes with prefix, glob, in and equals only; remove it");
  }
  if (test.negated && test.kind == Kind::Exists) {
    entry.fault("not", "does not go with exists; write \"exists\": false");
  }
  if (!usable) {
    return;
  }
  auto condition = ArgumentCondition::compile(std::move(test));
  if (condition.ok()) {
    match->arguments.push_back(std::move(condition).value());
  } else {
    entry.fault(condition.error().detail(), condition.error().message());
  }
}

policy::v1::Verdict read_verdict(Section& entry) {
  const std::string name = entry.text(
      "verdict",
      {.fallback = std::nullopt,
       .choices = {"manual", "approve", "approve_twice", "deny"},
       .description = "What becomes of the calls, unless they are under a stricter verdict anyway."}
  );
  for (const policy::v1::Verdict verdict :
       {policy::v1::VERDICT_MANUAL, policy::v1::VERDICT_APPROVE, policy::v1::VERDICT_APPROVE_TWICE
       }) {
    if (name_of(verdict) == name) {
      return verdict;
    }
  }
  return policy::v1::VERDICT_DENY;
}

Rule read_rule(Section& entry) {
  Rule rule;
  rule.id = entry.text(
      "id",
      {.fallback = std::nullopt,
       .description = "Names the rule in records, as rules.<id>; [A-Za-z0-9_.-]{1,64}."}
  );
  if (!is_rule_id(rule.id)) {
    entry.fault("id", "does not match [A-Za-z0-9_.-]{1,64}; give such an id");
  }
  rule.match = read_match(entry.child("match"));
  rule.verdict = read_verdict(entry);
  rule.reason = entry.text(
      "reason",
      {.fallback = "", .description = "One sentence for the caller: why, and what to do instead."}
  );
  if (rule.reason.size() > kReasonBytesMax) {
    entry.fault("reason", "is longer than " + std::to_string(kReasonBytesMax) + " bytes; say less");
  }
  return rule;
}

}  // namespace

bool is_rule_id(std::string_view text) {
  return !text.empty() && text.size() <= kRuleIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

RuleMatch read_match(Section match) {
  RuleMatch out;
  out.servers = list_in(match, "server", "A server or a list; absent: all.");
  out.tools = list_in(
      match, "tool", "A tool or a list; absent: all, and the server's resources and prompts."
  );
  out.effects =
      values_in(match, "effect_class", "read, write, delete", &policy::v1::effect_class_named);
  out.modes = values_in(match, "mode", "manual, agent, code, agent_code", &policy::v1::mode_named);
  Section caller = match.child("caller");
  out.principals = list_in(caller, "principal", "A principal or a list, such as key:<id>.");
  out.key_ids = list_in(caller, "key_id", "Id of a key, or a list; jwt:<id> for an issuer.");
  out.agents = list_in(caller, "agent", "Name of an agent, or a list.");
  out.roles = list_in(caller, "role", "A role of the caller, or a list of which it has one.");
  out.tenants = list_in(caller, "tenant", "A tenant or a list.");
  auto conditions = match.children("arguments");
  if (conditions.size() > kRuleConditionsMax) {
    match.fault(
        "arguments",
        "has more than " + std::to_string(kRuleConditionsMax) + " conditions; split the rule"
    );
    conditions.clear();
  }
  for (Section& entry : conditions) {
    read_condition(entry, &out);
  }
  return out;
}

std::shared_ptr<const RuleSet> read_rules(Section& policy) {
  auto entries = policy.children("rules");
  if (entries.size() > kRulesMax) {
    policy.fault(
        "rules", "has more than " + std::to_string(kRulesMax) + " rules; join some by lists"
    );
    entries.clear();
  }
  std::vector<Rule> rules;
  std::set<std::string> ids;
  for (Section& entry : entries) {
    Rule rule = read_rule(entry);
    if (!ids.insert(rule.id).second) {
      entry.fault("id", "is used by another rule; give each rule its own id");
    }
    rules.push_back(std::move(rule));
  }
  return std::make_shared<const RuleSet>(std::move(rules));
}

}  // namespace sluice::policy_engine
