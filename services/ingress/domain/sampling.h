// What a server asks a model for (sampling/createMessage of MCP) as a chat request, and the answer
// as its result. Pure.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/provider/v1/provider.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// mcp.sampling: which model answers servers whose client does not.
struct SamplingSettings {
  std::string model;                 // "provider/model"; empty: none does
  std::vector<std::string> servers;  // names; "*": all
  std::int64_t max_tokens = 0;       // of one answer

  [[nodiscard]] bool serves(std::string_view server) const;
};

// ClientCapabilities with sampling declared. Where they cannot be read they stay as they are.
[[nodiscard]] std::string with_sampling(const std::string& capabilities);

// Body of a chat request. params: of sampling/createMessage, JSON. Text and images are taken; what
// the server says of models and context is not. Errors: Invalid (anything else).
[[nodiscard]] Result<std::string> sampling_body(
    const std::string& params, const SamplingSettings& settings
);

// CreateMessageResult. Errors: Unavailable (the provider answered with an error, or without text).
[[nodiscard]] Result<std::string> sampling_result(const provider::v1::ChatFinal& final);

}  // namespace sluice::ingress
