// McpExchange: one request of an MCP client under way: an admitted caller, and where answers go.
#pragma once

#include "services/ingress/domain/authn.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/domain/mcp_request.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <string>

namespace sluice::ingress {

struct McpExchange {
  const http::HttpRequest* request = nullptr;
  Owner owner;
  CallerPtr caller;
  RequestContext context;
  McpEra era = McpEra::Legacy;
  std::string session;  // legacy
  McpEvents* reply = nullptr;
  bool has_stream = true;  // of its own, which a client may resume
  // A cancelled run() is the client's wish, and its server is told. Else the call goes on.
  bool cancellable = false;
  bool alone = true;  // not one of a batch, during which nothing is told and nobody asked
};

}  // namespace sluice::ingress
