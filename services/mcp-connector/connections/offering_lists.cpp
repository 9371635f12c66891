#include "services/mcp-connector/connections/offering_lists.h"

#include <utility>

namespace sluice::mcp_connector {

Async<Offerings> OfferingLists::fetch(mcp::ServerCapabilities capabilities) {
  Offerings out;
  out.completions = capabilities.has_completions;
  if (capabilities.has_resources) {
    SLUICE_CO_TRY(out.resources, co_await fetch_one(&mcp::kResourcesList));
    SLUICE_CO_TRY(out.templates, co_await fetch_one(&mcp::kTemplatesList));
  }
  if (capabilities.has_prompts) {
    SLUICE_CO_TRY(out.prompts, co_await fetch_one(&mcp::kPromptsList));
  }
  co_return out;
}

Async<std::vector<Offering>> OfferingLists::fetch_one(const mcp::ListMethod* list) {
  auto asked = co_await ask(list);
  if (!asked.ok() && session_->gone()) {
    co_return std::move(asked).error();
  }
  if (!asked.ok()) {
    if (asked.error().code() != Code::NotFound) {  // else it just has none
      log_->warn(
          "offerings-not-listed",
          {{"server", server_}, {"list", list->method}, {"error", asked.error().to_log()}}
      );
    }
    co_return std::vector<Offering>();
  }
  tell(list->method, {.left_out = asked.value().left_out, .unnamed = asked.value().unnamed});
  co_return std::move(asked.value().items);
}

void OfferingLists::tell(std::string_view method, Faults faults) {
  if ((*told_)[method] == faults) {
    return;
  }
  (*told_)[method] = faults;
  if (faults.left_out > 0) {
    log_->warn(
        "offerings-left-out", {{"server", server_}, {"list", method}, {"count", faults.left_out}}
    );
  }
  if (faults.unnamed > 0) {
    log_->warn(
        "offerings-named-by-uri", {{"server", server_}, {"list", method}, {"count", faults.unnamed}}
    );
  }
}

Async<OfferingList> OfferingLists::ask(const mcp::ListMethod* list) {
  SLUICE_CO_TRY(
      const auto definitions, co_await session_->list(list, clock_->now() + kOfferingsTimeout)
  );
  co_return OfferingList::build(list->key, definitions);
}

}  // namespace sluice::mcp_connector
