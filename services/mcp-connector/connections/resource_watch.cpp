#include "services/mcp-connector/connections/resource_watch.h"

#include "common/async/deadline.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr const char* kEmptyResult = "{}";

Error no_session() {
  return Error(Code::Unavailable, "the MCP server is not connected at the moment; retry later");
}

Answer refused(int code, std::string message) {
  return {
      .result = {},
      .error = mcp::to_json(mcp::RpcError{.code = code, .message = std::move(message), .data = {}})
  };
}

}  // namespace

Async<Answer> ResourceWatch::watch(std::string uri, TimePoint deadline) {
  if (session_ == nullptr || session_->gone()) {
    co_return no_session();
  }
  if (!capabilities_.has_subscriptions) {
    co_return refused(
        mcp::kMethodNotFound, "the MCP server does not tell of changes; read the resource again"
    );
  }
  if (!entries_.contains(uri) && entries_.size() >= kWatchedMax) {
    co_return Error(
        Code::Exhausted, "too many resources of this MCP server are subscribed to; retry later"
    );
  }
  if (session_->is_modern()) {
    co_return co_await watch_modern(std::move(uri), deadline);
  }
  co_return co_await watch_legacy(std::move(uri), deadline);
}

Async<Answer> ResourceWatch::watch_legacy(std::string uri, TimePoint deadline) {
  const auto place = entries_.find(uri);
  if (place != entries_.end() && place->second.subscribed) {
    place->second.until = deps_.clock->now() + kWatchFor;
    co_return Answer{.result = kEmptyResult, .error = {}};
  }
  SLUICE_CO_TRY(
      Answer answer,
      co_await session_->tell_about_resource(std::string(mcp::kResourcesSubscribe), uri, deadline)
  );
  if (answer.error.empty() && session_ != nullptr) {
    Entry& entry = entries_[uri];
    entry.until = deps_.clock->now() + kWatchFor;
    entry.subscribed = true;
    wake();
  }
  co_return answer;
}

Async<Answer> ResourceWatch::watch_modern(std::string uri, TimePoint deadline) {
  entries_[uri].until = deps_.clock->now() + kWatchFor;
  if (!is_heard()) {
    refusal_.clear();
    wake();
    const auto until = std::min(deadline, deps_.clock->now() + kListenAckTimeout);
    const auto heard = co_await async::with_deadline(deps_.clock, until, wait_until_acknowledged());
    if (!heard.ok() && heard.error().code() != Code::Deadline) {
      co_return heard.error();
    }
  }
  if (!refusal_.empty()) {
    entries_.erase(uri);
    wake();  // a stream without it
    co_return Answer{.result = {}, .error = refusal_};
  }
  co_return Answer{.result = kEmptyResult, .error = {}};
}

Async<void> ResourceWatch::wait_until_acknowledged() {
  while (!is_heard() && refusal_.empty()) {
    if (session_ == nullptr) {
      co_return no_session();
    }
    async::OneShot<void> changed;
    waiters_.push_back(&changed);
    const auto woken = co_await changed.wait();
    waiters_.remove(&changed);
    SLUICE_CO_CHECK_OK(woken);
  }
  co_return Result<void>();
}

void ResourceWatch::release_waiters() {
  for (auto* waiter : waiters_) {
    waiter->set({});
  }
}

void ResourceWatch::updated(const std::string& uri) {
  const auto place = entries_.find(uri);
  if (place == entries_.end()) {
    return;
  }
  if (place->second.muted) {
    place->second.missed = true;
    return;
  }
  tell(uri, &place->second);
}

void ResourceWatch::tell(const std::string& uri, Entry* entry) {
  entry->missed = false;
  entry->muted =
      deps_.clock->schedule(deps_.clock->now() + kUpdateDebounce, [this, uri] { unmute(uri); });
  deps_.on_updated(uri);
}

void ResourceWatch::unmute(const std::string& uri) {
  const auto place = entries_.find(uri);
  if (place == entries_.end()) {
    return;
  }
  if (place->second.missed) {
    tell(uri, &place->second);
  } else {
    place->second.muted.reset();
  }
}

void ResourceWatch::wake() {
  if (listen_) {
    listen_->wake();
  }
  wakeup_.raise();
}

Async<void> ResourceWatch::run(McpSession* session, mcp::ServerCapabilities capabilities) {
  session_ = session;
  capabilities_ = capabilities;
  for (auto& [uri, entry] : entries_) {
    entry.subscribed = false;
  }
  refusal_.clear();
  const auto kept = session->is_modern() ? co_await keep_listening() : co_await keep_subscribed();
  listen_.reset();
  replaced_.reset();
  listening_for_.clear();
  acknowledged_ = false;
  session_ = nullptr;
  release_waiters();
  co_return kept;
}

Async<void> ResourceWatch::keep_subscribed() {
  while (!session_->gone()) {
    for (const std::string& uri : drop_old()) {  // whatever it answers: nobody listens any more
      const auto told = co_await session_->tell_about_resource(
          "resources/unsubscribe", uri, deps_.clock->now() + kOfferingsTimeout
      );
    }
    std::vector<std::string> wanted;
    for (const auto& [uri, entry] : entries_) {
      if (!entry.subscribed) {
        wanted.push_back(uri);
      }
    }
    for (const std::string& uri : wanted) {
      const auto answer = co_await session_->tell_about_resource(
          std::string(mcp::kResourcesSubscribe), uri, deps_.clock->now() + kOfferingsTimeout
      );
      const auto place = entries_.find(uri);
      if (session_->gone()) {
        break;
      }
      if (place != entries_.end() && answer.ok() && answer.value().error.empty()) {
        place->second.subscribed = true;
      } else if (place != entries_.end()) {
        deps_.log->warn("resource-not-subscribed", {{"server", deps_.server}});
        entries_.erase(place);
      }
    }
    if (!session_->gone()) {
      SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, next_end()));
    }
  }
  co_return Result<void>();
}

Async<void> ResourceWatch::keep_listening() {
  while (!session_->gone()) {
    static_cast<void>(drop_old());
    const auto opened = open_listen();
    if (!opened.ok() || !opened.value()) {
      const TimePoint again = opened.ok() ? next_end() : deps_.clock->now() + kReconnectFirst;
      SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, again));
      continue;
    }
    const auto timer = deps_.clock->schedule(next_end(), [this] { wake(); });
    SLUICE_CO_TRY(const auto event, co_await listen_->next());
    if (event) {
      if (!event->notification.empty()) {
        acknowledged_ = true;
        refusal_.clear();
        replaced_.reset();
        release_waiters();
      }
      continue;
    }
    const auto answer = listen_->take();
    listen_.reset();
    replaced_.reset();
    acknowledged_ = false;
    if (session_->gone()) {
      break;
    }
    TimePoint again = deps_.clock->now() + kReconnectFirst;
    if (answer.ok() && !answer.value().error.empty()) {
      deps_.log->warn(
          "server-does-not-tell", {{"server", deps_.server}, {"error", answer.value().error}}
      );
      refusal_ = answer.value().error;
      again = deps_.clock->now() + kWatchFor;
      release_waiters();
    }
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, again));
  }
  co_return Result<void>();
}

Result<bool> ResourceWatch::open_listen() {
  std::string wanted = filter();
  if (wanted.empty()) {
    listen_.reset();
    listening_for_.clear();
    return false;
  }
  if (listen_ && wanted == listening_for_) {
    return true;
  }
  SLUICE_TRY(auto ticket, session_->listen(wanted, deps_.clock->now() + kListenFor));
  replaced_ = std::move(listen_);
  listen_ = std::move(ticket);
  listening_for_ = std::move(wanted);
  acknowledged_ = false;
  return true;
}

std::vector<std::string> ResourceWatch::drop_old() {
  std::vector<std::string> out;
  const TimePoint now = deps_.clock->now();
  std::erase_if(entries_, [&](const auto& entry) {
    const bool is_old = entry.second.until <= now;
    if (is_old && entry.second.subscribed) {
      out.push_back(entry.first);
    }
    return is_old;
  });
  return out;
}

std::string ResourceWatch::filter() const {
  json::Object wanted;
  if (capabilities_.tools_change) {
    wanted.set("toolsListChanged", true);
  }
  if (capabilities_.resources_change) {
    wanted.set("resourcesListChanged", true);
  }
  if (capabilities_.prompts_change) {
    wanted.set("promptsListChanged", true);
  }
  json::Array uris;
  for (const auto& [uri, entry] : entries_) {
    uris.emplace_back(uri);
  }
  if (!uris.empty()) {
    wanted.set("resourceSubscriptions", std::move(uris));
  }
  return wanted.empty() ? std::string()
                        : json::write(json::object({{"notifications", std::move(wanted)}}));
}

TimePoint ResourceWatch::next_end() const {
  TimePoint next = deps_.clock->now() + kWatchFor;
  for (const auto& [uri, entry] : entries_) {
    next = std::min(next, entry.until);
  }
  return next;
}

}  // namespace sluice::mcp_connector
