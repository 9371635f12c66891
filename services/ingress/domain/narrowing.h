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
// lists where both are given. x-sluice-include-resources names servers too: those whose resources
// and prompts are meant, where they are fewer than those of the list of servers.
class Narrowing {
 public:
  Narrowing() = default;  // nothing narrowed

  // Errors: Invalid (a header twice, both spellings of one list, too many or too long entries).
  [[nodiscard]] static Result<Narrowing> parse(const http::Headers& headers);
  // These tools, and resources and prompts of these servers.
  [[nodiscard]] static Narrowing of(
      std::vector<std::string> tools, std::vector<std::string> resource_servers
  );

  // What this one and the other both allow.
  [[nodiscard]] Narrowing within(const Narrowing& other) const;
  // Replaces the headers above by those that say the same as this.
  void write(http::Headers* headers) const;

  [[nodiscard]] bool restricted() const { return by_server_ || by_tool_ || by_resource_; }

  // Whether no tool can pass.
  [[nodiscard]] bool none() const;
  [[nodiscard]] bool allows(std::string_view server, std::string_view tool) const;
  // Whether resources and prompts of a server are meant.
  [[nodiscard]] bool allows_resources(std::string_view server) const;

  // The same for who cannot see the headers.
  [[nodiscard]] policy::v1::ToolFilter filter() const;

  // The same text for the same choice: a cache key. Empty when nothing is narrowed.
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  [[nodiscard]] bool allows_server(std::string_view server) const;
  void make_key();

  bool by_server_ = false;
  bool by_tool_ = false;
  bool by_resource_ = false;
  std::vector<std::string> servers_;           // sorted
  std::vector<std::string> tools_;             // sorted
  std::vector<std::string> resource_servers_;  // sorted
  std::string key_;
};

}  // namespace sluice::ingress
