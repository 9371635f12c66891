#include "services/codemode-sandbox/runner/supervisor/supervisor.h"

#include "services/codemode-sandbox/runner/supervisor/event_loop.h"
#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/run_file.h"
#include "services/codemode-sandbox/runner/supervisor/runs.h"
#include "services/codemode-sandbox/runner/supervisor/service_links.h"
#include "services/codemode-sandbox/runner/supervisor/zygote_children.h"
#include "services/codemode-sandbox/runner/supervisor/zygote_process.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include <sys/epoll.h>
#include <sys/signalfd.h>

namespace sluice::codemode_runner {
namespace {

constexpr std::uint32_t kMessagesVersion = 2;

class Supervisor final : ServiceLinks::Events, ZygoteChildren::Events {
 public:
  Supervisor(const SupervisorOptions& options, observability::Log& log, EventLoop* loop)
      : options_(options),
        log_(log),
        loop_(loop),
        children_(
            {.loop = loop,
             .log = &log,
             .arguments = options.zygote_arguments,
             .children_per_zygote = options.children_per_zygote}
        ) {
    children_.serve(this);
  }

  void watch_signals(int descriptor) {
    loop_->watch(descriptor, EPOLLIN, [this, descriptor](std::uint32_t) {
      signalfd_siginfo info{};
      while (::read(descriptor, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
          reap_all();
        } else {
          stop(EventLoop::now());
        }
      }
    });
  }

  void run() {
    while (!over(EventLoop::now())) {
      loop_->turn(next_deadline());
      const TimePoint now = EventLoop::now();
      if (links_) {
        links_->turn(now, runs_->free_slots(), *this);
      }
      children_.turn(now);
      if (runs_) {
        runs_->tick(now);
      } else if (children_.warm()) {
        begin();
      }
    }
    log_.info("runner-stopped", {{"runs_left", runs_ ? runs_->size() : 0}});
  }

 private:
  // Services are told of this runner when it can run something.
  void begin() {
    wire::Ready introduction;
    introduction.set_version(kMessagesVersion);
    introduction.set_runner_id(options_.runner_id);
    introduction.set_slots(options_.slots);
    introduction.set_v8_version(children_.v8_version());
    links_ = std::make_unique<ServiceLinks>(ServiceLinks::Deps{
        .loop = loop_,
        .log = &log_,
        .folder = options_.sockets,
        .introduction = std::move(introduction),
    });
    runs_ = std::make_unique<Runs>(Runs::Deps{
        .services = links_.get(),
        .children = &children_,
        .log = &log_,
        .slots = options_.slots,
    });
    run_file_.emplace(options_.run_directory, options_.runner_id, log_);
    log_.info("runner-ready", {{"slots", options_.slots}, {"v8", children_.v8_version()}});
  }

  void stop(TimePoint now) {
    log_.info("runner-stopping", {{"runs", runs_ ? runs_->size() : 0}});
    if (!runs_ || stop_at_) {
      stop_at_ = now;
      return;
    }
    stop_at_ = now + kDrainTimeout;
    runs_->drain();
  }

  [[nodiscard]] bool over(TimePoint now) const {
    if (!stop_at_) {
      return false;
    }
    return now >= *stop_at_ || (runs_->size() == 0 && links_->flushed());
  }

  [[nodiscard]] TimePoint next_deadline() const {
    TimePoint next = children_.next_deadline();
    if (links_) {
      next = links_->due() ? TimePoint() : std::min(next, links_->next_deadline());
    }
    if (runs_) {
      next = std::min(next, runs_->next_deadline());
    } else if (children_.warm()) {
      next = TimePoint();
    }
    return stop_at_ ? std::min(next, *stop_at_) : next;
  }

  void from_service(ServiceId service, wire::ToRunner message, TimePoint now) override {
    runs_->from_service(service, std::move(message), now);
  }

  void service_lost(ServiceId service, TimePoint now) override {
    runs_->service_lost(service, now);
  }

  void service_writable(ServiceId service) override { runs_->service_writable(service); }

  void child_idle(ChildKind kind, TimePoint now) override {
    if (runs_) {
      runs_->child_idle(kind, now);
    }
  }

  void from_child(ChildId child, wire::FromChild message, TimePoint now) override {
    runs_->from_child(child, std::move(message), now);
  }

  void child_broke(ChildId child, std::string_view why, TimePoint now) override {
    runs_->child_broke(child, why, now);
  }

  void child_ended(ChildId child, std::optional<ChildUsage> usage, TimePoint now) override {
    runs_->child_ended(child, usage, now);
  }

  const SupervisorOptions& options_;
  observability::Log& log_;
  EventLoop* loop_;
  ZygoteChildren children_;
  std::unique_ptr<ServiceLinks> links_;
  std::unique_ptr<Runs> runs_;
  std::optional<RunFile> run_file_;
  std::optional<TimePoint> stop_at_;
};

Result<FileDescriptor> signal_descriptor() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) {
    ::sigaddset(&signals, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads made later inherit it
  FileDescriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.open()) {
    return Error(Code::Exhausted, "signals cannot be watched; raise the limit of open files");
  }
  return descriptor;
}

}  // namespace

Result<void> supervise(const SupervisorOptions& options, observability::Log& log) {
  schedule(0, kOfSupervisor);  // before any thread
  ::signal(SIGPIPE, SIG_IGN);  // NOLINT(concurrency-mt-unsafe): before any thread
  SLUICE_TRY(const FileDescriptor signals, signal_descriptor());
  SLUICE_TRY(const std::unique_ptr<EventLoop> loop, EventLoop::make());
  Supervisor supervisor(options, log, loop.get());
  supervisor.watch_signals(signals.get());
  supervisor.run();
  return {};
}

}  // namespace sluice::codemode_runner
