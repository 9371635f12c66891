#include "services/policy-engine/domain/rule_set.h"

#include "services/policy-engine/domain/effect_class.h"

#include "common/base/check.h"
#include "common/grant/policy_names.h"
#include "common/json/parse.h"

#include <algorithm>

namespace sluice::policy_engine {
namespace {

// The first part of a rule that does not hold for a question.
struct Mismatch {
  enum class Part { Server, Tool, Effect, Mode, Principal, Key, Agent, Role, Tenant, Argument };

  Part part = Part::Server;
  std::size_t argument = 0;
};

bool holds(const std::optional<NameList>& list, std::string_view name) {
  return !list || list->contains(name);
}

bool holds_role(const std::optional<NameList>& list, const policy::v1::CallerClaims& claims) {
  return !list ||
         std::any_of(claims.roles().begin(), claims.roles().end(), [&list](const auto& role) {
           return list->contains(role);
         });
}

std::optional<Mismatch::Part> caller_mismatch(
    const RuleMatch& match, const policy::v1::CallerClaims& claims
) {
  using Part = Mismatch::Part;
  if (!holds(match.principals, claims.principal())) {
    return Part::Principal;
  }
  if (!holds(match.key_ids, claims.key_id())) {
    return Part::Key;
  }
  if (!holds(match.agents, claims.agent())) {
    return Part::Agent;
  }
  if (!holds_role(match.roles, claims)) {
    return Part::Role;
  }
  if (!holds(match.tenants, claims.tenant())) {
    return Part::Tenant;
  }
  return std::nullopt;
}

// A call of a script that runs unattended is one of agent mode and one of code mode.
bool names_mode(const std::set<policy::v1::Mode>& modes, policy::v1::Mode mode) {
  return modes.contains(mode) ||
         (mode == policy::v1::MODE_AGENT_CODE &&
          (modes.contains(policy::v1::MODE_AGENT) || modes.contains(policy::v1::MODE_CODE)));
}

std::optional<Mismatch> mismatch_of(const RuleMatch& match, const RuleQuestion& question) {
  using Part = Mismatch::Part;
  if (!holds(match.servers, question.server)) {
    return Mismatch{Part::Server};
  }
  if (match.tools && (question.tool.empty() || !match.tools->contains(question.tool))) {
    return Mismatch{Part::Tool};
  }
  if (!match.effects.empty() && !match.effects.contains(question.effect)) {
    return Mismatch{Part::Effect};
  }
  if (!match.modes.empty() && !names_mode(match.modes, question.mode)) {
    return Mismatch{Part::Mode};
  }
  if (const auto part = caller_mismatch(match, *question.claims); part) {
    return Mismatch{*part};
  }
  for (std::size_t i = 0; i < match.arguments.size(); ++i) {
    CallArguments* const arguments = question.arguments;
    if (arguments == nullptr ||
        !match.arguments[i].is_met(arguments->value(), arguments->effort())) {
      return Mismatch{Part::Argument, i};
    }
  }
  return std::nullopt;
}

std::string argument_sentence(const RuleMatch& match, std::size_t index, bool given) {
  const ArgumentTest& test = match.arguments[index].test();
  return "arguments[" + std::to_string(index) + "] (" + std::string(name_of(test.kind)) + " of \"" +
         test.pointer + "\") " +
         (given ? "does not hold" : "is not looked at without the arguments of a call");
}

std::string sentence_of(
    const Mismatch& mismatch, const RuleMatch& match, const RuleQuestion& question
) {
  using Part = Mismatch::Part;
  switch (mismatch.part) {
    case Part::Server:
      return "it is for other servers";
    case Part::Tool:
      return "it is for other tools";
    case Part::Effect:
      return "it is for other effects than " + std::string(name_of(question.effect));
    case Part::Mode:
      return question.mode == policy::v1::MODE_UNSPECIFIED
                 ? "its mode is not looked at without the mode of a call"
                 : "it is for other modes than " + std::string(name_of(question.mode));
    case Part::Principal:
      return "it is for other principals than " + question.claims->principal();
    case Part::Key:
      return "it is for other keys than " + question.claims->key_id();
    case Part::Agent:
      return "it is for other agents than \"" + question.claims->agent() + "\"";
    case Part::Role:
      return "it is for other roles than the caller's";
    case Part::Tenant:
      return "it is for other tenants than " + question.claims->tenant();
    case Part::Argument:
      return argument_sentence(match, mismatch.argument, question.arguments != nullptr);
  }
  return "";
}

}  // namespace

const json::Value& CallArguments::value() {
  if (!value_) {
    auto parsed = json::parse(canonical_);
    SLUICE_CHECK(parsed.ok(), "who asks has checked that the arguments are canonical JSON");
    value_ = std::move(parsed).value();
  }
  return *value_;
}

bool matches(const RuleMatch& match, const RuleQuestion& question) {
  return !mismatch_of(match, question);
}

RuleSet::RuleSet(std::vector<Rule> rules) : rules_(std::move(rules)) {
  for (std::uint32_t i = 0; i < rules_.size(); ++i) {
    add(i);
  }
  const auto sort = [this](Indexes* indexes) {
    std::sort(indexes->begin(), indexes->end(), [this](std::uint32_t a, std::uint32_t b) {
      const bool equal = rules_[a].verdict == rules_[b].verdict;
      return equal ? a < b : rules_[a].verdict > rules_[b].verdict;
    });
  };
  for (auto* const index : {&by_tool_, &by_server_}) {
    for (auto& [name, indexes] : *index) {
      sort(&indexes);
    }
  }
  sort(&anywhere_);
}

void RuleSet::add(std::uint32_t index) {
  const RuleMatch& match = rules_[index].match;
  const bool names_tools = match.tools && !match.tools->is_all();
  const auto& names = names_tools ? match.tools : match.servers;
  if (!names || names->is_all()) {
    anywhere_.push_back(index);
    return;
  }
  for (const std::string& name : names->names()) {
    (names_tools ? by_tool_ : by_server_)[name].push_back(index);
  }
}

std::vector<const RuleSet::Indexes*> RuleSet::candidates(const RuleQuestion& question) const {
  std::vector<const Indexes*> found{&anywhere_};
  if (const auto place = by_server_.find(question.server); place != by_server_.end()) {
    found.push_back(&place->second);
  }
  if (const auto place = by_tool_.find(question.tool); place != by_tool_.end()) {
    found.push_back(&place->second);
  }
  return found;
}

const Rule* RuleSet::strictest(const RuleQuestion& question, policy::v1::Verdict above) const {
  const Rule* best = nullptr;
  for (const Indexes* const indexes : candidates(question)) {
    for (const std::uint32_t index : *indexes) {
      const Rule& rule = rules_[index];
      const policy::v1::Verdict reached = best != nullptr ? best->verdict : above;
      if (rule.verdict < reached || (best == nullptr && rule.verdict == above)) {
        break;
      }
      const bool comes_first = best == nullptr || rule.verdict > reached || &rule < best;
      if (comes_first && !mismatch_of(rule.match, question)) {
        best = &rule;
      }
    }
  }
  return best;
}

void RuleSet::look_at_each(
    const RuleQuestion& question,
    const std::function<void(const Rule& rule, const std::string& mismatch)>& visit
) const {
  Indexes all;
  for (const Indexes* const indexes : candidates(question)) {
    all.insert(all.end(), indexes->begin(), indexes->end());
  }
  std::sort(all.begin(), all.end());
  for (const std::uint32_t index : all) {
    const RuleMatch& match = rules_[index].match;
    const auto mismatch = mismatch_of(match, question);
    visit(rules_[index], mismatch ? sentence_of(*mismatch, match, question) : "");
  }
}

}  // namespace sluice::policy_engine
