// Which of the offered tools does what the demo model wants, and with which arguments.
#pragma once

#include "services/provider-router/domain/demo_intent.h"

#include "common/json/value.h"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::provider_router {

struct DemoCall {
  std::string name;
  std::string arguments;  // JSON text
};

// tools: the request's list, or null. nullopt: none of them fits.
[[nodiscard]] std::optional<DemoCall> demo_call(const DemoIntent& intent, const json::Value* tools);
// A call of the tool with that name ("" = the first), with text for every required string or list
// of strings. nullopt: there is none.
[[nodiscard]] std::optional<DemoCall> demo_forced_call(
    std::string_view name, const json::Value* tools, std::string_view text
);

// What kind of tool a name is, by its end.
[[nodiscard]] std::optional<DemoAction> demo_action_of(std::string_view tool_name);

}  // namespace sluice::provider_router
