#include "services/policy-engine/domain/rule.h"

#include "common/grant/policy_names.h"

namespace sluice::policy_engine {
namespace {

void set_names(json::Object* out, std::string_view key, const std::optional<NameList>& list) {
  if (!list) {
    return;
  }
  json::Array names;
  for (const std::string& name : list->names()) {
    names.emplace_back(name);
  }
  out->set(key, std::move(names));
}

template <class Enum>
void set_names(json::Object* out, std::string_view key, const std::set<Enum>& values) {
  json::Array names;
  for (const Enum value : values) {
    names.emplace_back(name_of(value));
  }
  if (!names.empty()) {
    out->set(key, std::move(names));
  }
}

json::Value value_of(const ArgumentTest& test) {
  switch (test.kind) {
    case ArgumentTest::Kind::Range: {
      json::Object range;
      if (test.min) {
        range.set("min", *test.min);
      }
      if (test.max) {
        range.set("max", *test.max);
      }
      return range;
    }
    case ArgumentTest::Kind::In:
      return test.values;
    case ArgumentTest::Kind::Equals:
      return test.values.front();
    case ArgumentTest::Kind::Exists:
      return test.exists;
    default:
      return test.text;
  }
}

json::Value form_of(const ArgumentTest& test) {
  json::Object form;
  form.set("pointer", test.pointer);
  form.set(name_of(test.kind), value_of(test));
  if (test.is_path) {
    form.set("path", true);
  }
  if (test.negated) {
    form.set("not", true);
  }
  return form;
}

}  // namespace

json::Value form_of(const RuleMatch& match) {
  json::Object caller;
  set_names(&caller, "principal", match.principals);
  set_names(&caller, "key_id", match.key_ids);
  set_names(&caller, "agent", match.agents);
  set_names(&caller, "role", match.roles);
  set_names(&caller, "tenant", match.tenants);
  json::Object form;
  set_names(&form, "server", match.servers);
  set_names(&form, "tool", match.tools);
  set_names(&form, "effect_class", match.effects);
  set_names(&form, "mode", match.modes);
  if (!caller.empty()) {
    form.set("caller", std::move(caller));
  }
  json::Array conditions;
  for (const ArgumentCondition& condition : match.arguments) {
    conditions.push_back(form_of(condition.test()));
  }
  if (!conditions.empty()) {
    form.set("arguments", std::move(conditions));
  }
  return form;
}

json::Value form_of(const Rule& rule) {
  return json::object({
      {"id", rule.id},
      {"match", form_of(rule.match)},
      {"verdict", name_of(rule.verdict)},
      {"reason", rule.reason},
  });
}

}  // namespace sluice::policy_engine
