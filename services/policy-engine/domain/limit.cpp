#include "services/policy-engine/domain/limit.h"

#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kRulePrefix = "limits.";
constexpr std::int64_t kMsPerSecond = 1'000;

constexpr std::array kAllPer{
    CountedPer::Key, CountedPer::Principal, CountedPer::Tenant, CountedPer::Server, CountedPer::Tool
};

// What a counter of that kind is about, as people read it.
std::string subject_of(CountedPer per, const RuleQuestion& question) {
  switch (per) {
    case CountedPer::Key:
      return "key:" + question.claims->key_id();
    case CountedPer::Principal:
      return "principal:" + question.claims->principal();
    case CountedPer::Tenant:
      return "tenant:" + question.claims->tenant();
    case CountedPer::Server:
      return std::string(question.server);
    case CountedPer::Tool:
      return std::string(question.server) + "-" + std::string(question.tool);
  }
  return "";
}

std::string seconds_text(std::int64_t ms) {
  return std::to_string((ms + kMsPerSecond - 1) / kMsPerSecond) + " s";
}

}  // namespace

std::string_view name_of(CountedPer per) {
  switch (per) {
    case CountedPer::Key:
      return "key";
    case CountedPer::Principal:
      return "principal";
    case CountedPer::Tenant:
      return "tenant";
    case CountedPer::Server:
      return "server";
    case CountedPer::Tool:
      return "tool";
  }
  return "";
}

std::optional<CountedPer> counted_per_named(std::string_view name) {
  for (const CountedPer per : kAllPer) {
    if (name_of(per) == name) {
      return per;
    }
  }
  return std::nullopt;
}

json::Value form_of(const Limit& limit) {
  json::Object form;
  form.set("id", limit.id);
  form.set("match", form_of(limit.match));
  json::Array per;
  for (const CountedPer one : limit.per) {
    per.emplace_back(name_of(one));
  }
  form.set("per", std::move(per));
  if (limit.calls > 0) {
    form.set("calls", std::int64_t{limit.calls});
    form.set("window_s", limit.window_ms / kMsPerSecond);
  }
  if (limit.at_once > 0) {
    form.set("at_once", std::int64_t{limit.at_once});
    form.set("longest_call_s", limit.longest_call_ms / kMsPerSecond);
  }
  form.set("reason", limit.reason);
  return form;
}

std::vector<LimitCounter> counters_of(const Limits& limits, const RuleQuestion& question) {
  std::vector<LimitCounter> counters;
  for (const Limit& limit : limits) {
    if (!matches(limit.match, question)) {
      continue;
    }
    crypto::Sha256 digest;
    digest.field("limit-v1").field(limit.id);
    std::string subject;
    for (const CountedPer per : limit.per) {
      const std::string part = subject_of(per, question);
      digest.field(name_of(per)).field(part);
      subject += (subject.empty() ? "" : " ") + part;
    }
    if (subject.empty()) {
      subject = "all";
    }
    subject.resize(std::min(subject.size(), kSubjectShownBytesMax));
    counters.push_back(
        {&limit, to_hex(digest.finish().substr(0, kCounterIdBytes)), std::move(subject)}
    );
  }
  return counters;
}

std::string limit_rule(const Limit& limit) {
  return std::string(kRulePrefix) + limit.id;
}

bool is_limit_rule(std::string_view rule) {
  return rule.starts_with(kRulePrefix);
}

std::string limit_reason(
    const Limit& limit, const std::string& subject, bool at_once, std::int64_t retry_after_ms
) {
  std::string reason = limit.reason.empty() ? "" : limit.reason + ": ";
  if (at_once) {
    return reason + std::to_string(limit.at_once) + " calls (" + subject +
           ") are under way, as many as may be at once: try again when one has ended";
  }
  return reason + std::to_string(limit.calls) + " calls in " + seconds_text(limit.window_ms) +
         " (" + subject + ") are used up: try again in " + seconds_text(retry_after_ms);
}

}  // namespace sluice::policy_engine
