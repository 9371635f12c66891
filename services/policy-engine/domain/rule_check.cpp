#include "services/policy-engine/domain/rule_check.h"

#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/limits.h"

#include "common/grant/policy_names.h"

#include <algorithm>
#include <optional>
#include <set>

namespace sluice::policy_engine {
namespace {

using Kind = ArgumentTest::Kind;
using Names = std::optional<NameList>;

// --- contradictions ---------------------------------------------------------------------------

bool is_one_value(const ArgumentTest& test) {
  return test.pointer.find("/*") == std::string::npos;
}

bool lists_values(const ArgumentTest& test) {
  return (test.kind == Kind::Equals || test.kind == Kind::In) && !test.negated;
}

// Whether none of the values a condition lists meets the other one.
bool excludes_all(const ArgumentCondition& other, const ArgumentTest& listed) {
  return std::none_of(
      listed.values.begin(),
      listed.values.end(),
      [&other](const json::Value& value) {
        Effort effort;
        return other.is_met_by(value, &effort);
      }
  );
}

bool are_apart(const ArgumentTest& a, const ArgumentTest& b) {
  const auto below = [](const ArgumentTest& low, const ArgumentTest& high) {
    return low.max && high.min && *low.max->as_double() < *high.min->as_double();
  };
  return a.kind == Kind::Range && b.kind == Kind::Range && !a.negated && !b.negated &&
         (below(a, b) || below(b, a));
}

bool contradict(const ArgumentCondition& a, const ArgumentCondition& b) {
  const ArgumentTest& first = a.test();
  const ArgumentTest& second = b.test();
  if (first.pointer != second.pointer || !is_one_value(first)) {
    return false;
  }
  const auto asks_for_none = [](const ArgumentTest& test) {
    return test.kind == Kind::Exists && !test.exists;
  };
  if (asks_for_none(first) || asks_for_none(second)) {
    return asks_for_none(first) != asks_for_none(second);
  }
  return (lists_values(first) && excludes_all(b, first)) ||
         (lists_values(second) && excludes_all(a, second)) || are_apart(first, second);
}

// --- rules that others cover ------------------------------------------------------------------

// "*" covers a list that is given only: a rule without tools is about more than tools.
bool covers(const Names& wide, const Names& narrow) {
  return !wide || (narrow && wide->covers(*narrow));
}

template <class Enum>
bool covers(const std::set<Enum>& wide, const std::set<Enum>& narrow) {
  return wide.empty() ||
         (!narrow.empty() && std::includes(wide.begin(), wide.end(), narrow.begin(), narrow.end()));
}

// Whether everything that matches the narrow one matches the wide one.
bool covers(const RuleMatch& wide, const RuleMatch& narrow) {
  return covers(wide.servers, narrow.servers) && covers(wide.tools, narrow.tools) &&
         covers(wide.effects, narrow.effects) && covers(wide.modes, narrow.modes) &&
         covers(wide.principals, narrow.principals) && covers(wide.key_ids, narrow.key_ids) &&
         covers(wide.agents, narrow.agents) && covers(wide.roles, narrow.roles) &&
         covers(wide.tenants, narrow.tenants) &&
         std::all_of(
             wide.arguments.begin(),
             wide.arguments.end(),
             [&narrow](const ArgumentCondition& asked) {
               return std::any_of(
                   narrow.arguments.begin(),
                   narrow.arguments.end(),
                   [&asked](const ArgumentCondition& held) { return held.test() == asked.test(); }
               );
             }
         );
}

const Rule* covering(const std::vector<Rule>& rules, const Rule& rule) {
  for (const Rule& other : rules) {
    const bool stricter =
        other.verdict > rule.verdict || (other.verdict == rule.verdict && &other < &rule);
    if (stricter && covers(other.match, rule.match)) {
      return &other;
    }
  }
  return nullptr;
}

// --- rules and the tools there are ------------------------------------------------------------

// What one tool is without rules.
struct BaseOfTool {
  const CatalogTool* tool;
  Ruling ruling;
};

class Tools {
 public:
  Tools(const Policy& policy, const Catalog& catalog) {
    for (const CatalogServer& server : catalog.servers()) {
      (server.awaited ? awaited_ : connected_).insert(server.name);
    }
    for (const auto& [name, server] : policy.servers) {
      if (!connected_.contains(name)) {
        awaited_.insert(name);
      }
    }
    for (const CatalogTool& tool : catalog.tools()) {
      const ServerPolicy* const server = policy_of(policy, tool.server, tool.added);
      if (server != nullptr && !server->disabled && server->tools_to_execute.contains(tool.tool)) {
        bases_.push_back({&tool, base_ruling(policy, *server, tool)});
      }
      names_.emplace(tool.server, tool.tool);
    }
  }

  [[nodiscard]] bool is_server(const std::string& name) const {
    return connected_.contains(name) || awaited_.contains(name);
  }

  // Whether some server of the list has not told its tools.
  [[nodiscard]] bool awaits(const Names& servers) const {
    return std::any_of(awaited_.begin(), awaited_.end(), [&servers](const std::string& name) {
      return !servers || servers->contains(name);
    });
  }

  [[nodiscard]] bool has_tool(const Names& servers, const std::string& tool) const {
    return std::any_of(names_.begin(), names_.end(), [&servers, &tool](const auto& one) {
      return one.second == tool && (!servers || servers->contains(one.first));
    });
  }

  // Whether some tool that may be called is one of those.
  [[nodiscard]] bool has_call_of(const RuleMatch& match) const {
    return std::any_of(bases_.begin(), bases_.end(), [&match](const BaseOfTool& base) {
      return (match.effects.empty() || match.effects.contains(base.ruling.effect)) &&
             (!match.servers || match.servers->contains(base.tool->server)) &&
             (!match.tools || match.tools->contains(base.tool->tool));
    });
  }

  // Whether the rule may raise the verdict of some call or other request.
  [[nodiscard]] bool changes_something(const Rule& rule) const {
    const RuleMatch& match = rule.match;
    const auto about = [&match](policy::v1::EffectClass effect) {
      return match.effects.empty() || match.effects.contains(effect);
    };
    if (!match.tools && about(policy::v1::EFFECT_CLASS_READ) &&
        rule.verdict > policy::v1::VERDICT_MANUAL) {
      return true;
    }
    return std::any_of(bases_.begin(), bases_.end(), [&](const BaseOfTool& base) {
      return base.ruling.verdict < rule.verdict && about(base.ruling.effect) &&
             (!match.servers || match.servers->contains(base.tool->server)) &&
             (!match.tools || match.tools->contains(base.tool->tool));
    });
  }

 private:
  std::set<std::string, std::less<>> connected_;
  std::set<std::string, std::less<>> awaited_;
  std::set<std::pair<std::string, std::string>> names_;
  std::vector<BaseOfTool> bases_;
};

// --- the warnings -----------------------------------------------------------------------------

// A rule or a limit, as its warnings name it.
struct Named {
  std::string name;  // "rules.<id>" or "limits.<id>"
  const RuleMatch* match;
};

class Findings {
 public:
  void add(const Named& one, const std::string& sentence) {
    if (sentences_.size() < kRuleWarningsMax) {
      sentences_.push_back(one.name + " " + sentence);
    }
  }

  [[nodiscard]] std::vector<std::string> take() { return std::move(sentences_); }

 private:
  std::vector<std::string> sentences_;
};

void look_at_conditions(const Named& one, Findings* findings) {
  const auto& conditions = one.match->arguments;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    for (std::size_t j = i + 1; j < conditions.size(); ++j) {
      if (contradict(conditions[i], conditions[j])) {
        findings->add(
            one,
            "can never match: arguments[" + std::to_string(i) + "] and [" + std::to_string(j) +
                "] exclude each other; make two rules of it, or remove one"
        );
      }
    }
  }
}

void look_at_keys(const Named& one, const Policy& policy, Findings* findings) {
  if (!one.match->key_ids) {
    return;
  }
  for (const std::string& id : one.match->key_ids->names()) {
    if (id != "*" && policy.key_named(id) == nullptr) {
      findings->add(
          one, "names the key \"" + id + "\", which auth does not have; correct or remove it"
      );
    }
  }
}

std::set<std::string, std::less<>> names_of(const Names& list) {
  return list ? list->names() : std::set<std::string, std::less<>>();
}

// Whether all tools it may be about are told.
bool look_at_names(const Named& one, const Tools& tools, Findings* findings) {
  for (const std::string& name : names_of(one.match->servers)) {
    if (name != "*" && !tools.is_server(name)) {
      findings->add(
          one, "names the server \"" + name + "\", which there is not; correct or remove it"
      );
    }
  }
  const bool told = !tools.awaits(one.match->servers);
  for (const std::string& name : names_of(one.match->tools)) {
    if (told && name != "*" && !tools.has_tool(one.match->servers, name)) {
      findings->add(
          one, "names the tool \"" + name + "\", which no server of it offers; correct or remove it"
      );
    }
  }
  return told;
}

void look_at_rule(
    const Rule& rule, const Policy& policy, const std::optional<Tools>& tools, Findings* findings
) {
  const Named named{"rules." + rule.id, &rule.match};
  look_at_conditions(named, findings);
  look_at_keys(named, policy, findings);
  if (const Rule* const other = covering(policy.rules->rules(), rule); other != nullptr) {
    findings->add(
        named,
        "changes nothing: rules." + other->id +
            " matches all of it and is at least as strict; "
            "remove one of them"
    );
  }
  if (tools && look_at_names(named, *tools, findings) && !tools->changes_something(rule)) {
    findings->add(
        named,
        "changes nothing: whatever it matches is at least " + std::string(name_of(rule.verdict)) +
            " without it; make it stricter, or remove it"
    );
  }
}

void look_at_limit(
    const Limit& limit, const Policy& policy, const std::optional<Tools>& tools, Findings* findings
) {
  const Named named{limit_rule(limit), &limit.match};
  look_at_conditions(named, findings);
  look_at_keys(named, policy, findings);
  if (tools && look_at_names(named, *tools, findings) && !tools->has_call_of(limit.match)) {
    findings->add(
        named, "counts nothing: no tool that may be called is one of its; correct or remove it"
    );
  }
}

}  // namespace

std::vector<std::string> rule_warnings(const Policy& policy, const Catalog* catalog) {
  Findings findings;
  std::optional<Tools> tools;
  if (catalog != nullptr && !(policy.rules->rules().empty() && policy.limits->empty())) {
    tools.emplace(policy, *catalog);
  }
  for (const Rule& rule : policy.rules->rules()) {
    look_at_rule(rule, policy, tools, &findings);
  }
  for (const Limit& limit : *policy.limits) {
    look_at_limit(limit, policy, tools, &findings);
  }
  return findings.take();
}

}  // namespace sluice::policy_engine
