#include "services/codemode-sandbox/runner/supervisor/zygote_children.h"

#include "services/codemode-sandbox/runner/supervisor/hosted_child.h"
#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/zygote_plan.h"
#include "services/codemode-sandbox/runner/supervisor/zygote_process.h"
#include "services/codemode-sandbox/runner/zygote/control_socket.h"

#include "common/base/bytes.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace sluice::codemode_runner {
namespace {

constexpr std::uint32_t kGone = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
// After a fork that failed.
constexpr auto kForkRetry = std::chrono::milliseconds(100);

}  // namespace

struct ZygoteChildren::Zygote {
  std::unique_ptr<ZygoteProcess> process;
  ChildKind kind = ChildKind::Executor;
  TimePoint started;
  bool warm = false;
  bool retired = false;                               // another one took over
  std::deque<std::pair<ChildId, TimePoint>> pending;  // ordered, not answered
  std::size_t children = 0;                           // ordered, not ended
  TellsUnderWay tells;                                // of declarations
};

struct ZygoteChildren::Pool {
  Pool(ChildKind of, std::size_t idle_wanted, std::uint64_t children_max)
      : kind(of), plan(idle_wanted, children_max) {}

  ChildKind kind;
  ZygotePlan plan;
  std::vector<std::unique_ptr<Zygote>> zygotes;
  Zygote* current = nullptr;  // forks; warm
  Zygote* coming = nullptr;   // gets warm
  TimePoint start_at;
  TimePoint order_at;
  std::deque<ChildId> idle;
  std::set<ChildId> stale;  // of the idle ones: those to be forked now would know more
  std::size_t waiting = 0;
  bool was_warm = false;

  [[nodiscard]] std::size_t fresh() const { return idle.size() - stale.size(); }
};

struct ZygoteChildren::Child {
  Child(Zygote* forked_by, FileDescriptor socket) : zygote(forked_by), hosted(std::move(socket)) {}

  Zygote* zygote;
  HostedChild hosted;
  bool taken = false;
  bool watched = false;
  bool reading = true;
  bool killed = false;
};

ZygoteChildren::ZygoteChildren(Deps deps)
    : deps_(std::move(deps)),
      prepared_(kPreparedMax, kPreparedRefusedMax),
      pools_{
          std::make_unique<Pool>(ChildKind::Compiler, kIdleCompilers, deps_.children_per_zygote),
          std::make_unique<Pool>(ChildKind::Executor, kIdleExecutors, deps_.children_per_zygote)
      } {}

ZygoteChildren::~ZygoteChildren() {
  for (const auto& [id, child] : children_) {
    deps_.loop->forget(child->hosted.socket());
    child->hosted.kill();
  }
  for (const auto& pool : pools_) {
    for (const auto& zygote : pool->zygotes) {
      deps_.loop->forget(zygote->process->control());
    }
  }
}

ZygoteChildren::Pool& ZygoteChildren::pool(ChildKind kind) {
  return *pools_.at(kind == ChildKind::Compiler ? 0 : 1);
}

bool ZygoteChildren::warm() const {
  return std::all_of(pools_.begin(), pools_.end(), [](const auto& pool) { return pool->was_warm; });
}

// --- zygotes

void ZygoteChildren::turn(TimePoint now) {
  for (const auto& pool : pools_) {
    give_up_hanging(*pool, now);
    const bool wanted = pool->current == nullptr || pool->plan.used_up();
    if (wanted && pool->coming == nullptr && now >= pool->start_at) {
      start(*pool, now);
    }
    order(*pool, now);
  }
  look_at_busy(now);
}

void ZygoteChildren::look_at_busy(TimePoint now) {
  for (const ChildId id : busy_.due(now)) {
    const HostedChild& child = children_.at(id)->hosted;
    if (busy_.looked(id, child.computed(), now)) {
      child.give_way();
    }
  }
}

TimePoint ZygoteChildren::next_deadline() const {
  TimePoint next = busy_.next_deadline();
  for (const auto& pool : pools_) {
    if (pool->current == nullptr && pool->coming == nullptr) {
      next = std::min(next, pool->start_at);
    }
    if (pool->coming != nullptr) {
      next = std::min(next, pool->coming->started + kWarmTimeout);
    }
    if (pool->current != nullptr && !pool->current->pending.empty()) {
      next = std::min(next, pool->current->pending.front().second + kSpawnTimeout);
    }
    if (pool->current != nullptr && pool->order_at != TimePoint()) {
      next = std::min(next, pool->order_at);
    }
  }
  return next;
}

void ZygoteChildren::start(Pool& pool, TimePoint now) {
  std::vector<std::string> arguments{
      "--zygote",
      std::string(name_of(pool.kind)),
      "--control-fd",
      std::to_string(kControlDescriptor),
  };
  arguments.insert(arguments.end(), deps_.arguments.begin(), deps_.arguments.end());
  auto process = ZygoteProcess::start(
      arguments, pool.kind == ChildKind::Compiler ? kOfCompilers : kOfExecutors
  );
  if (!process.ok()) {
    deps_.log->error("zygote-not-started", {{"error", process.error().to_log()}});
    pool.start_at = pool.plan.restart_at(now);
    return;
  }
  auto zygote = std::make_unique<Zygote>();
  zygote->process = std::move(process).value();
  zygote->kind = pool.kind;
  zygote->started = now;
  Zygote* started = zygote.get();
  pool.zygotes.push_back(std::move(zygote));
  pool.coming = started;
  deps_.loop->watch(started->process->control(), EPOLLIN, [this, started](std::uint32_t) {
    from_zygote(*started, EventLoop::now());
  });
  deps_.log->info(
      "zygote-started", {{"kind", name_of(pool.kind)}, {"pid", started->process->pid()}}
  );
}

void ZygoteChildren::give_up_hanging(Pool& pool, TimePoint now) {
  if (pool.coming != nullptr && now - pool.coming->started > kWarmTimeout) {
    remove_zygote(*pool.coming, Fate::Died, now);
  }
  std::vector<std::pair<Zygote*, Fate>> over;
  for (const auto& zygote : pool.zygotes) {
    if (!zygote->pending.empty() && now - zygote->pending.front().second > kSpawnTimeout) {
      over.emplace_back(zygote.get(), Fate::Died);
    } else if (zygote->retired && zygote->children == 0) {
      over.emplace_back(zygote.get(), Fate::Retired);
    }
  }
  for (const auto& [zygote, fate] : over) {
    remove_zygote(*zygote, fate, now);
  }
}

void ZygoteChildren::order(Pool& pool, TimePoint now) {
  if (pool.current == nullptr || now < pool.order_at) {
    return;
  }
  pool.order_at = TimePoint();
  Zygote& zygote = *pool.current;
  const std::size_t count = pool.plan.to_order(pool.fresh(), zygote.pending.size(), pool.waiting);
  for (std::size_t i = 0; i < count; ++i) {
    auto pair = make_socket_pair(SOCK_STREAM);
    const ChildId id = ++last_id_;
    if (!pair.ok() || !zygote.process->order_child(id, pair.value().theirs.get()).ok()) {
      pool.order_at = now + kForkRetry;
      return;
    }
    children_.emplace(id, std::make_unique<Child>(&zygote, std::move(pair.value().ours)));
    zygote.pending.emplace_back(id, now);
    ++zygote.children;
    pool.plan.ordered(1);
  }
}

void ZygoteChildren::from_zygote(Zygote& zygote, TimePoint now) {
  for (;;) {
    auto received = zygote.process->receive();
    if (!received.ok()) {
      remove_zygote(zygote, Fate::Died, now);
      return;
    }
    if (!received.value()) {
      return;
    }
    ZygoteMessage& answer = *received.value();
    switch (answer.message.message_case()) {
      case wire::FromZygote::kWarm:
        became_warm(zygote, answer.message.warm());
        break;
      case wire::FromZygote::kSpawned:
        spawned(zygote, answer, now);
        break;
      case wire::FromZygote::kExited:
        exited(zygote, answer.message.exited(), now);
        break;
      case wire::FromZygote::MESSAGE_NOT_SET:
        break;
    }
  }
}

void ZygoteChildren::became_warm(Zygote& zygote, const wire::FromZygote::Warm& warm) {
  Pool& own = pool(zygote.kind);
  if (zygote.warm) {
    replace_idle(own);
    return;
  }
  deps_.log->info(
      "zygote-warm",
      {{"kind", name_of(zygote.kind)}, {"v8", warm.v8_version()}, {"ms", warm.warm_ms()}}
  );
  zygote.warm = true;
  if (own.current != nullptr) {  // its running children go on, its idle ones are not needed
    own.current->retired = true;
    own.stale.clear();
    for (const ChildId id : std::exchange(own.idle, {})) {
      kill(id);
    }
  }
  own.current = &zygote;
  own.coming = nullptr;
  own.was_warm = true;
  own.plan.warm();
  v8_version_ = warm.v8_version();
  if (zygote.kind == ChildKind::Compiler) {
    for (const PreparedDeclarations::Entry& entry : prepared_.all()) {
      tell_declarations(zygote, entry);
    }
  }
}

void ZygoteChildren::prepare(const std::string& digest, const std::string& declarations) {
  Zygote* current = pool(ChildKind::Compiler).current;
  const PreparedDeclarations::Entry* entry = prepared_.add(digest, declarations);
  if (entry != nullptr && current != nullptr) {
    tell_declarations(*current, *entry);
  }
}

// They serve until those are there that are forked in their place.
void ZygoteChildren::replace_idle(Pool& pool) {
  pool.stale.insert(pool.idle.begin(), pool.idle.end());
}

void ZygoteChildren::forget_idle(Pool& pool, ChildId id) {
  std::erase(pool.idle, id);
  pool.stale.erase(id);
}

void ZygoteChildren::tell_declarations(Zygote& zygote, const PreparedDeclarations::Entry& entry) {
  const auto told = zygote.process->prepare(entry.digest, entry.text);
  if (told.ok()) {
    zygote.tells.told(entry.digest, last_id_);
    replace_idle(pool(zygote.kind));
  } else {  // scripts bring them along
    deps_.log->warn("declarations-not-told", {{"error", told.error().to_log()}});
  }
}

void ZygoteChildren::remove_zygote(Zygote& zygote, Fate fate, TimePoint now) {
  Pool& own = pool(zygote.kind);
  if (fate == Fate::Died) {
    deps_.log->warn(
        "zygote-died", {{"kind", name_of(zygote.kind)}, {"pid", zygote.process->pid()}}
    );
    if (const std::string suspect = zygote.tells.suspect(); !suspect.empty()) {
      deps_.log->warn("declarations-refused", {{"digest", to_hex(suspect)}});
      prepared_.refuse(suspect);
    }
  }
  deps_.loop->forget(zygote.process->control());
  std::vector<ChildId> orphans;
  for (const auto& [id, child] : children_) {
    if (child->zygote == &zygote) {
      child->hosted.kill();
      forget_idle(own, id);  // nobody takes it any more
      orphans.push_back(id);
    }
  }
  for (const ChildId id : orphans) {
    remove_child(id, std::nullopt, now);
  }
  if (own.current == &zygote) {
    own.current = nullptr;
  }
  if (own.coming == &zygote) {
    own.coming = nullptr;
  }
  if (fate == Fate::Died) {
    own.start_at = own.plan.restart_at(now);
  }
  std::erase_if(own.zygotes, [&](const auto& one) { return one.get() == &zygote; });
}

// --- children

void ZygoteChildren::spawned(Zygote& zygote, ZygoteMessage& answer, TimePoint now) {
  const ChildId id = answer.message.spawned().child_id();
  std::erase_if(zygote.pending, [id](const auto& entry) { return entry.first == id; });
  zygote.tells.answered(id);
  Child* child = find(id);
  if (child == nullptr || child->zygote != &zygote || !answer.pidfd.open()) {
    return;
  }
  child->hosted.started(
      static_cast<pid_t>(answer.message.spawned().pid()), std::move(answer.pidfd)
  );
  if (zygote.retired) {
    kill(id);
    return;
  }
  Pool& own = pool(zygote.kind);
  if (own.stale.empty()) {
    own.idle.push_back(id);
  } else {  // it takes the place of one
    const ChildId old = *own.stale.begin();
    forget_idle(own, old);
    kill(old);
    own.idle.push_front(id);
  }
  events_->child_idle(zygote.kind, now);
}

void ZygoteChildren::exited(Zygote& zygote, const wire::FromZygote::Exited& exited, TimePoint now) {
  const ChildId id = exited.child_id();
  const Child* child = find(id);
  if (child == nullptr || child->zygote != &zygote) {
    return;
  }
  if (std::erase_if(zygote.pending, [id](const auto& entry) { return entry.first == id; }) != 0) {
    pool(zygote.kind).order_at = now + kForkRetry;  // it could not be forked
  }
  remove_child(
      id,
      ChildUsage{
          .wait_status = exited.wait_status(),
          .user_us = exited.user_us(),
          .system_us = exited.system_us(),
          .memory_peak_kib = exited.memory_peak_kib(),
      },
      now
  );
}

void ZygoteChildren::remove_child(ChildId id, std::optional<ChildUsage> usage, TimePoint now) {
  Child& child = *children_.at(id);
  while (child.taken && !child.killed && child.hosted.read() == HostedChild::Read::Some) {
    take_messages(id, child, now);  // what it said last
  }
  const bool taken = child.taken;
  if (child.watched) {
    deps_.loop->forget(child.hosted.socket());
  }
  forget_idle(pool(child.zygote->kind), id);
  --child.zygote->children;
  busy_.ended(id);
  children_.erase(id);
  if (taken) {
    events_->child_ended(id, usage, now);
  }
}

void ZygoteChildren::child_ready(ChildId id, std::uint32_t what) {
  Child& child = *children_.at(id);
  const TimePoint now = EventLoop::now();
  if ((what & EPOLLOUT) != 0) {
    child.hosted.flush();
  }
  bool closed = false;
  if (child.reading && (what & (EPOLLIN | kGone)) != 0) {
    busy_.stirred(id, now);
    closed = child.hosted.read() == HostedChild::Read::Closed;
    take_messages(id, child, now);
  }
  if (closed || (!child.reading && (what & kGone) != 0)) {
    // It ends, or has closed its only way to the world. What its zygote tells comes next.
    deps_.loop->forget(child.hosted.socket());
    child.watched = false;
    child.hosted.kill();
  }
  update_interest(child);
}

void ZygoteChildren::take_messages(ChildId id, Child& child, TimePoint now) {
  while (!child.killed) {
    auto message = child.hosted.next();
    if (!message.ok()) {
      events_->child_broke(id, message.error().message(), now);
      kill(id);
      return;
    }
    if (!message.value()) {
      return;
    }
    events_->from_child(id, std::move(*message.value()), now);
  }
}

void ZygoteChildren::update_interest(Child& child) {
  if (child.watched) {
    const std::uint32_t in = child.reading ? EPOLLIN : 0U;
    const std::uint32_t out = child.hosted.wants_to_write() ? EPOLLOUT : 0U;
    deps_.loop->change(child.hosted.socket(), in | out);
  }
}

std::optional<ChildId> ZygoteChildren::take(ChildKind kind) {
  Pool& own = pool(kind);
  if (own.idle.empty()) {
    return std::nullopt;
  }
  const ChildId id = own.idle.front();
  forget_idle(own, id);
  Child& child = *children_.at(id);
  child.taken = true;
  child.watched = true;
  busy_.began(id, EventLoop::now());
  deps_.loop->watch(child.hosted.socket(), EPOLLIN, [this, id](std::uint32_t what) {
    child_ready(id, what);
  });
  return id;
}

void ZygoteChildren::set_waiting(ChildKind kind, std::size_t waiting) {
  pool(kind).waiting = waiting;
}

bool ZygoteChildren::send(ChildId id, const wire::ToChild& message) {
  Child* child = find(id);
  if (child == nullptr || child->killed) {
    return true;  // its end is on the way
  }
  busy_.stirred(id, EventLoop::now());
  const bool kept = child->hosted.send(message);
  update_interest(*child);
  return kept;
}

void ZygoteChildren::kill(ChildId id) {
  Child* child = find(id);
  if (child == nullptr || child->killed) {
    return;
  }
  child->killed = true;
  child->hosted.kill();
  if (child->watched) {
    deps_.loop->forget(child->hosted.socket());
    child->watched = false;
  }
}

void ZygoteChildren::read(ChildId id, bool wanted) {
  Child* child = find(id);
  if (child != nullptr) {
    child->reading = wanted;
    update_interest(*child);
  }
}

ZygoteChildren::Child* ZygoteChildren::find(ChildId id) {
  const auto found = children_.find(id);
  return found == children_.end() ? nullptr : found->second.get();
}

}  // namespace sluice::codemode_runner
