// Every line is a message or a refusal; what is accepted is one of the four kinds with a usable id.
#include "common/mcp/json_rpc.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto one = sluice::mcp::parse_message(text);
  const auto many = sluice::mcp::parse_messages(text);
  SLUICE_CHECK(!one.ok() || many.ok(), "one message is also a list of messages");
  SLUICE_CHECK(!many.ok() || many.value().size() <= size, "a list is as long as its text at most");
  return 0;
}
