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
      return "the tool needs an approval, and approvals are not available in this version: ask the "
             "operator to list it in "
             "tools_to_auto_execute or to choose another preset";
    case policy::v1::VERDICT_APPROVE_TWICE:
      return "the tool needs the approval of two people, and approvals are not available in this "
             "version: ask the operator "
             "to list it in tools_to_auto_execute or to choose another preset";
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
  if (asked.tool != nullptr && caller.mode == policy::v1::MODE_CODE &&
      !server.is_code_mode_client) {
    return denied(
        asked.effect,
        asked.server + ".is_code_mode_client",
        "the server is not offered to scripts: call its tools without code mode, or ask the "
        "operator to set is_code_mode_client"
    );
  }
  return std::nullopt;
}

}  // namespace

const ServerPolicy* policy_of(
    const Policy& policy, std::string_view server, const AddedPolicy& added
) {
  const auto found = policy.servers.find(server);
  return found != policy.servers.end() ? &found->second : added.get();
}

Ruling evaluate(const Policy& policy, const Caller& caller, const CatalogTool& tool) {
  const ServerPolicy* const said = policy_of(policy, tool.server, tool.added);
  if (said == nullptr) {
    return unknown_server(policy::v1::EFFECT_CLASS_WRITE);
  }
  const ServerPolicy& server = *said;
  const auto word = server.effect_classes.find(tool.tool);
  const policy::v1::EffectClass effect = effect_class_of(
      {tool.tool, tool.read_only_hint, server.trust_annotations},
      word != server.effect_classes.end() ? std::optional(word->second) : std::nullopt
  );
  if (auto refused = refusal(server, caller, {tool.server, &tool, effect}); refused) {
    return std::move(*refused);
  }
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

Ruling evaluate_read(
    const Policy& policy, const Caller& caller, const std::string& server, const AddedPolicy& added
) {
  constexpr auto kEffect = policy::v1::EFFECT_CLASS_READ;
  const ServerPolicy* const said = policy_of(policy, server, added);
  if (said == nullptr) {
    return unknown_server(kEffect);
  }
  if (auto refused = refusal(*said, caller, {server, nullptr, kEffect}); refused) {
    return std::move(*refused);
  }
  const std::string rule = server + ".reads";
  if (caller.mode == policy::v1::MODE_AGENT || caller.mode == policy::v1::MODE_CODE) {
    return denied(
        kEffect,
        rule,
        "resources, prompts and completion are for explicit requests only: send this one outside "
        "of agent mode and code mode"
    );
  }
  return {
      policy::v1::VERDICT_MANUAL,
      kEffect,
      rule,
      "the request is carried out when it is made explicitly"
  };
}

bool may_run(policy::v1::Mode mode, Verdict verdict) {
  if (verdict == policy::v1::VERDICT_MANUAL) {
    return mode == policy::v1::MODE_MANUAL || mode == policy::v1::MODE_CODE;
  }
  return verdict == policy::v1::VERDICT_AUTO;
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case policy::v1::VERDICT_AUTO:
      return "auto";
    case policy::v1::VERDICT_MANUAL:
      return "manual";
    case policy::v1::VERDICT_APPROVE:
      return "approve";
    case policy::v1::VERDICT_APPROVE_TWICE:
      return "approve_twice";
    case policy::v1::VERDICT_DENY:
      return "deny";
    default:
      return "";
  }
}

}  // namespace sluice::policy_engine
