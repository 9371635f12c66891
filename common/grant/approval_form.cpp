#include "common/grant/approval_form.h"

#include "common/grant/policy_names.h"
#include "common/json/parse.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace sluice::grant {
namespace {

json::Value arguments_of(const policy::v1::Approval& approval) {
  auto parsed = json::parse(approval.arguments());
  return parsed.ok() ? std::move(parsed).value() : json::Value(approval.arguments());
}

json::Array answers_of(const policy::v1::Approval& approval) {
  json::Array answers;
  for (const policy::v1::ApprovalAnswer& answer : approval.answers()) {
    answers.push_back(json::object({
        {"principal", answer.principal()},
        {"action", answer.approve() ? "approve" : "deny"},
        {"reason", answer.reason()},
        {"at", rfc3339_of(answer.answered_unix_ms())},
    }));
  }
  return answers;
}

}  // namespace

json::Value approval_form(const policy::v1::Approval& approval) {
  return json::object({
      {"id", approval.id()},
      {"state", name_of(approval.state())},
      {"tenant", approval.tenant()},
      {"principal", approval.principal()},
      {"agent", approval.agent()},
      {"server", approval.server()},
      {"tool", approval.tool()},
      {"effect_class", name_of(approval.effect_class())},
      {"arguments", arguments_of(approval)},
      {"required", name_of(approval.required())},
      {"rule", approval.rule()},
      {"reason", approval.reason()},
      {"policy_version", static_cast<std::int64_t>(approval.policy_version())},
      {"chain_id", approval.chain_id()},
      {"tool_call_id", approval.tool_call_id()},
      {"created_at", rfc3339_of(approval.created_unix_ms())},
      {"expires_at", rfc3339_of(approval.expires_unix_ms())},
      {"answers", answers_of(approval)},
      {"end_reason", approval.end_reason()},
  });
}

std::string rfc3339_of(std::int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  constexpr std::size_t kTextBytesMax = 40;
  std::array<char, kTextBytesMax> text{};
  std::snprintf(
      text.data(),
      text.size(),
      "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count())
  );
  return text.data();
}

}  // namespace sluice::grant
