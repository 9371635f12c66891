// Requests of MCP clients for what servers offer beside tools: which server is asked, and for what.
// Pure.
#pragma once

#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/execution_end.h"
#include "services/ingress/domain/mcp_result.h"

#include "common/json/value.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

struct ReadRequest {
  ToolEntry target;    // method and server
  json::Value params;  // as the server knows them, without _meta
};

// method: one of mcp::is_read_method. Errors: Invalid (a member is missing), NotFound (nobody
// offers it).
[[nodiscard]] Result<ReadRequest> read_request_of(
    const Offerings& offerings, std::string_view method, json::Value params
);

// What a client asked, in its own words.
struct ReadTerms {
  std::string_view method;
  std::string_view uri;  // of a resource; else empty
  McpEra era;
};

// What such a request came to. Whatever is no answer of the server is an error.
[[nodiscard]] RpcEnd read_end_of(const ExecutionEnd& end, const ReadTerms& terms);
// An error of reading as the era numbers it: a resource that nobody has is -32002 in the legacy
// one. Its URI is in the data.
[[nodiscard]] mcp::RpcError read_error_of(const Error& error, const ReadTerms& terms);

}  // namespace sluice::ingress
