// Narrowing: which servers and tools one request asks for by its headers. It only ever takes away
// from what policy shows.
#pragma once

#include "common/base/result.h"
#include "common/http/message.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// Headers: x-sluice-include-servers and x-sluice-include-tools, or Bifrost's
// x-bf-mcp-include-clients and x-bf-mcp-include-tools. Comma lists; tools are "<server>-<tool>",
// "<server>-*" or "*"; servers are names or "*". An empty value means none. A tool must pass both
// lists where both are given.
class Narrowing {
 public:
  Narrowing() = default;  // nothing narrowed

  // Errors: Invalid (a header twice, both spellings of one list, too many or too long entries).
  [[nodiscard]] static Result<Narrowing> parse(const http::Headers& headers);

  [[nodiscard]] bool restricted() const { return by_server_ || by_tool_; }

  // Whether no tool can pass.
  [[nodiscard]] bool none() const;
  [[nodiscard]] bool allows(std::string_view server, std::string_view tool) const;
  // Whether the list of servers names it, or there is none.
  [[nodiscard]] bool allows_server(std::string_view server) const;

  // The same for who cannot see the headers.
  [[nodiscard]] policy::v1::ToolFilter filter() const;

  // The same text for the same choice: a cache key. Empty when nothing is narrowed.
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  bool by_server_ = false;
  bool by_tool_ = false;
  std::vector<std::string> servers_;  // sorted
  std::vector<std::string> tools_;    // sorted
  std::string key_;
};

}  // namespace sluice::ingress
