// RequestContext: what every handler knows of the request it works for. Passed by value, never
// thread-local.
#pragma once

#include "common/async/clock.h"
#include "common/base/ids.h"

#include <cstdint>
#include <string>

namespace sluice {

struct RequestContext {
  RequestId request;
  ChainId chain;
  RunId run;
  std::uint32_t hop = 0;  // order within the chain
  TenantId tenant;
  PrincipalId principal;
  TimePoint deadline;        // travels as remaining milliseconds
  std::string trace_parent;  // W3C trace context, version 00
  std::string caller_token;  // serialized sluice.policy.v1.SignedToken; empty before authentication

  // The same request with a nearer deadline; a later one is ignored.
  [[nodiscard]] RequestContext with_deadline(TimePoint nearer) const {
    RequestContext copy = *this;
    copy.deadline = nearer < deadline ? nearer : deadline;
    return copy;
  }
};

}  // namespace sluice
