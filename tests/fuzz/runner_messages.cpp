// What services say to a runner, and what its children say, in any order and number: no slot is
// lost, nobody is told twice how a run ended, and everything ends in time. The input is a list of
// [who, length, bytes].
#include "services/codemode-sandbox/runner/child/frames.h"
#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/runs.h"
#include "services/codemode-sandbox/runner/supervisor/testing/fakes.h"

#include "common/base/check.h"
#include "common/observability/testing/recording_log.h"

#include <cstdint>
#include <map>
#include <string_view>

namespace {

using namespace sluice::codemode_runner;  // NOLINT(google-build-using-namespace): one target

constexpr std::uint32_t kSlots = 3;

class Machine {
 public:
  void step(std::uint8_t who, std::string_view bytes) {
    constexpr std::uint8_t kKinds = 8;
    switch (who % kKinds) {
      case 0:
      case 1:
        from_service(1 + who % kKinds, bytes);
        break;
      case 2:
        make_idle(ChildKind::Compiler);
        break;
      case 3:
        make_idle(ChildKind::Executor);
        break;
      case 4:
        from_child(bytes);
        break;
      case 5:
        end_child(bytes);
        break;
      case 6:
        runs_.service_lost(1 + bytes.size() % 2, now_);
        break;
      default:
        services_.set_pace(bytes.size() % 2 == 0 ? Services::Pace::Keeps : Services::Pace::Lags);
        runs_.service_writable(1 + bytes.size() % 2);
        pass(std::chrono::milliseconds(bytes.size() * 100));
        break;
    }
    SLUICE_CHECK(runs_.size() <= kSlots + kParkedRunsMax, "no more runs than may be");
  }

  // Without any event but time and the ends of killed children, every run ends.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      pass(std::chrono::milliseconds(kWallMsMax) + kKillAfter);
    }
    SLUICE_CHECK(runs_.size() == 0, "every run ends");
    SLUICE_CHECK(runs_.free_slots() == kSlots, "every slot is free again");
    for (const ServiceId service : {1, 2}) {
      const std::size_t told =
          services_.finished(service).size() + services_.refused(service).size();
      SLUICE_CHECK(told <= asked_[service], "a run is told of once");
    }
  }

 private:
  void from_service(ServiceId service, std::string_view bytes) {
    wire::ToRunner message;
    if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      asked_[service] += message.has_run() ? 1 : 0;
      runs_.from_service(service, std::move(message), now_);
    }
  }

  void make_idle(ChildKind kind) {
    children_.add_idle(kind);
    runs_.child_idle(kind, now_);
  }

  [[nodiscard]] ChildId newest() const {
    return children_.all_taken().empty() ? 0 : children_.all_taken().rbegin()->first;
  }

  void from_child(std::string_view bytes) {
    FrameDecoder<wire::FromChild>& decoder = decoders_[newest()];
    decoder.feed(bytes);
    for (;;) {
      auto message = decoder.next();
      if (!message.ok()) {
        if (children_.is_taken(newest())) {
          runs_.child_broke(newest(), "no message", now_);
        }
        decoders_.erase(newest());
        return;
      }
      if (!message.value()) {
        return;
      }
      runs_.from_child(newest(), std::move(*message.value()), now_);
    }
  }

  void end_child(std::string_view bytes) {
    const ChildId child = newest();
    if (child == 0) {
      return;
    }
    children_.remove(child);
    if (bytes.empty()) {
      runs_.child_ended(child, std::nullopt, now_);
    } else {
      runs_.child_ended(child, ChildUsage{.wait_status = bytes[0]}, now_);
    }
  }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    runs_.tick(now_);
  }

  sluice::TimePoint now_{std::chrono::hours(1)};
  std::map<ServiceId, std::size_t> asked_;
  FakeServices services_;
  FakeChildren children_;
  sluice::observability::RecordingLog log_;
  Runs runs_{{.services = &services_, .children = &children_, .log = &log_, .slots = kSlots}};
  std::map<ChildId, FrameDecoder<wire::FromChild>> decoders_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Machine machine;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kHeader = 3;
  while (rest.size() >= kHeader) {
    const auto who = static_cast<std::uint8_t>(rest[0]);
    const std::size_t length =
        static_cast<std::uint8_t>(rest[1]) | (std::size_t{static_cast<std::uint8_t>(rest[2])} << 8);
    rest.remove_prefix(kHeader);
    machine.step(who, rest.substr(0, length));
    rest.remove_prefix(std::min(length, rest.size()));
  }
  machine.settle();
  return 0;
}
