// What the HTTP transports ask about a server's authorization. Real one: authorizer.h.
#pragma once

#include "common/async/async.h"
#include "common/base/secret.h"
#include "common/http/message.h"

#include <memory>

namespace sluice::mcp_connector {

struct ServerConfig;

namespace oauth {

// Of one server; a link has its own.
class Authorization {
 public:
  virtual ~Authorization() = default;

  // Value of the Authorization header for the next request; empty: there is none yet.
  // Errors: Cancelled.
  virtual Async<Secret<std::string>> header() = 0;

  // A request that carried `used` was refused with 401 or 403, so it was not carried out. True:
  // there is another value now; the request may be sent once more. False: the refusal is about
  // something else. Errors: Unauthenticated (a person has to authorize the gateway; the message
  // says how), Denied, Invalid, NotFound, Unavailable, Deadline, Cancelled.
  virtual Async<bool> refused(int status, http::Headers headers, Secret<std::string> used) = 0;
};

class Authorizations {
 public:
  virtual ~Authorizations() = default;
  // For a new link. Errors: Invalid (the settings cannot work), Unavailable, Deadline (what is kept
  // could not be read).
  virtual Async<std::shared_ptr<Authorization>> open(const ServerConfig* server) = 0;
};

}  // namespace oauth
}  // namespace sluice::mcp_connector
