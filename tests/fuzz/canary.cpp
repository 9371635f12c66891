// A target that must crash: it proves that a crash would be noticed.
#include "common/base/check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SLUICE_CHECK(size < 3 || data[0] != 'S' || data[1] != 'L', "the canary crashes on SL");
  return 0;
}
