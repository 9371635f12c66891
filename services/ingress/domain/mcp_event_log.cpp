#include "services/ingress/domain/mcp_event_log.h"

#include "services/ingress/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::ingress {
namespace {

std::string key_of(const Owner& owner) {
  return owner.tenant + '\n' + owner.principal;
}

Error not_kept() {
  return Error(
      Code::Invalid,
      "what follows this Last-Event-ID is not kept, or no longer; list or call again, and look "
      "into the trail whether a call was carried out"
  );
}

// The answer to a request that nobody runs any more.
std::string lost_answer(const std::string& request_id) {
  return R"({"jsonrpc":"2.0","id":)" + request_id + R"(,"error":)" +
         mcp::to_json(mcp::to_rpc_error(Error(
             Code::Unavailable,
             "the gateway no longer knows what became of this request; look into the trail whether "
             "it was carried out"
         ))) +
         "}";
}

}  // namespace

// One resumed stream, counted while it lives.
class McpEventLog::Resume {
 public:
  Resume(McpEventLog* log, McpStreamName of, std::size_t after, McpReply* to)
      : name(std::move(of)), told(after), reply(to), log_(log), owner_(key_of(name.owner)) {
    ++log_->resumes_[owner_];
  }

  Resume(const Resume&) = delete;
  Resume& operator=(const Resume&) = delete;
  Resume(Resume&&) = delete;
  Resume& operator=(Resume&&) = delete;

  ~Resume() {
    if (--log_->resumes_[owner_] == 0) {
      log_->resumes_.erase(owner_);
    }
  }

  [[nodiscard]] std::size_t of_this_principal() const { return log_->resumes_.at(owner_); }

  McpStreamName name;
  std::size_t told;
  McpStreamState state;
  McpReply* reply;

 private:
  McpEventLog* log_;
  std::string owner_;
};

Async<void> McpEventLog::resume(
    Owner owner, std::string session, McpEventId after, McpReply* reply
) {
  McpStreamName name{
      .owner = std::move(owner), .session = std::move(session), .stream = std::move(after.stream)
  };
  Resume resume(this, std::move(name), after.number, reply);
  if (resume.of_this_principal() > kMcpResumesMax) {
    co_return Error(Code::Exhausted, "too many streams are resumed by this key; end some of them");
  }
  SLUICE_CO_TRY(const auto state, co_await deps_.store->state(resume.name));
  if (!state || resume.told > state->events) {
    co_return not_kept();
  }
  resume.state = *state;
  SLUICE_CO_TRY(const bool whole, co_await tell(&resume));
  if (!whole && !reply->begun()) {
    co_return not_kept();
  }
  SLUICE_CO_CHECK_OK(co_await reply->begin());
  if (!whole) {
    co_return co_await reply->notify(lost_answer(resume.state.request_id));
  }
  co_return co_await follow(&resume);
}

// What its state says is there. False: one of these events is not kept.
Async<bool> McpEventLog::tell(Resume* resume) {
  while (resume->told < resume->state.events) {
    const std::size_t number = resume->told + 1;
    SLUICE_CO_TRY(auto event, co_await deps_.store->event(resume->name, number));
    if (!event) {
      co_return false;
    }
    resume->reply->name_next(
        to_text({.stream = resume->name.stream, .number = number, .lists = std::nullopt})
    );
    SLUICE_CO_CHECK_OK(co_await resume->reply->notify(std::move(*event)));
    resume->told = number;
  }
  co_return true;
}

Async<void> McpEventLog::follow(Resume* resume) {
  const TimePoint until = deps_.clock->now() + kMcpTimeout;
  TimePoint quiet_since = deps_.clock->now();
  while (!resume->state.ended && !stopped_ && deps_.clock->now() < until) {
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kMcpResumePoll));
    if (deps_.clock->now() - quiet_since >= kMcpKeepAlive) {
      quiet_since = deps_.clock->now();
      SLUICE_CO_CHECK_OK(co_await resume->reply->keep_alive());
    }
    auto state = co_await deps_.store->state(resume->name);
    if (!state.ok()) {
      // The client comes back; it is answered when the store is.
      co_return state.error().code() == Code::Cancelled ? Result<void>(state.error())
                                                        : Result<void>();
    }
    bool whole = state.value().has_value();
    if (whole) {
      resume->state = *std::move(state).value();
      SLUICE_CO_TRY(whole, co_await tell(resume));
    }
    if (!whole) {
      co_return co_await resume->reply->notify(lost_answer(resume->state.request_id));
    }
  }
  co_return Result<void>();
}

Async<void> McpEventLog::run() {
  for (;;) {  // ends with the service
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kMcpEventsRenewal));
    std::vector<McpStreamName> names;
    names.reserve(told_.size());
    for (const McpRecorder* recorder : told_) {
      names.push_back(recorder->name_);
    }
    for (McpStreamName& name : names) {
      const auto renewed = co_await deps_.store->renew(std::move(name), kMcpEventsLease);
      if (!renewed.ok()) {
        if (renewed.error().code() == Code::Cancelled) {
          co_return renewed;
        }
        break;  // the next time
      }
    }
  }
}

bool McpEventLog::has_room(const std::string& owner, std::size_t bytes) {
  while (!leftovers_.empty() && leftovers_.front().until <= deps_.clock->now()) {
    const Leftover& gone = leftovers_.front();
    std::size_t& kept = bytes_[gone.owner];
    kept -= gone.bytes;
    if (kept == 0) {
      bytes_.erase(gone.owner);
    }
    leftovers_.pop_front();
  }
  const auto kept = bytes_.find(owner);
  return (kept == bytes_.end() ? 0 : kept->second) + bytes <= kMcpOwnerEventBytesMax;
}

void McpEventLog::leave(McpRecorder* recorder, std::size_t bytes) {
  told_.erase(recorder);
  if (bytes > 0) {
    leftovers_.push_back(
        {.until = deps_.clock->now() + kMcpEventsKeptFor, .owner = recorder->owner_, .bytes = bytes}
    );
  }
}

McpRecorder::McpRecorder(
    McpEventLog* log, McpResuming resuming, McpSessionOwner by, const mcp::RpcId& request
)
    : log_(log),
      resuming_(resuming),
      name_{.owner = std::move(by.owner), .session = std::move(by.session), .stream = {}},
      owner_(key_of(name_.owner)) {
  state_.request_id = mcp::to_json(request);
}

McpRecorder::~McpRecorder() {
  log_->leave(this, bytes_);
}

Async<std::string> McpRecorder::begin() {
  if (begun_ || resuming_ == McpResuming::No) {
    co_return std::string();
  }
  begun_ = true;
  name_.stream = new_stream_name();
  log_->told_.insert(this);
  if (resuming_ != McpResuming::Primed) {
    co_return std::string();
  }
  co_return co_await put("");
}

Async<std::string> McpRecorder::keep(std::string event) {
  if (!can_resume()) {
    co_return std::string();
  }
  const std::size_t size = event.size();
  if (size > kMcpEventBytesMax || !log_->has_room(owner_, size)) {
    co_return co_await outcome_of(Error(Code::Exhausted, "there is no room for its events"));
  }
  SLUICE_CO_CHECK_OK(co_await make_room(size));
  ++state_.events;
  sizes_.push_back(size);
  bytes_ += size;
  log_->bytes_[owner_] += size;
  co_return co_await put(std::move(event));
}

Async<std::string> McpRecorder::keep_last(std::string event) {
  state_.ended = true;
  co_return co_await keep(std::move(event));
}

Async<void> McpRecorder::end() {
  if (!can_resume()) {
    co_return Result<void>();
  }
  state_.ended = true;
  const auto put_down = co_await put("");
  co_return put_down.ok() ? Result<void>() : Result<void>(put_down.error());
}

Async<std::string> McpRecorder::put(std::string event) {
  McpStreamState state = state_;
  const auto time = state.ended ? kMcpEventsKeptFor : kMcpEventsLease;
  if (state.ended) {
    log_->told_.erase(this);
  }
  auto kept = co_await log_->deps_.store->keep(name_, state, std::move(event), time);
  SLUICE_CO_CHECK_OK(co_await outcome_of(std::move(kept)));
  if (lost_) {
    co_return std::string();
  }
  co_return to_text({.stream = name_.stream, .number = state.events, .lists = std::nullopt});
}

// The oldest events give way.
Async<void> McpRecorder::make_room(std::size_t bytes) {
  while (!sizes_.empty() && (sizes_.size() >= kMcpEventsMax || bytes_ + bytes > kMcpEventBytesMax)
  ) {
    const std::size_t oldest = state_.events - sizes_.size() + 1;
    bytes_ -= sizes_.front();
    log_->bytes_[owner_] -= sizes_.front();
    sizes_.pop_front();
    const auto forgotten = co_await log_->deps_.store->forget(name_, oldest);
    if (!forgotten.ok() && forgotten.error().code() == Code::Cancelled) {
      co_return forgotten;
    }
  }
  co_return Result<void>();
}

// A stream that cannot be kept goes on without ids.
Async<std::string> McpRecorder::outcome_of(Result<void> kept) {
  if (!kept.ok()) {
    if (kept.error().code() == Code::Cancelled) {
      co_return std::move(kept).error();
    }
    lost_ = true;
    log_->told_.erase(this);
    log_->deps_.log->warn("mcp-stream-not-resumable", {{"error", kept.error().to_log()}});
  }
  co_return std::string();
}

}  // namespace sluice::ingress
