#include "services/ingress/cli/policy_commands.h"

#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::cli {
namespace {

// Of one file of cases, asked one after the other.
constexpr std::size_t kCasesMax = 10'000;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string steps_text(const json::Value& explanation) {
  const json::Value* const steps = explanation.find("steps");
  std::string out;
  if (steps == nullptr || steps->as_array() == nullptr) {
    return out;
  }
  std::size_t width = 0;
  for (const json::Value& step : *steps->as_array()) {
    width = std::max(width, step.text_or("rule", "").size());
  }
  constexpr std::size_t kVerdictWidth = 13;  // of approve_twice
  for (const json::Value& step : *steps->as_array()) {
    const json::Value* const matched = step.find("matched");
    const bool hit = matched != nullptr && matched->as_bool().value_or(false);
    std::string line =
        std::string(hit ? "  * " : "    ") + padded(step.text_or("rule", ""), width) + "  " +
        padded(step.text_or("verdict", ""), kVerdictWidth) + "  " + step.text_or("detail", "");
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string explanation_text(const json::Value& explanation) {
  return explanation.text_or("verdict", "?") + " by " + explanation.text_or("rule", "?") + ": " +
         explanation.text_or("reason", "") + "\n" + steps_text(explanation);
}

std::string warnings_text(const json::Value& reply) {
  const json::Value* const warnings = reply.find("warnings");
  std::string out;
  if (warnings != nullptr && warnings->as_array() != nullptr) {
    for (const json::Value& warning : *warnings->as_array()) {
      out += "warning: " + (warning.is_string() ? *warning.as_string() : "?") + "\n";
    }
  }
  return out;
}

std::string version_text(const json::Value& reply) {
  const json::Value* const version = reply.find("policy_version");
  const json::Value* const hash = reply.find("snapshot_hash");
  return (version != nullptr ? json::write(*version) : "?") + " (" +
         (hash != nullptr && hash->is_string() ? hash->as_string()->substr(0, 12) : "?") + ")";
}

Answer json_answer(const json::Value& value) {
  return {kExitDone, json::write(value) + "\n"};
}

// What one case of a file asks and expects.
struct PolicyCase {
  std::string name;
  json::Value call;
  std::string verdict;  // "": any
  std::string rule;     // "": any
};

Error case_error(std::size_t index, const std::string& what) {
  return Error(Code::Invalid, "case " + std::to_string(index + 1) + " of the file " + what);
}

Result<PolicyCase> case_of(const json::Value& value, std::size_t index) {
  const json::Value* const call = value.find("call");
  const json::Value* const expect = value.find("expect");
  if (call == nullptr || !call->is_object() || expect == nullptr || !expect->is_object()) {
    return case_error(
        index,
        R"(lacks its parts: give {"call": {"server", "tool", "arguments"}, "expect": {"verdict", "rule"}})"
    );
  }
  for (const auto& [key, member] : expect->as_object()->members()) {
    if ((key != "verdict" && key != "rule") || !member.is_string()) {
      return case_error(index, "expects \"" + key + R"(": give "verdict" and "rule", as texts)");
    }
  }
  PolicyCase one{
      value.text_or("name", ""), *call, expect->text_or("verdict", ""), expect->text_or("rule", "")
  };
  if (one.verdict.empty() && one.rule.empty()) {
    return case_error(index, R"(expects nothing: give "verdict" or "rule")");
  }
  if (one.name.empty()) {
    one.name = call->text_or("server", "?") + "-" + call->text_or("tool", "?");
  }
  return one;
}

bool holds(const PolicyCase& one, const json::Value& explanation) {
  return (one.verdict.empty() || one.verdict == explanation.text_or("verdict", "")) &&
         (one.rule.empty() || one.rule == explanation.text_or("rule", ""));
}

std::string failure_text(const PolicyCase& one, const json::Value& explanation) {
  return "FAILED " + one.name + ": expected " +
         (one.verdict.empty() ? "any verdict" : one.verdict) +
         (one.rule.empty() ? "" : " by " + one.rule) + ", got " + explanation_text(explanation);
}

}  // namespace

Async<Answer> explain_call(Gateway* gateway, json::Value call, Format format) {
  SLUICE_CO_TRY(
      const json::Value explanation, co_await gateway->post("/api/policy/explain", std::move(call))
  );
  co_return format == Format::Json ? json_answer(explanation)
                                   : Answer{kExitDone, explanation_text(explanation)};
}

Async<Answer> test_policy(Gateway* gateway, json::Value cases, Format format) {
  const json::Array* const list = cases.as_array();
  if (list == nullptr || list->empty() || list->size() > kCasesMax) {
    co_return Error(
        Code::Invalid,
        "the file is no list of 1 to " + std::to_string(kCasesMax) +
            R"( cases: give [{"call": {…}, "expect": {…}}, …])"
    );
  }
  std::string text;
  json::Array failures;
  for (std::size_t i = 0; i < list->size(); ++i) {
    SLUICE_CO_TRY(const PolicyCase one, case_of((*list)[i], i));
    SLUICE_CO_TRY(json::Value explanation, co_await gateway->post("/api/policy/explain", one.call));
    if (!holds(one, explanation)) {
      text += failure_text(one, explanation);
      failures.push_back(json::object({{"name", one.name}, {"got", std::move(explanation)}}));
    }
  }
  const int exit_code = failures.empty() ? kExitDone : kExitFailed;
  const auto run = static_cast<std::int64_t>(list->size());
  const auto failed = static_cast<std::int64_t>(failures.size());
  if (format == Format::Json) {
    Answer answer = json_answer(json::object({{"cases", run}, {"failures", std::move(failures)}}));
    answer.exit_code = exit_code;
    co_return answer;
  }
  text += std::to_string(run) + " cases, " + std::to_string(failed) + " failed\n";
  co_return Answer{exit_code, std::move(text)};
}

Async<Answer> reload_policy(Gateway* gateway, DryRun dry_run, Format format) {
  json::Object body;
  body.set("dry_run", dry_run == DryRun::Yes);
  SLUICE_CO_TRY(
      const json::Value reply, co_await gateway->post("/api/policy/reload", std::move(body))
  );
  if (format == Format::Json) {
    co_return json_answer(reply);
  }
  const std::string said = dry_run == DryRun::Yes
                               ? "the file is good; in force stays policy version "
                               : "in force is policy version ";
  co_return Answer{kExitDone, warnings_text(reply) + said + version_text(reply) + "\n"};
}

Async<Answer> show_policy(Gateway* gateway, Format format) {
  SLUICE_CO_TRY(const json::Value reply, co_await gateway->get("/api/policy"));
  if (format == Format::Json) {
    co_return json_answer(reply);
  }
  std::string text = "policy version " + version_text(reply) + "\n";
  const json::Value* const policy = reply.find("policy");
  const json::Value* const rules = policy != nullptr ? policy->find("rules") : nullptr;
  text += "preset " + (policy != nullptr ? policy->text_or("preset", "?") : "?") + "\n";
  if (rules != nullptr && rules->as_array() != nullptr) {
    for (const json::Value& rule : *rules->as_array()) {
      const json::Value* const match = rule.find("match");
      text += "rules." + rule.text_or("id", "?") + "  " + rule.text_or("verdict", "?") + "  " +
              (match != nullptr ? json::write(*match) : "{}") + "\n";
    }
  }
  co_return Answer{kExitDone, text + warnings_text(reply)};
}

}  // namespace sluice::cli
