// Frames of an outbox file are read without a crash, and what was read can be written again byte
// for byte.
#include "common/audit/outbox_frame.h"
#include "common/audit/redact.h"
#include "common/base/check.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  static_cast<void>(sluice::audit::redact(rest));
  for (;;) {
    const auto frame = sluice::audit::read_frame(rest);
    if (frame.state != sluice::audit::FrameState::Whole) {
      return 0;
    }
    std::string again;
    const std::size_t begin = sluice::audit::open_frame(again);
    again.append(frame.payload);
    sluice::audit::close_frame(again, begin);
    SLUICE_CHECK(again == rest.substr(0, frame.size), "a frame survives a round trip");
    rest.remove_prefix(frame.size);
  }
}
