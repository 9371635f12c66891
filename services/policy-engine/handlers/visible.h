// Lists the tools a caller may see, each with the verdict a call of it would get, and the servers
// whose resources and prompts it may use. A tool that would be denied is not listed.
// While pins cannot be read tools are missing, and the answer names no catalog version.
//
// Errors: Unauthenticated, Invalid (filter too long), Unavailable (policy not loaded, catalog
// cannot be fetched), Deadline.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/catalog_cache.h"

#include "proto/sluice/policy/v1/policy.pb.h"

namespace sluice::policy_engine {

class VisibleHandler {
 public:
  struct Deps {
    const CallerCheck* callers;  // all outlive the handler
    CatalogCache* catalogs;
  };

  explicit VisibleHandler(Deps deps) : deps_(deps) {}

  Async<policy::v1::VisibleReply> operator()(
      policy::v1::VisibleRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::policy_engine
