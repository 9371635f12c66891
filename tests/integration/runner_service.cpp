#include "tests/integration/runner_service.h"

#include "common/base/check.h"

#include <utility>

namespace sluice::tests {
namespace {

using namespace std::chrono_literals;

constexpr auto kBeatEvery = 500ms;

}  // namespace

RunnerService::RunnerService(const std::string& folder, const std::string& name) : name_(name) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind("ipc://" + folder + "/" + name + ".sock");
}

RunnerService::~RunnerService() = default;

wire::Run RunnerService::ordinary(const std::string& source) {
  wire::Run run;
  run.set_source(source);
  run.set_seed(1);
  run.set_clock_unix_ms(1'700'000'000'000);
  wire::Namespace& one = *run.add_namespaces();
  one.set_name("test");
  one.add_functions("echo");
  one.add_functions("wait");
  wire::Limits& limits = *run.mutable_limits();
  limits.set_wall_ms(2'000);
  limits.set_cpu_ms(2'000);
  limits.set_heap_bytes(64U << 20);
  limits.set_console_bytes(256U << 10);
  limits.set_calls_max(100);
  limits.set_value_bytes(1U << 20);
  return run;
}

std::string RunnerService::ask(wire::Run run) {
  run.set_run_id("run_" + name_ + "_" + std::to_string(++last_run_));
  wire::ToRunner message;
  *message.mutable_run() = run;
  send(message);
  return run.run_id();
}

void RunnerService::cancel(const std::string& run_id) {
  wire::ToRunner message;
  message.mutable_cancel()->set_run_id(run_id);
  send(message);
}

void RunnerService::proceed(const std::string& run_id) {
  wire::ToRunner message;
  message.mutable_proceed()->set_run_id(run_id);
  send(message);
}

void RunnerService::park(const std::string& run_id, bool parked) {
  wire::ToRunner message;
  message.mutable_park()->set_run_id(run_id);
  message.mutable_park()->set_parked(parked);
  send(message);
}

void RunnerService::send(const wire::ToRunner& message) {
  if (silent_ || peer_.empty()) {
    return;
  }
  const std::string bytes = message.SerializeAsString();
  socket_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
  socket_.send(zmq::buffer(bytes), zmq::send_flags::none);
}

void RunnerService::beat() {
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_beat_) {
    next_beat_ = now + kBeatEvery;
    wire::ToRunner message;
    message.mutable_beat();
    send(message);
  }
}

void RunnerService::pump(std::chrono::milliseconds longest) {
  beat();
  zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
  zmq::poll(&item, 1, longest);
  zmq::message_t peer;
  zmq::message_t bytes;
  while (socket_.recv(peer, zmq::recv_flags::dontwait)) {
    SLUICE_CHECK(peer.more() && socket_.recv(bytes), "a DEALER's message has two parts here");
    wire::ToService message;
    SLUICE_CHECK(
        message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
        "a runner sends what a service can read"
    );
    take(peer.to_string(), message);
  }
}

void RunnerService::take(const std::string& peer, const wire::ToService& message) {
  if (message.has_ready()) {
    peer_ = peer;
    introductions_.push_back(message.ready());
  } else if (message.has_checked()) {
    const std::string& id = message.checked().run_id();
    SLUICE_CHECK(checked_.emplace(id, message.checked()).second, "a run is checked once");
    if (proceeds_) {
      proceed(id);
    }
  } else if (message.has_call()) {
    calls_.push_back(message.call());
    auto result = answer_ ? answer_(message.call()) : std::nullopt;
    if (result) {
      wire::ToRunner reply;
      *reply.mutable_result() = std::move(*result);
      reply.mutable_result()->set_run_id(message.call().run_id());
      reply.mutable_result()->set_call_id(message.call().call_id());
      send(reply);
    }
  } else if (message.has_console()) {
    console_.push_back(message.console());
  } else if (message.has_finished()) {
    const bool first = finished_.emplace(message.finished().run_id(), message.finished()).second;
    SLUICE_CHECK(first, "a run finishes once");
  } else if (message.has_refused()) {
    refused_.push_back(message.refused());
  }
}

const wire::Finished* RunnerService::finished(const std::string& run_id) const {
  const auto found = finished_.find(run_id);
  return found == finished_.end() ? nullptr : &found->second;
}

const wire::Checked* RunnerService::checked(const std::string& run_id) const {
  const auto found = checked_.find(run_id);
  return found == checked_.end() ? nullptr : &found->second;
}

bool serve_until(
    const std::vector<RunnerService*>& services,
    const std::function<bool()>& holds,
    std::chrono::milliseconds longest
) {
  const auto until = std::chrono::steady_clock::now() + longest;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    for (RunnerService* service : services) {
      service->pump(services.size() == 1 ? 5ms : 1ms);
    }
  }
  return true;
}

}  // namespace sluice::tests
