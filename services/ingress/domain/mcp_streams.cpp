#include "services/ingress/domain/mcp_streams.h"

#include "services/ingress/domain/narrowing.h"
#include "services/ingress/limits.h"

#include <utility>

namespace sluice::ingress {

class McpStreams::Place {
 public:
  Place(McpStreams* streams, McpListener* listener)
      : streams_(streams),
        listener_(listener),
        owner_(listener->owner.tenant + '\n' + listener->owner.principal) {
    ++streams_->streams_[owner_];
    streams_->listening_.insert(listener_);
    if (!listener_->session.empty()) {
      streams_->of_session_[listener_->session] = listener_;
      streams_->wake();  // the one it replaces
    }
  }

  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place(Place&&) = delete;
  Place& operator=(Place&&) = delete;

  ~Place() {
    streams_->listening_.erase(listener_);
    if (--streams_->streams_[owner_] == 0) {
      streams_->streams_.erase(owner_);
    }
    if (!listener_->session.empty() && !streams_->replaced(listener_)) {
      streams_->of_session_.erase(listener_->session);
    }
  }

  [[nodiscard]] std::size_t of_this_principal() const { return streams_->streams_.at(owner_); }

 private:
  McpStreams* streams_;
  McpListener* listener_;
  std::string owner_;
};

Async<void> McpStreams::run(McpListener* listener) {
  const Place place(this, listener);
  if (place.of_this_principal() > kMcpStreamsMax) {
    co_return Error(Code::Exhausted, "too many streams are open for this key; close some of them");
  }
  SLUICE_CO_CHECK_OK(co_await listener->reply->begin());
  if (!listener->first.empty()) {
    SLUICE_CO_CHECK_OK(co_await listener->reply->notify(listener->first));
  }
  listener->renewal = deps_.clock->now();
  if (listener->session.empty()) {
    listener->renewal += kMcpSubscriptionRenewal;
  }
  co_return co_await tell_changes(listener);
}

Async<void> McpStreams::tell_changes(McpListener* listener) {
  SnapshotPtr told;
  Versions seen;
  while (!stopped_ && !replaced(listener)) {
    if (versions() != seen) {
      const Versions now = versions();
      auto current = co_await snapshot(listener);
      if (current.ok()) {
        seen = now;
        told = std::move(current).value();
        SLUICE_CO_CHECK_OK(co_await tell(listener, marks(told)));
      } else if (current.error().code() == Code::Unauthenticated ||
                 current.error().code() == Code::Cancelled) {
        co_return std::move(current).error();
      }  // else: looked for again after the next wait
    }
    if (told) {
      SLUICE_CO_CHECK_OK(co_await tell_updates(listener, told));
      SLUICE_CO_CHECK_OK(co_await renew(listener, told));
    }
    SLUICE_CO_CHECK_OK(co_await wait(kMcpKeepAlive));
    if (stopped_ || replaced(listener)) {
      break;
    }
    if (versions() != seen || !listener->updates.empty()) {
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kMcpChangeGather));
      continue;
    }
    SLUICE_CO_TRY(const bool lives, co_await session_lives(listener));
    if (!lives) {
      break;
    }
    SLUICE_CO_CHECK_OK(co_await listener->reply->keep_alive());
  }
  co_return Result<void>();
}

Async<void> McpStreams::tell(McpListener* listener, ListMarks marks) {
  if (listener->id.lists) {
    co_return co_await tell_lists(listener, std::move(marks));
  }
  co_return co_await tell_first(listener, std::move(marks));
}

// Begins the ids, and tells a client that goes on with an earlier stream what it may have missed.
Async<void> McpStreams::tell_first(McpListener* listener, ListMarks marks) {
  listener->id.stream = new_stream_name();
  listener->id.lists = listener->known.value_or(marks);
  if (listener->primed) {
    SLUICE_CO_CHECK_OK(co_await listener->numbered->prime(to_text(listener->id)));
  }
  if (!listener->known) {
    co_return Result<void>();
  }
  SLUICE_CO_CHECK_OK(co_await tell_lists(listener, std::move(marks)));
  SLUICE_CO_TRY(const auto subscribed, co_await resources_of(listener));
  for (const std::string& uri : subscribed) {
    SLUICE_CO_CHECK_OK(co_await notify(listener, resource_updated(listener->subscription, uri)));
  }
  co_return Result<void>();
}

Async<void> McpStreams::tell_lists(McpListener* listener, ListMarks marks) {
  const ChangeMessages& changes = listener->changes;
  for (const auto& [message, list] :
       {std::pair(&changes.tools, &ListMarks::tools),
        std::pair(&changes.resources, &ListMarks::resources),
        std::pair(&changes.prompts, &ListMarks::prompts)}) {
    std::string& known = *listener->id.lists.*list;
    if (known == marks.*list) {
      continue;
    }
    known = marks.*list;
    if (!message->empty()) {
      SLUICE_CO_CHECK_OK(co_await notify(listener, *message));
    }
  }
  co_return Result<void>();
}

Async<void> McpStreams::notify(McpListener* listener, std::string message) {
  if (listener->numbered != nullptr) {
    ++listener->id.number;
    listener->numbered->name_next(to_text(listener->id));
  }
  co_return co_await listener->reply->notify(std::move(message));
}

// Of the lists most callers have in common they are made once.
const ListMarks& McpStreams::marks(const SnapshotPtr& snapshot) {
  if (snapshot != marked_) {
    marked_ = snapshot;
    marks_ = marks_of(*snapshot);
  }
  return marks_;
}

Async<void> McpStreams::tell_updates(McpListener* listener, SnapshotPtr now) {
  const ResourceUpdates updates = std::exchange(listener->updates, {});
  if (updates.empty()) {
    co_return Result<void>();
  }
  SLUICE_CO_TRY(const auto subscribed, co_await resources_of(listener));
  for (const std::string& uri : updated_among(subscribed, now->offerings(), updates)) {
    SLUICE_CO_CHECK_OK(co_await notify(listener, resource_updated(listener->subscription, uri)));
  }
  co_return Result<void>();
}

Async<void> McpStreams::renew(McpListener* listener, SnapshotPtr now) {
  if (deps_.clock->now() < listener->renewal) {
    co_return Result<void>();
  }
  listener->renewal = deps_.clock->now() + kMcpSubscriptionRenewal;
  SLUICE_CO_TRY(auto uris, co_await resources_of(listener));
  if (uris.empty()) {
    co_return Result<void>();
  }
  auto admitted = co_await admit(listener);
  if (!admitted.ok()) {
    if (admitted.error().code() == Code::Cancelled) {
      co_return admitted.error();
    }
    co_return Result<void>();  // the next time
  }
  const McpSubscriber by{
      .request = listener->request,
      .owner = listener->owner,
      .caller = admitted.value().caller,
      .context = admitted.value().context,
      .session = listener->session,
      .era = listener->session.empty() ? McpEra::Modern : McpEra::Legacy
  };
  co_return co_await deps_.subscriptions->renew(&by, std::move(now), std::move(uris));
}

// None while the store does not answer.
Async<std::vector<std::string>> McpStreams::resources_of(McpListener* listener) {
  if (listener->session.empty()) {
    co_return listener->resources;
  }
  auto state = co_await deps_.sessions->state(listener->owner, listener->session);
  if (!state.ok()) {
    if (state.error().code() == Code::Cancelled) {
      co_return state.error();
    }
    co_return std::vector<std::string>();
  }
  co_return std::move(state.value().subscriptions);
}

Async<Admitted> McpStreams::admit(McpListener* listener) {
  RequestContext context = listener->context;
  context.deadline = deps_.clock->now() + kSnapshotTimeout;  // the stream outlives its request's
  co_return co_await deps_.admission->admit(listener->request, std::move(context));
}

Async<SnapshotPtr> McpStreams::snapshot(McpListener* listener) {
  SLUICE_CO_TRY(Narrowing narrowing, Narrowing::parse(listener->request->headers));
  SLUICE_CO_TRY(Admitted admitted, co_await admit(listener));
  co_return co_await deps_.catalog->snapshot(
      std::move(admitted.caller), std::move(narrowing), std::move(admitted.context)
  );
}

// A store that does not answer ends no stream.
Async<bool> McpStreams::session_lives(McpListener* listener) {
  if (listener->session.empty()) {
    co_return true;
  }
  const auto lives = co_await deps_.sessions->touch(listener->owner, listener->session);
  if (!lives.ok() && lives.error().code() == Code::Cancelled) {
    co_return lives.error();
  }
  co_return !lives.ok() || lives.value();
}

Async<void> McpStreams::wait(Duration longest) {
  async::OneShot<void> woken;
  waiting_.insert(&woken);
  const auto timer =
      deps_.clock->schedule(deps_.clock->now() + longest, [&woken] { woken.set({}); });
  const auto result = co_await woken.wait();
  waiting_.erase(&woken);
  co_return result;
}

void McpStreams::wake() {
  for (auto* const waiter : waiting_) {
    waiter->set({});
  }
}

void McpStreams::updated(const std::string& server_id, const std::string& uri) {
  bool any = false;
  for (auto* const listener : listening_) {
    const bool may_care = !listener->session.empty() || !listener->resources.empty();
    if (may_care && listener->updates.size() < kMcpUpdatesMax) {
      any = listener->updates.emplace(server_id, uri).second || any;
    }
  }
  if (any) {
    wake();
  }
}

void McpStreams::stop() {
  stopped_ = true;
  wake();
}

McpStreams::Versions McpStreams::versions() const {
  return {.generation = deps_.versions->generation(), .policy = deps_.versions->policy_version()};
}

bool McpStreams::replaced(const McpListener* listener) const {
  if (listener->session.empty()) {
    return false;
  }
  const auto newest = of_session_.find(listener->session);
  return newest != of_session_.end() && newest->second != listener;
}

}  // namespace sluice::ingress
