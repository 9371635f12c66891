#include "services/codemode-sandbox/runner/supervisor/event_loop.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <sys/epoll.h>

namespace sluice::codemode_runner {
namespace {

constexpr int kEventsPerTurn = 64;
constexpr auto kWaitMax = std::chrono::seconds(60);

std::uint64_t tag_of(int descriptor, std::uint32_t serial) {
  return (std::uint64_t{serial} << 32) | static_cast<std::uint32_t>(descriptor);
}

// Rounded up: waking before the time would only mean waking twice.
int milliseconds_until(TimePoint until) {
  const auto left = std::clamp<Duration>(until - EventLoop::now(), Duration::zero(), kWaitMax);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.open()) {
    return Error(Code::Exhausted, "no epoll can be made; raise the limit of open files");
  }
  return std::make_unique<EventLoop>(std::move(epoll));
}

TimePoint EventLoop::now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

void EventLoop::control(int operation, int descriptor, const Watch& watch) {
  epoll_event event{};
  event.events = watch.events;
  event.data.u64 = tag_of(descriptor, watch.serial);
  SLUICE_CHECK(
      ::epoll_ctl(epoll_.get(), operation, descriptor, &event) == 0,
      "a watched descriptor is open and not watched twice"
  );
}

void EventLoop::watch(int descriptor, std::uint32_t events, Callback callback) {
  Watch watch{++serial_, events, std::make_shared<Callback>(std::move(callback))};
  control(EPOLL_CTL_ADD, descriptor, watch);
  watched_.insert_or_assign(descriptor, std::move(watch));
}

void EventLoop::change(int descriptor, std::uint32_t events) {
  const auto found = watched_.find(descriptor);
  if (found != watched_.end() && found->second.events != events) {
    found->second.events = events;
    control(EPOLL_CTL_MOD, descriptor, found->second);
  }
}

void EventLoop::forget(int descriptor) {
  const auto found = watched_.find(descriptor);
  if (found != watched_.end()) {
    control(EPOLL_CTL_DEL, descriptor, found->second);
    watched_.erase(found);
  }
}

void EventLoop::turn(TimePoint until) {
  std::array<epoll_event, kEventsPerTurn> ready;
  const int count =
      ::epoll_wait(epoll_.get(), ready.data(), kEventsPerTurn, milliseconds_until(until));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready.at(static_cast<std::size_t>(i));
    const auto descriptor = static_cast<int>(event.data.u64 & 0xffffffffU);
    const auto found = watched_.find(descriptor);
    if (found == watched_.end() || tag_of(descriptor, found->second.serial) != event.data.u64) {
      continue;  // forgotten by a callback of this turn
    }
    const std::shared_ptr<Callback> callback = found->second.callback;  // it may forget itself
    (*callback)(event.events);
  }
}

}  // namespace sluice::codemode_runner
