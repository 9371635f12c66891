#include "services/policy-engine/domain/evaluate.h"

#include "services/policy-engine/domain/effect_class.h"
#include "services/policy-engine/domain/tool_filter.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

using policy::v1::Verdict;

// The proto's numbers ascend with strictness.
static_assert(
    policy::v1::VERDICT_AUTO < policy::v1::VERDICT_MANUAL &&
    policy::v1::VERDICT_MANUAL < policy::v1::VERDICT_APPROVE &&
    policy::v1::VERDICT_APPROVE < policy::v1::VERDICT_APPROVE_TWICE &&
    policy::v1::VERDICT_APPROVE_TWICE < policy::v1::VERDICT_DENY
);

Verdict verdict_of(Preset preset, policy::v1::EffectClass effect) {
  switch (preset) {
    case Preset::Manual:
      return policy::v1::VERDICT_MANUAL;
    case Preset::Open:
      return policy::v1::VERDICT_AUTO;
    case Preset::Safe:
      break;
  }
  switch (effect) {
    case policy::v1::EFFECT_CLASS_READ:
      return policy::v1::VERDICT_AUTO;
    case policy::v1::EFFECT_CLASS_WRITE:
      return policy::v1::VERDICT_APPROVE;
    default:
      return policy::v1::VERDICT_APPROVE_TWICE;
  }
}

std::string reason_of(Verdict verdict) {
  switch (verdict) {
    case policy::v1::VERDICT_AUTO:
      return "the tool runs automatically";
    case policy::v1::VERDICT_MANUAL:
      return "the tool runs when it is executed explicitly";
    case policy::v1::VERDICT_APPROVE:
      return "the tool needs the approval of a person";
    case policy::v1::VERDICT_APPROVE_TWICE:
      return "the tool needs the approval of two people";
    default:
      return "the tool is not allowed";
  }
}

Ruling denied(policy::v1::EffectClass effect, std::string rule, std::string reason) {
  return {policy::v1::VERDICT_DENY, effect, std::move(rule), std::move(reason)};
}

Ruling unknown_server(policy::v1::EffectClass effect) {
  return denied(
      effect,
      "catalog.unknown_server",
      "policy knows no such server: ask the operator to add it to the settings"
  );
}

// Why nobody may call the tool under these pins; nullopt: it is agreed to.
std::optional<Ruling> quarantine(
    const Policy& policy, const CatalogTool& tool, policy::v1::EffectClass effect
) {
  if (policy.tool_pins == ToolPins::Off || tool.pin == PinState::Agreed) {
    return std::nullopt;
  }
  if (tool.pin == PinState::Unread) {
    return denied(
        effect,
        "catalog.pins_unread",
        "whether the tool's definition was agreed to cannot be read at the moment: try again in a "
        "few seconds"
    );
  }
  const std::string why = tool.pin == PinState::Changed
                              ? "because its definition is another one than was agreed to"
                              : "until somebody agrees to its definition";
  return denied(
      effect,
      "pins.quarantined",
      "the tool is quarantined " + why + ": ask an admin to look at it (sluice pins show " +
          tool.server + " " + tool.tool + ") and to approve it"
  );
}

// What a caller asks for: a tool or, without one, the server's resources and prompts.
struct Asked {
  const std::string& server;
  const CatalogTool* tool = nullptr;
  policy::v1::EffectClass effect = policy::v1::EFFECT_CLASS_UNSPECIFIED;
};

// A key that reaches no tool of a server does not reach what else the server offers.
bool key_passes(const policy::v1::ToolFilter& filter, const Asked& asked) {
  return asked.tool != nullptr ? passes(filter, asked.server, asked.tool->tool)
                               : passes_some_tool(filter, asked.server);
}

// A request that names tools names those it wants to see; it says nothing about the rest.
bool request_passes(const policy::v1::ToolFilter& filter, const Asked& asked) {
  return asked.tool != nullptr ? passes(filter, asked.server, asked.tool->tool)
                               : passes_server(filter, asked.server);
}

// The first layer that keeps what is asked for from this caller, if any.
std::optional<Ruling> refusal(
    const ServerPolicy& server, const Caller& caller, const Asked& asked
) {
  const std::string what = asked.tool != nullptr ? "tool" : "server";
  if (server.disabled) {
    return denied(
        asked.effect, asked.server + ".disabled", "the server is disabled: ask the operator"
    );
  }
  if (server.tenants && !server.tenants->contains(caller.claims->tenant())) {
    return denied(
        asked.effect,
        asked.server + ".tenants",
        "the server is not open to this tenant: ask the operator"
    );
  }
  if (asked.tool != nullptr && !server.tools_to_execute.contains(asked.tool->tool)) {
    return denied(
        asked.effect,
        asked.server + ".tools_to_execute",
        "the operator does not let this tool be called: ask for it to be added to the server's "
        "tools_to_execute"
    );
  }
  // Both the filter signed into the token and that of the key as it is now: a key may have been
  // narrowed since.
  if (!key_passes(caller.claims->filter(), asked) || !key_passes(caller.key->filter(), asked)) {
    return denied(
        asked.effect,
        "key." + caller.key->id + ".filter",
        "the caller's key does not reach this " + what + ": use another key or " + what
    );
  }
  if (!request_passes(*caller.request_filter, asked)) {
    return denied(
        asked.effect,
        "request.filter",
        "the request itself excludes this " + what + ": widen its filter"
    );
  }
  if (asked.tool != nullptr && is_code_mode(caller.mode) && !server.is_code_mode_client) {
    return denied(
        asked.effect,
        asked.server + ".is_code_mode_client",
        "the server is not offered to scripts: call its tools without code mode, or ask the "
        "operator to set is_code_mode_client"
    );
  }
  return std::nullopt;
}

policy::v1::EffectClass effect_of(const ServerPolicy& server, const CatalogTool& tool) {
  const auto word = server.effect_classes.find(tool.tool);
  return effect_class_of(
      {tool.tool, tool.read_only_hint, server.trust_annotations},
      word != server.effect_classes.end() ? std::optional(word->second) : std::nullopt
  );
}

RuleQuestion question_of(
    const Caller& caller,
    const CatalogTool& tool,
    policy::v1::EffectClass effect,
    CallArguments* arguments
) {
  return {
      .server = tool.server,
      .tool = tool.tool,
      .effect = effect,
      .claims = caller.claims,
      .mode = caller.mode,
      .arguments = arguments
  };
}

Ruling tightened(Ruling ruling, const RuleSet& rules, const RuleQuestion& question) {
  const Rule* const rule = rules.strictest(question, ruling.verdict);
  if (rule == nullptr) {
    return ruling;
  }
  return {
      rule->verdict,
      ruling.effect,
      "rules." + rule->id,
      rule->reason.empty() ? reason_of(rule->verdict) : rule->reason
  };
}

}  // namespace

const ServerPolicy* policy_of(
    const Policy& policy, std::string_view server, const AddedPolicy& added
) {
  const auto found = policy.servers.find(server);
  return found != policy.servers.end() ? &found->second : added.get();
}

Ruling base_ruling(const Policy& policy, const ServerPolicy& server, const CatalogTool& tool) {
  const policy::v1::EffectClass effect = effect_of(server, tool);
  const std::string auto_rule = tool.server + ".tools_to_auto_execute";
  if (server.tools_to_auto_execute && server.tools_to_auto_execute->contains(tool.tool)) {
    return {policy::v1::VERDICT_AUTO, effect, auto_rule, reason_of(policy::v1::VERDICT_AUTO)};
  }
  const Verdict by_preset = verdict_of(policy.preset, effect);
  const std::string preset_rule = "preset." + std::string(name_of(policy.preset));
  if (server.tools_to_auto_execute && by_preset < policy::v1::VERDICT_MANUAL) {
    return {policy::v1::VERDICT_MANUAL, effect, auto_rule, reason_of(policy::v1::VERDICT_MANUAL)};
  }
  return {by_preset, effect, preset_rule, reason_of(by_preset)};
}

Ruling evaluate(
    const Policy& policy, const Caller& caller, const CatalogTool& tool, CallArguments* arguments
) {
  const ServerPolicy* const server = policy_of(policy, tool.server, tool.added);
  if (server == nullptr) {
    return unknown_server(policy::v1::EFFECT_CLASS_WRITE);
  }
  if (auto refused = refusal(*server, caller, {tool.server, &tool, effect_of(*server, tool)});
      refused) {
    return std::move(*refused);
  }
  if (auto refused = quarantine(policy, tool, effect_of(*server, tool)); refused) {
    return std::move(*refused);
  }
  Ruling base = base_ruling(policy, *server, tool);
  const RuleQuestion question = question_of(caller, tool, base.effect, arguments);
  return tightened(std::move(base), *policy.rules, question);
}

policy::v1::Explanation explain(
    const Policy& policy, const Caller& caller, const CatalogTool& tool, CallArguments* arguments
) {
  policy::v1::Explanation explanation;
  const Ruling ruling = evaluate(policy, caller, tool, arguments);
  explanation.set_verdict(ruling.verdict);
  explanation.set_effect_class(ruling.effect);
  explanation.set_rule(ruling.rule);
  explanation.set_reason(ruling.reason);
  const auto add = [&explanation](const std::string& rule, Verdict verdict, std::string mismatch) {
    policy::v1::Explanation::Step* const step = explanation.add_steps();
    step->set_rule(rule);
    step->set_matched(mismatch.empty());
    step->set_verdict(verdict);
    step->set_detail(std::move(mismatch));
  };
  const ServerPolicy* const server = policy_of(policy, tool.server, tool.added);
  if (server == nullptr ||
      refusal(*server, caller, {tool.server, &tool, effect_of(*server, tool)})) {
    add(ruling.rule, ruling.verdict, "");
    return explanation;
  }
  add(tool.server + ".tools_to_execute",
      policy::v1::VERDICT_DENY,
      "the server, the caller's key and the request let the call pass");
  if (quarantine(policy, tool, ruling.effect)) {
    add(ruling.rule, ruling.verdict, "");
  }
  // Every rule is looked at here, the mild ones too: with the effort of a call of its own.
  CallArguments afresh = arguments != nullptr ? arguments->afresh() : CallArguments("");
  const Ruling base = base_ruling(policy, *server, tool);
  add(base.rule, base.verdict, "");
  policy.rules->look_at_each(
      question_of(caller, tool, base.effect, arguments != nullptr ? &afresh : nullptr),
      [&add](const Rule& rule, const std::string& mismatch) {
        add("rules." + rule.id, rule.verdict, mismatch);
      }
  );
  return explanation;
}

Ruling evaluate_read(
    const Policy& policy, const Caller& caller, const AskedServer& asked, CallArguments* params
) {
  constexpr auto kEffect = policy::v1::EFFECT_CLASS_READ;
  const std::string& server = asked.name;
  const ServerPolicy* const said = policy_of(policy, server, asked.added);
  if (said == nullptr) {
    return unknown_server(kEffect);
  }
  if (auto refused = refusal(*said, caller, {server, nullptr, kEffect}); refused) {
    return std::move(*refused);
  }
  const std::string rule = server + ".reads";
  if (caller.mode == policy::v1::MODE_AGENT || is_code_mode(caller.mode)) {
    return denied(
        kEffect,
        rule,
        "resources, prompts and completion are for explicit requests only: send this one outside "
        "of agent mode and code mode"
    );
  }
  Ruling ruling = tightened(
      {policy::v1::VERDICT_MANUAL,
       kEffect,
       rule,
       "the request is carried out when it is made explicitly"},
      *policy.rules,
      {.server = server,
       .effect = kEffect,
       .claims = caller.claims,
       .mode = caller.mode,
       .arguments = params}
  );
  if (ruling.verdict > policy::v1::VERDICT_MANUAL && ruling.verdict < policy::v1::VERDICT_DENY) {
    return denied(
        kEffect,
        ruling.rule,
        "a rule asks for an approval, which only calls of tools can have: ask the operator to name "
        "the rule's tools"
    );
  }
  return ruling;
}

Ruling unknown_tool() {
  return {
      policy::v1::VERDICT_DENY,
      policy::v1::EFFECT_CLASS_UNSPECIFIED,
      "catalog.unknown_tool",
      "there is no such tool now: list the tools again",
  };
}

bool is_code_mode(policy::v1::Mode mode) {
  return mode == policy::v1::MODE_CODE || mode == policy::v1::MODE_AGENT_CODE;
}

bool may_run(policy::v1::Mode mode, Verdict verdict) {
  if (verdict == policy::v1::VERDICT_MANUAL) {
    return mode == policy::v1::MODE_MANUAL || mode == policy::v1::MODE_CODE;
  }
  return verdict == policy::v1::VERDICT_AUTO;
}

}  // namespace sluice::policy_engine
