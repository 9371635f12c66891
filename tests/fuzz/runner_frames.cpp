// Messages between runner and child, both ways: they do not depend on where the bytes were cut, and
// a message that was read can be written and read again.
#include "services/codemode-sandbox/runner/child/frames.h"

#include "common/base/check.h"

#include <cstdint>

namespace {

using namespace sluice::codemode_runner;  // NOLINT(google-build-using-namespace): one target

template <class Message>
std::vector<std::string> messages(std::string_view bytes, std::size_t piece) {
  FrameDecoder<Message> decoder;
  std::vector<std::string> out;
  while (!bytes.empty()) {
    decoder.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      auto message = decoder.next();
      if (!message.ok()) {
        out.emplace_back("refused");
        return out;
      }
      if (!message.value()) {
        break;
      }
      std::string frame;
      SLUICE_CHECK(append_frame(frame, *message.value()).ok(), "what was read is within the bound");
      out.push_back(std::move(frame));
    }
    SLUICE_CHECK(
        decoder.pending() < kFrameHeaderBytes + kFrameBytesMax, "no more than one frame is kept"
    );
  }
  return out;
}

template <class Message>
void check(std::string_view bytes) {
  const auto whole = messages<Message>(bytes, bytes.size() + 1);
  SLUICE_CHECK(messages<Message>(bytes, 1) == whole, "cuts do not matter");
  std::string again;
  for (const std::string& frame : whole) {
    again += frame == "refused" ? "" : frame;
  }
  auto second = messages<Message>(again, again.size() + 1);
  SLUICE_CHECK(
      second.size() + (!whole.empty() && whole.back() == "refused" ? 1 : 0) == whole.size(),
      "every message survives a round trip"
  );
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check<wire::ToChild>(bytes);
  check<wire::FromChild>(bytes);
  return 0;
}
