#include "services/codemode-sandbox/runner/supervisor/service_links.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <sys/epoll.h>

namespace sluice::codemode_runner {
namespace {

// Messages of one service in one turn, so that none holds up the others.
constexpr int kMessagesPerTurn = 64;
// A link that stays silent this long is made anew, if anybody listens there at all.
constexpr auto kSilentLinkLife = std::chrono::seconds(10);

}  // namespace

struct ServiceLinks::Link {
  Link(SocketFile socket_file, std::unique_ptr<Dealer> socket, TimePoint now)
      : file(std::move(socket_file)), dealer(std::move(socket)), watch(now), useful_at(now) {}

  SocketFile file;
  std::unique_ptr<Dealer> dealer;
  PeerWatch watch;
  TimePoint useful_at;  // made, or last heard of
  std::deque<std::string> queue;
  std::size_t queue_bytes = 0;
  bool overflowed = false;
};

ServiceLinks::ServiceLinks(Deps deps) : deps_(std::move(deps)) {}

ServiceLinks::~ServiceLinks() {
  for (const auto& [id, link] : links_) {
    deps_.loop->forget(link->dealer->descriptor());
  }
}

Services::Pace ServiceLinks::send(ServiceId service, const wire::ToService& message) {
  const auto found = links_.find(service);
  if (found == links_.end()) {
    return Pace::Keeps;  // lost in the meantime: nobody reads it
  }
  Link& link = *found->second;
  due_ = true;
  std::string bytes = message.SerializeAsString();
  if (link.queue.empty() && link.dealer->send(bytes)) {
    return Pace::Keeps;
  }
  if (link.queue_bytes + bytes.size() > kServiceQueueBytesMax) {
    link.overflowed = true;  // the next turn closes it
    return Pace::Lags;
  }
  link.queue_bytes += bytes.size();
  link.queue.push_back(std::move(bytes));
  return Pace::Lags;
}

void ServiceLinks::turn(TimePoint now, std::uint32_t free_slots, Events& events) {
  due_ = false;
  if (now >= next_scan_) {
    next_scan_ = now + kScanEvery;
    scan(now, events);
  }
  for (const auto& [service, link] : links_) {
    if (link->watch.lost(now)) {
      deps_.log->warn("service-silent", {{"socket", link->file.path}});
      link->queue.clear();
      link->queue_bytes = 0;
      events.service_lost(service, now);
    }
    receive(service, *link, now, events);
    if (!link->queue.empty() && flush(*link)) {
      events.service_writable(service);
    }
    beat(*link, now, free_slots);
  }
}

void ServiceLinks::scan(TimePoint now, Events& events) {
  const std::vector<SocketFile> files = socket_files(deps_.folder);
  std::vector<ServiceId> to_close;
  for (const auto& [service, link] : links_) {
    const bool there = std::find(files.begin(), files.end(), link->file) != files.end();
    if (!there || link->overflowed || now - link->useful_at > kSilentLinkLife) {
      to_close.push_back(service);
    }
  }
  for (const ServiceId service : to_close) {
    close(service, *links_.at(service), now, events);
  }
  for (const SocketFile& file : files) {
    const bool linked = std::any_of(links_.begin(), links_.end(), [&](const auto& entry) {
      return entry.second->file == file;
    });
    if (!linked && links_.size() < kServicesMax && somebody_listens(file.path)) {
      open(file, now);
    }
  }
}

void ServiceLinks::open(const SocketFile& file, TimePoint now) {
  auto dealer = Dealer::connect(context_, "ipc://" + file.path);
  if (!dealer.ok()) {
    deps_.log->warn("service-unreachable", {{"error", dealer.error().to_log()}});
    return;
  }
  deps_.log->info("service-found", {{"socket", file.path}});
  auto link = std::make_unique<Link>(file, std::move(dealer).value(), now);
  // The descriptor only wakes the loop; turn() looks at all links.
  deps_.loop->watch(link->dealer->descriptor(), EPOLLIN, [this](std::uint32_t) { due_ = true; });
  links_.emplace(++last_id_, std::move(link));
  due_ = true;
}

void ServiceLinks::close(ServiceId service, Link& link, TimePoint now, Events& events) {
  deps_.log->info("service-gone", {{"socket", link.file.path}});
  events.service_lost(service, now);
  deps_.loop->forget(link.dealer->descriptor());
  links_.erase(service);
}

void ServiceLinks::receive(ServiceId service, Link& link, TimePoint now, Events& events) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    const std::optional<std::string> bytes = link.dealer->receive();
    if (!bytes) {
      return;
    }
    wire::ToRunner message;
    if (!message.ParseFromString(*bytes) ||
        message.message_case() == wire::ToRunner::MESSAGE_NOT_SET) {
      deps_.log->warn("service-message-invalid", {{"bytes", bytes->size()}});
      continue;
    }
    link.watch.heard(now);
    link.useful_at = now;
    if (!message.has_beat()) {
      events.from_service(service, std::move(message), now);
    }
  }
  due_ = true;
}

bool ServiceLinks::flush(Link& link) {
  while (!link.queue.empty() && link.dealer->send(link.queue.front())) {
    link.queue_bytes -= link.queue.front().size();
    link.queue.pop_front();
  }
  return link.queue.empty();
}

// Behind a full queue a beat would tell nothing: the service does not read.
void ServiceLinks::beat(Link& link, TimePoint now, std::uint32_t free_slots) {
  const PeerWatch::Duty duty = link.watch.due(now);
  if (duty == PeerWatch::Duty::Nothing) {
    return;
  }
  wire::ToService message;
  if (duty == PeerWatch::Duty::Ready) {
    *message.mutable_ready() = deps_.introduction;
    message.mutable_ready()->set_free_slots(free_slots);
  } else {
    message.mutable_beat()->set_free_slots(free_slots);
  }
  due_ = true;
  if (link.queue.empty() && link.dealer->send(message.SerializeAsString())) {
    link.watch.sent(now);
  } else {
    link.watch.not_sent(now);
  }
}

TimePoint ServiceLinks::next_deadline() const {
  TimePoint next = next_scan_;
  for (const auto& [service, link] : links_) {
    next = std::min(next, link->watch.next());
  }
  return next;
}

bool ServiceLinks::flushed() const {
  return std::all_of(links_.begin(), links_.end(), [](const auto& entry) {
    return entry.second->queue.empty();
  });
}

}  // namespace sluice::codemode_runner
