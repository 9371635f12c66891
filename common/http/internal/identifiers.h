// Request ids and trace parents: unique, cheap, not secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::http {

class Identifiers {
 public:
  // Seeded once from the operating system.
  Identifiers();

  [[nodiscard]] std::string request_id();    // "req_<32 hex>"
  [[nodiscard]] std::string trace_parent();  // W3C, version 00, sampled

 private:
  [[nodiscard]] std::uint64_t next();  // splitmix64

  std::uint64_t state_;
  std::uint64_t process_;
};

// What a client may choose as its x-request-id: [A-Za-z0-9_-]{1,64}.
[[nodiscard]] bool is_request_id(std::string_view text);

}  // namespace sluice::http
