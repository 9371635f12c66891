// policy.limits: how many calls of tools pass.
#include "services/policy-engine/config.h"
#include "services/policy-engine/limits.h"

#include <set>

namespace sluice::policy_engine {
namespace {

using config::Section;

constexpr std::int64_t kMsPerSecond = 1'000;

std::set<CountedPer> read_per(Section& entry) {
  std::set<CountedPer> per;
  const auto names = entry.list(
      "per",
      {.fallback = std::vector<std::string>(),
       .description = "What is counted apart: any of key, principal, tenant, server, tool; absent: "
                      "one count for all that matches."}
  );
  for (const std::string& name : names) {
    if (const auto one = counted_per_named(name); one) {
      per.insert(*one);
    } else {
      entry.fault(
          "per",
          "holds the unknown name \"" + name + "\"; give key, principal, tenant, server or tool"
      );
    }
  }
  return per;
}

// 0: absent.
std::uint32_t read_count(
    Section& entry, std::string_view key, std::int64_t max, std::string description
) {
  const auto value = entry.integer(
      key, {.fallback = 0, .min = 0, .max = max, .description = std::move(description)}
  );
  if (entry.has(key) && value == 0) {
    entry.fault(key, "is 0, which would let nothing pass; write a rule that denies instead");
  }
  return static_cast<std::uint32_t>(value);
}

void read_numbers(Section& entry, Limit* limit) {
  limit->calls = read_count(entry, "calls", kLimitCallsMax, "How many calls pass in window_s.");
  limit->window_ms = kMsPerSecond * entry.integer(
                                        "window_s",
                                        {.fallback = 0,
                                         .min = 0,
                                         .max = kLimitWindowSecondsMax,
                                         .unit = "s",
                                         .description = "Any time so long, with calls."}
                                    );
  limit->at_once = read_count(entry, "at_once", kLimitAtOnceMax, "How many calls are under way.");
  limit->longest_call_ms =
      kMsPerSecond * entry.integer(
                         "longest_call_s",
                         {.fallback = kLongestCallDefault,
                          .min = 1,
                          .max = kLongestCallMax,
                          .unit = "s",
                          .description = "With at_once: a call whose end nobody told is over then."}
                     );
  if ((limit->calls > 0) != (limit->window_ms > 0)) {
    entry.fault(
        limit->calls > 0 ? "window_s" : "calls", "is missing; calls and window_s go together"
    );
  }
  if (limit->calls == 0 && limit->at_once == 0 && !entry.has("calls") && !entry.has("at_once")) {
    entry.fault("", "says no number; give calls and window_s, or at_once");
  }
}

Limit read_limit(Section& entry) {
  Limit limit;
  limit.id = entry.text(
      "id",
      {.fallback = std::nullopt,
       .description = "Names the limit in records, as limits.<id>; [A-Za-z0-9_.-]{1,64}."}
  );
  if (!is_rule_id(limit.id)) {
    entry.fault("id", "does not match [A-Za-z0-9_.-]{1,64}; give such an id");
  }
  limit.match = read_match(entry.child("match"));
  limit.per = read_per(entry);
  read_numbers(entry, &limit);
  limit.reason = entry.text(
      "reason", {.fallback = "", .description = "One sentence for the caller: why, and what to do."}
  );
  if (limit.reason.size() > kReasonBytesMax) {
    entry.fault("reason", "is longer than " + std::to_string(kReasonBytesMax) + " bytes; say less");
  }
  return limit;
}

}  // namespace

std::shared_ptr<const Limits> read_limits(Section& policy) {
  auto entries = policy.children("limits");
  if (entries.size() > kLimitsMax) {
    policy.fault(
        "limits", "has more than " + std::to_string(kLimitsMax) + " limits; join some by lists"
    );
    entries.clear();
  }
  Limits limits;
  std::set<std::string> ids;
  for (Section& entry : entries) {
    Limit limit = read_limit(entry);
    if (!ids.insert(limit.id).second) {
      entry.fault("id", "is used by another limit; give each limit its own id");
    }
    limits.push_back(std::move(limit));
  }
  return std::make_shared<const Limits>(std::move(limits));
}

}  // namespace sluice::policy_engine
