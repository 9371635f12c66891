// A frame that parses can be written and parsed again.
#include "common/bus/envelope.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame =
      sluice::bus::parse_frame(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!frame.ok()) {
    return 0;
  }
  std::string bytes;
  sluice::bus::append_frame(bytes, frame.value().envelope, frame.value().payload);
  const auto again = sluice::bus::parse_frame(bytes);
  SLUICE_CHECK(
      again.ok() && again.value().payload == frame.value().payload, "a frame survives a round trip"
  );
  return 0;
}
