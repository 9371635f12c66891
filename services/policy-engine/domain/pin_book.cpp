#include "services/policy-engine/domain/pin_book.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

int tools_in(const connector::v1::CatalogReply& catalog) {
  int count = 0;
  for (const auto& server : catalog.servers()) {
    count += server.tools_size();
  }
  return count;
}

}  // namespace

PinStamp PinBook::wanted() const {
  const PolicyState::Snapshot& loaded = deps_.policy->loaded();
  return loaded == nullptr ? PinStamp{ToolPins::FirstUse, 0}
                           : PinStamp{loaded->policy.tool_pins, loaded->policy.stored_revision};
}

bool PinBook::is_current(const PinStamp& stamp) const {
  const PinStamp needed = wanted();
  return stamp.mode == needed.mode && stamp.revision >= needed.revision;
}

Async<CheckedPins> PinBook::check(std::shared_ptr<const connector::v1::CatalogReply> catalog) {
  const PinStamp needed = wanted();
  if (needed.mode == ToolPins::Off) {
    CheckedPins checked;
    checked.states.assign(static_cast<std::size_t>(tools_in(*catalog)), PinState::Unread);
    checked.stamp = needed;
    checked.complete = true;
    pinned_.clear();
    count(checked);
    co_return checked;
  }
  PinCheckRequest request{catalog, needed.mode, deps_.clock->unix_ms()};
  const auto reply = co_await async::with_deadline(
      deps_.clock, deps_.clock->now() + kPinCheckTimeout, deps_.store->check(std::move(request))
  );
  CheckedPins checked;
  if (!reply.ok()) {
    deps_.log->warn("pins-not-read", {{"error", reply.error().to_log()}});
    checked = from_memory(*catalog, needed);
  } else {
    checked = checked_from(*catalog, reply.value().pinned_hashes);
    checked.stamp = {needed.mode, reply.value().revision};
    checked.complete = true;
    revision_ = reply.value().revision;
    tell(reply.value());
  }
  count(checked);
  co_return checked;
}

CheckedPins PinBook::checked_from(
    const connector::v1::CatalogReply& catalog, const std::vector<std::string>& pinned_hashes
) {
  CheckedPins checked;
  checked.states.reserve(pinned_hashes.size());
  pinned_.clear();
  std::size_t place = 0;
  for (const auto& server : catalog.servers()) {
    for (const auto& tool : server.tools()) {
      const std::string& pinned = pinned_hashes.at(place++);
      checked.states.push_back(state_of(pinned, tool.definition_hash()));
      pinned_.insert_or_assign(ToolName{server.name(), tool.name()}, pinned);
    }
  }
  return checked;
}

CheckedPins PinBook::from_memory(const connector::v1::CatalogReply& catalog, PinStamp wanted) {
  if (revision_ < wanted.revision) {
    pinned_.clear();  // an admin may have agreed to other definitions since
  }
  CheckedPins checked;
  for (const auto& server : catalog.servers()) {
    for (const auto& tool : server.tools()) {
      const auto known = pinned_.find(ToolName{server.name(), tool.name()});
      const bool is_known = known != pinned_.end() && !known->second.empty();
      checked.states.push_back(
          is_known ? state_of(known->second, tool.definition_hash()) : PinState::Unread
      );
    }
  }
  checked.stamp = wanted;
  return checked;
}

void PinBook::tell(const PinCheckReply& reply) {
  std::size_t told = 0;
  for (const NotedPin& noted : reply.noted) {
    news_ = news_ || noted.change == PinChange::Quarantined;
    if (noted.change == PinChange::Pinned || told == kPinsLoggedMax) {
      continue;
    }
    ++told;
    const bool quarantined = noted.change == PinChange::Quarantined;
    deps_.log->warn(
        quarantined ? "tool-quarantined" : "tool-released",
        {{"server", noted.name.server},
         {"tool", noted.name.tool},
         {"hint",
          quarantined ? "look at it with: sluice pins show <server> <tool>"
                      : "its server tells the pinned definition again"}}
    );
  }
  told = 0;
  for (const ConfusablePair& pair : reply.confusable) {
    if (told++ == kPinsLoggedMax) {
      break;
    }
    deps_.log->warn(
        "tool-confusable",
        {{"server", pair.a.server},
         {"tool", pair.a.tool},
         {"other_server", pair.b.server},
         {"other_tool", pair.b.tool}}
    );
  }
  if (!reply.compared_all_names) {
    deps_.log->warn(
        "tool-names-not-all-compared",
        {{"hint", "there are more confusable names than are looked for; remove servers"}}
    );
  }
}

void PinBook::count(const CheckedPins& checked) {
  const auto quarantined =
      checked.stamp.mode == ToolPins::Off
          ? 0
          : std::count_if(checked.states.begin(), checked.states.end(), [](PinState state) {
              return state != PinState::Agreed;
            });
  deps_.metrics
      ->gauge(
          "sluice_policy_tools_quarantined",
          "Tools of the catalog that are hidden because nobody agreed to their definition."
      )
      .set(static_cast<double>(quarantined));
}

}  // namespace sluice::policy_engine
