// The manage operations of OAuth towards a server: an admin, or a principal for itself, begins an
// authorization, and what the browser brings back finishes it.
#pragma once

#include "services/mcp-connector/connections/merged_catalog.h"
#include "services/mcp-connector/oauth/flow.h"

#include "common/audit/client.h"

#include <string>

namespace sluice::mcp_connector {

class OAuthOperations {
 public:
  struct Deps {
    oauth::AuthorizationFlow* flow;
    MergedCatalog* catalog;
    audit::Client* audit;
  };

  explicit OAuthOperations(Deps deps) : deps_(deps) {}

  // token_owner: whose tokens they will be; empty: the gateway's, and then context is of an admin.
  // Errors: NotFound, Invalid, Denied, Unavailable, Deadline.
  Async<connector::v1::ManageReply> begin(
      connector::v1::ManageRequest::BeginAuthorization request,
      std::string token_owner,
      RequestContext context
  );
  // Needs no caller: the state is the credential, unguessable and good once. With tokens of the
  // gateway the server connects anew, wherever it is held; a principal's next call uses its own.
  // Errors: Denied, Unavailable, Deadline.
  Async<connector::v1::ManageReply> finish(
      connector::v1::ManageRequest::FinishAuthorization request, RequestContext context
  );
  // What a server that was removed leaves behind. Errors: Unavailable, Deadline.
  Async<void> forget(std::string server_id);

 private:
  Async<void> redeem(
      connector::v1::ManageRequest::FinishAuthorization request, oauth::Pending pending
  );

  Deps deps_;
};

}  // namespace sluice::mcp_connector
