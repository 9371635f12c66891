// Random rule sets and calls, judged by evaluate() and by a naive reading of README.md#rules that
// shares no code with it. SLUICE_POLICY_SETS and SLUICE_POLICY_SEED set how many and which
// (./dev prove policy).
#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/testing/policy_fixture.h"

#include "common/config/config.h"
#include "common/grant/policy_names.h"
#include "common/json/canonical.h"
#include "common/json/write.h"

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <random>
#include <regex>

namespace sluice::policy_engine {
namespace {

using json::Array;
using json::Object;
using json::Value;

const std::vector<std::string> kVerdicts{"auto", "manual", "approve", "approve_twice", "deny"};

// --- the oracle -------------------------------------------------------------------------------

bool list_has(const Value* list, const std::string& name) {
  if (list == nullptr) {
    return true;
  }
  const Array names = list->is_array() ? *list->as_array() : Array{*list};
  for (const Value& one : names) {
    if (*one.as_string() == "*" || *one.as_string() == name) {
      return true;
    }
  }
  return false;
}

bool glob_matches(const std::string& glob, std::size_t g, const std::string& text, std::size_t t) {
  if (g == glob.size()) {
    return t == text.size();
  }
  if (glob.compare(g, 2, "**") == 0) {
    return glob_matches(glob, g + 2, text, t) ||
           (t < text.size() && glob_matches(glob, g, text, t + 1));
  }
  if (glob[g] == '*') {
    return glob_matches(glob, g + 1, text, t) ||
           (t < text.size() && text[t] != '/' && glob_matches(glob, g, text, t + 1));
  }
  const bool one = t < text.size() && (glob[g] == '?' ? text[t] != '/' : glob[g] == text[t]);
  return one && glob_matches(glob, g + 1, text, t + 1);
}

// By rewriting the text until nothing changes.
std::string plain_path(std::string path) {
  const bool absolute = !path.empty() && path[0] == '/';
  path = "/" + path + "/";
  const auto replace = [&path](const std::string& pattern, const std::string& by) {
    return [&path, expression = std::regex(pattern), by] {
      const std::string next =
          std::regex_replace(path, expression, by, std::regex_constants::format_first_only);
      const bool changed = next != path;
      path = next;
      return changed;
    };
  };
  const std::vector<std::function<bool()>> steps{
      replace("//", "/"),
      replace("/\\./", "/"),
      replace("/(?!\\.\\./)[^/]+/\\.\\./", "/"),
  };
  bool changed = true;
  while (changed) {
    changed = false;
    for (const auto& step : steps) {
      while (step()) {
        changed = true;
      }
    }
    while (absolute && path.starts_with("/../")) {
      path.erase(0, 3);
      changed = true;
    }
  }
  if (path.size() > 1) {
    path.pop_back();
  }
  return absolute ? path : path.size() > 1 ? path.substr(1) : ".";
}

// All values a pointer leads to; blocked: it met a value that holds nothing on its way.
void collect(
    const Value& value, std::vector<std::string> tokens, std::vector<Value>* out, bool* blocked
) {
  if (tokens.empty()) {
    out->push_back(value);
    return;
  }
  const std::string token = tokens.front();
  tokens.erase(tokens.begin());
  if (value.is_object()) {
    for (const auto& [key, member] : value.as_object()->members()) {
      if (token == "*" || token == key) {
        collect(member, tokens, out, blocked);
      }
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.as_array()->size(); ++i) {
      if (token == "*" || token == std::to_string(i)) {
        collect((*value.as_array())[i], tokens, out, blocked);
      }
    }
  } else {
    *blocked = true;
  }
}

bool same(const Value& a, const Value& b) {
  return a.is_number() && b.is_number() ? *a.as_double() == *b.as_double()
                                        : json::write(a) == json::write(b);
}

// nullopt: cannot be judged.
std::optional<bool> judge(const Value& condition, const Value& value) {
  const bool path = condition.find("path") != nullptr;
  std::string text = value.is_string() ? *value.as_string() : "";
  const bool relative = !text.starts_with('/');
  if (const Value* const range = condition.find("range")) {
    const Value* const min = range->find("min");
    const Value* const max = range->find("max");
    if (!value.is_number()) {
      return std::nullopt;
    }
    return (min == nullptr || *min->as_double() <= *value.as_double()) &&
           (max == nullptr || *value.as_double() <= *max->as_double());
  }
  const Value* const equals = condition.find("equals");
  const Value* const in = condition.find("in");
  if (equals != nullptr || in != nullptr) {
    bool found = false;
    bool absolute = false;
    for (const Value& one : equals != nullptr ? Array{*equals} : *in->as_array()) {
      if (path && one.is_string() && value.is_string()) {
        absolute = absolute || one.as_string()->starts_with('/');
        found = found || plain_path(*one.as_string()) == plain_path(text);
      } else {
        found = found || same(one, value);
      }
    }
    return path && absolute && value.is_string() && relative ? std::nullopt : std::optional(found);
  }
  if (!value.is_string()) {
    return std::nullopt;
  }
  if (const Value* const regex = condition.find("regex")) {
    return std::regex_search(text, std::regex(*regex->as_string()));
  }
  const Value* const prefix = condition.find("prefix");
  const Value* const glob = condition.find("glob");
  const std::string wanted = *(prefix != nullptr ? prefix : glob)->as_string();
  if (!path) {
    return prefix != nullptr ? text.rfind(wanted, 0) == 0 : glob_matches(wanted, 0, text, 0);
  }
  if (wanted[0] == '/' && relative) {
    return std::nullopt;
  }
  text = plain_path(text);
  if (glob != nullptr) {
    return glob_matches(wanted, 0, text, 0);
  }
  const std::string folder = plain_path(wanted);
  return text == folder || text.rfind(folder == "/" ? "/" : folder + "/", 0) == 0;
}

bool condition_met(const Value& condition, const Value& arguments) {
  std::vector<std::string> tokens;
  std::stringstream pointer(*condition.find("pointer")->as_string());
  std::string token;
  std::getline(pointer, token, '/');
  while (std::getline(pointer, token, '/')) {
    tokens.push_back(token);
  }
  std::vector<Value> values;
  bool blocked = false;
  collect(arguments, tokens, &values, &blocked);
  if (const Value* const exists = condition.find("exists")) {
    return values.empty() != *exists->as_bool();
  }
  const bool lists = condition.find("in") != nullptr || condition.find("equals") != nullptr;
  bool met = blocked && !lists;
  for (const Value& value : values) {
    const auto judged = judge(condition, value);
    met = met || !judged || *judged != (condition.find("not") != nullptr);
  }
  return met;
}

// A generated case, all as JSON.
struct Case {
  std::string preset;
  Object server;  // client config of "s0"
  Array rules;
  std::string tool;
  std::string effect;  // as the operator's word has it
  std::string mode;    // "": a listing
  Object key;
  std::optional<Value> arguments;
};

struct Expected {
  std::string verdict;
  std::string rule;
};

Expected base_of(const Case& one) {
  const Value* const list = one.server.find("tools_to_auto_execute");
  const std::string by_preset = one.preset == "manual"  ? "manual"
                                : one.preset == "open"  ? "auto"
                                : one.effect == "read"  ? "auto"
                                : one.effect == "write" ? "approve"
                                                        : "approve_twice";
  if (list != nullptr && !list->as_array()->empty() && list_has(list, one.tool)) {
    return {"auto", "s0.tools_to_auto_execute"};
  }
  if (list != nullptr && by_preset == "auto") {
    return {"manual", "s0.tools_to_auto_execute"};
  }
  return {by_preset, "preset." + one.preset};
}

// A script that runs unattended is of agent mode and of code mode.
bool mode_has(const Value* modes, const std::string& mode) {
  return list_has(modes, mode) ||
         (mode == "agent_code" && (list_has(modes, "agent") || list_has(modes, "code")));
}

bool rule_matches(const Value& rule, const Case& one) {
  static const Value kNone = Object();
  const Value* match = rule.find("match");
  match = match != nullptr ? match : &kNone;
  const Value* caller = match->find("caller");
  caller = caller != nullptr ? caller : &kNone;
  bool role = caller->find("role") == nullptr;
  for (const Value& held : *one.key.find("roles")->as_array()) {
    role = role || list_has(caller->find("role"), *held.as_string());
  }
  const std::string id = *one.key.find("id")->as_string();
  bool matches = list_has(match->find("server"), "s0") && list_has(match->find("tool"), one.tool) &&
                 list_has(match->find("effect_class"), one.effect) &&
                 mode_has(match->find("mode"), one.mode) && role &&
                 list_has(caller->find("key_id"), id) &&
                 list_has(caller->find("principal"), "key:" + id) &&
                 list_has(caller->find("agent"), *one.key.find("agent")->as_string()) &&
                 list_has(caller->find("tenant"), *one.key.find("tenant")->as_string());
  if (const Value* const conditions = match->find("arguments"); conditions != nullptr) {
    for (const Value& condition : *conditions->as_array()) {
      matches = matches && one.arguments && condition_met(condition, *one.arguments);
    }
  }
  return matches;
}

Expected expected_of(const Case& one) {
  Expected best = base_of(one);
  const auto rank = [](const std::string& verdict) {
    return std::find(kVerdicts.begin(), kVerdicts.end(), verdict) - kVerdicts.begin();
  };
  for (const Value& rule : one.rules) {
    const std::string verdict = rule.text_or("verdict", "");
    if (rule_matches(rule, one) && rank(verdict) > rank(best.verdict)) {
      best = {verdict, "rules." + rule.text_or("id", "")};
    }
  }
  return best;
}

// --- the generator ----------------------------------------------------------------------------

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  // One rule set, and calls under it.
  std::vector<Case> next(int calls) {
    Case base;
    base.preset = pick({"manual", "safe", "open"});
    base.server = server();
    for (int i = 0; i < below(12); ++i) {
      base.rules.push_back(rule(i));
    }
    std::vector<Case> cases;
    for (int i = 0; i < calls; ++i) {
      Case one = base;
      one.tool = tool();
      one.effect = *base.server.find("effect_classes")->find(one.tool)->as_string();
      one.mode = pick({"", "manual", "agent", "code", "agent_code"});
      one.key.set("id", pick({"k0", "k1"}));
      one.key.set("agent", pick({"a0", "a1", "x"}));
      one.key.set("tenant", pick({"t0", "t1"}));
      one.key.set("roles", some({"caller", "admin"}));
      if (below(8) != 0) {
        one.arguments = Value(object_of(3));
      }
      cases.push_back(std::move(one));
    }
    return cases;
  }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  std::string pick(const std::vector<std::string>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }

  std::string tool() { return pick({"u0", "u1", "u2", "u3"}); }

  Value some(const std::vector<std::string>& from) {
    Array out{Value(pick(from))};
    if (below(2) == 0) {
      out.emplace_back(pick(from));
    }
    return out;
  }

  Value one_or_some(const std::vector<std::string>& from) {
    return below(2) == 0 ? Value(pick(from)) : some(from);
  }

  Object server() {
    Object out;
    out.set("name", "s0");
    out.set("connection_type", "stdio");
    out.set("tools_to_execute", Array{"*"});
    out.set("is_code_mode_client", true);
    if (below(2) == 0) {
      out.set("tools_to_auto_execute", below(3) == 0 ? Value(Array{}) : some({"u0", "u1", "*"}));
    }
    Object effects;
    for (const char* name : {"u0", "u1", "u2", "u3"}) {
      effects.set(name, pick({"read", "write", "delete"}));
    }
    out.set("effect_classes", std::move(effects));
    return out;
  }

  Value rule(int index) {
    Object match;
    maybe(&match, "server", {"s0", "s1", "*"});
    maybe(&match, "tool", {"u0", "u1", "u2", "*"});
    maybe(&match, "effect_class", {"read", "write", "delete"});
    maybe(&match, "mode", {"manual", "agent", "code", "agent_code"});
    Object caller;
    if (below(3) == 0) {
      maybe(&caller, "principal", {"key:k0", "key:k1"});
      maybe(&caller, "key_id", {"k0", "k1", "*"});
      maybe(&caller, "agent", {"a0", "a1"});
      maybe(&caller, "role", {"caller", "admin"});
      maybe(&caller, "tenant", {"t0", "t1"});
      match.set("caller", std::move(caller));
    }
    Array conditions;
    for (int i = below(4); i > 1; --i) {
      conditions.push_back(condition());
    }
    if (!conditions.empty()) {
      match.set("arguments", std::move(conditions));
    }
    return json::object({
        {"id", "r" + std::to_string(index)},
        {"match", std::move(match)},
        {"verdict", pick({"manual", "approve", "approve_twice", "deny"})},
    });
  }

  void maybe(Object* out, std::string_view key, const std::vector<std::string>& names) {
    if (below(3) == 0) {
      out->set(key, one_or_some(names));
    }
  }

  std::string path() {
    std::string out = pick({"/", "", "./", "../", "/../"});
    for (int i = below(4); i > 0; --i) {
      out += pick({"a", "b", "etc", "etcx", ".", "..", ""}) + pick({"/", "//", ""});
    }
    return out;
  }

  Value condition() {
    Object out;
    std::string pointer;
    for (int i = below(4); i > 0; --i) {
      pointer += "/" + pick({"p", "q", "*", "0", "1"});
    }
    out.set("pointer", pointer);
    const int kind = below(7);
    const bool is_path = below(2) == 0;
    if (kind == 0) {
      const std::string given = path();
      out.set("prefix", given.empty() ? "/" : given);
    } else if (kind == 1) {
      out.set("glob", pick({"/etc/*", "/**/a", "**", "?", "/a/?/**", "*b*", "/*/b", "a"}));
    } else if (kind == 2) {
      out.set("regex", pick({"^/etc", "a.?b", "[ab]+$", "x|etc", "^$"}));
    } else if (kind == 3) {
      out.set("range", range());
    } else if (kind == 4) {
      out.set("in", Array{scalar(), scalar(), scalar()});
    } else if (kind == 5) {
      out.set("equals", below(4) == 0 ? value(1) : scalar());
    } else {
      out.set("exists", below(2) == 0);
    }
    if (is_path && kind != 2 && kind != 3 && kind != 6) {
      out.set("path", true);
    }
    if (kind != 6 && below(3) == 0) {
      out.set("not", true);
    }
    return out;
  }

  Value range() {
    Object out;
    const int min = below(6) - 3;
    const int sides = below(3);
    if (sides != 0) {
      out.set("min", min);
    }
    if (sides != 1) {
      out.set("max", static_cast<double>(min) + below(4) + 0.5);
    }
    return out;
  }

  Value scalar() {
    switch (below(5)) {
      case 0:
        return below(6) - 3;
      case 1:
        return static_cast<double>(below(8) - 4) + 0.5;
      case 2:
        return below(2) == 0 ? Value(true) : Value();
      default:
        return path();
    }
  }

  Value value(int depth) {
    if (depth == 0 || below(3) != 0) {
      return scalar();
    }
    if (below(2) == 0) {
      return object_of(depth);
    }
    Array items;
    for (int i = below(3); i > 0; --i) {
      items.push_back(value(depth - 1));
    }
    return items;
  }

  Value object_of(int depth) {
    Object out;
    for (const char* key : {"0", "p", "q"}) {  // sorted, as canonical JSON has them
      if (below(3) != 0) {
        out.set(key, value(depth - 1));
      }
    }
    return out;
  }

  std::mt19937_64 random_;
};

// --- the comparison ---------------------------------------------------------------------------

std::string settings_of(const Case& one) {
  return json::write(json::object({
      {"mcp", json::object({{"client_configs", Array{one.server}}})},
      {"policy", json::object({{"preset", one.preset}, {"rules", one.rules}})},
  }));
}

CallerKey key_of(const Case& one) {
  CallerKey key;
  key.id = *one.key.find("id")->as_string();
  key.tenant = *one.key.find("tenant")->as_string();
  key.agent = *one.key.find("agent")->as_string();
  for (const Value& role : *one.key.find("roles")->as_array()) {
    key.roles.push_back(*role.as_string());
  }
  return key;
}

Expected got_of(const Case& one, const Policy& policy) {
  const CallerKey key = key_of(one);
  const policy::v1::CallerClaims claims = key.claims();
  const policy::v1::ToolFilter filter;
  const std::string text = one.arguments ? json::canonical(*one.arguments) : "";
  CallArguments arguments(text);
  const Ruling ruling = evaluate(
      policy,
      {&claims,
       &key,
       &filter,
       policy::v1::mode_named(one.mode).value_or(policy::v1::MODE_UNSPECIFIED)},
      {.server = "s0", .tool = one.tool, .pin = PinState::Agreed},
      one.arguments ? &arguments : nullptr
  );
  return {std::string(name_of(ruling.verdict)), ruling.rule};
}

std::int64_t setting(const char* name, std::int64_t fallback) {
  const auto environment = config::process_environment();
  const auto found = environment.find(name);
  return found == environment.end() ? fallback : std::stoll(found->second);
}

constexpr int kCallsPerSet = 4;

void describe(const Case& one, const Expected& expected, const Expected& got) {
  std::cerr << "expected " << expected.verdict << " by " << expected.rule << ", got " << got.verdict
            << " by " << got.rule << "\n  settings " << settings_of(one) << "\n  tool " << one.tool
            << ", mode " << one.mode << ", key " << json::write(one.key) << "\n  arguments "
            << (one.arguments ? json::canonical(*one.arguments) : "none") << "\n";
}

// How many of the calls differ. Without a plant the first three are described.
int differences(
    std::uint64_t seed, std::int64_t sets, const std::function<void(Case*)>& plant = nullptr
) {
  Generator generator(seed);
  int differing = 0;
  for (std::int64_t set = 1; set <= sets; ++set) {
    const auto cases = generator.next(kCallsPerSet);
    Case given = cases.front();
    if (plant) {
      plant(&given);
    }
    const Policy policy = policy_of(settings_of(given));
    for (const Case& one : cases) {
      const Expected expected = expected_of(one);
      const Expected got = got_of(one, policy);
      if (expected.verdict != got.verdict || expected.rule != got.rule) {
        ++differing;
        if (!plant && differing <= 3) {
          describe(one, expected, got);
        }
      }
    }
  }
  return differing;
}

TEST(RuleOracle, AgreesOnEveryRandomCase) {
  const std::int64_t sets = setting("SLUICE_POLICY_SETS", 1'000);
  const auto seed = static_cast<std::uint64_t>(setting("SLUICE_POLICY_SEED", 20'261'129));

  const int differing = differences(seed, sets);

  std::cerr << sets << " rule sets, " << sets * kCallsPerSet << " calls, seed " << seed << ": "
            << differing << " differ\n";
  EXPECT_EQ(differing, 0);
}

// The oracle sees a policy that is not what was asked for: rules in another order, or one softened.
TEST(RuleOracle, NoticesAPlantedFailure) {
  EXPECT_GT(
      differences(1, 500, [](Case* one) { std::reverse(one->rules.begin(), one->rules.end()); }), 0
  );
  EXPECT_GT(
      differences(
          2,
          500,
          [](Case* one) {
            if (!one->rules.empty()) {
              one->rules.back().as_object()->set("verdict", "manual");
            }
          }
      ),
      0
  );
}

}  // namespace
}  // namespace sluice::policy_engine
