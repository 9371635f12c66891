// EventLoop: one thread waiting on descriptors until a time. Level-triggered epoll; Linux.
#pragma once

#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include "common/async/clock.h"
#include "common/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace sluice::codemode_runner {

class EventLoop {
 public:
  // Gets the events of epoll(7). May watch and forget descriptors, its own too.
  using Callback = std::function<void(std::uint32_t events)>;

  // Errors: Exhausted (no descriptors left).
  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> make();

  explicit EventLoop(FileDescriptor epoll) : epoll_(std::move(epoll)) {}

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  EventLoop(EventLoop&&) = delete;
  EventLoop& operator=(EventLoop&&) = delete;
  ~EventLoop() = default;

  void watch(int descriptor, std::uint32_t events, Callback callback);
  void change(int descriptor, std::uint32_t events);
  // Before the descriptor is closed. Nothing happens when it is not watched.
  void forget(int descriptor);

  // Waits until something is ready or the time has come, and runs the callbacks of what is ready.
  void turn(TimePoint until);

  // Monotonic.
  [[nodiscard]] static TimePoint now();

 private:
  struct Watch {
    std::uint32_t serial = 0;  // tells a descriptor's number from its earlier use
    std::uint32_t events = 0;
    std::shared_ptr<Callback> callback;
  };

  void control(int operation, int descriptor, const Watch& watch);

  FileDescriptor epoll_;
  std::uint32_t serial_ = 0;
  std::unordered_map<int, Watch> watched_;
};

}  // namespace sluice::codemode_runner
