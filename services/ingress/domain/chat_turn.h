// ChatTurn: one chat under way.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <cstddef>
#include <string>

namespace sluice::ingress {

struct ChatTurn {
  const http::HttpRequest* request = nullptr;  // carries the credential; outlives the turn
  CallerPtr caller;
  RequestContext context;  // hop: that of the step under way
  Owner owner;
  bool chain_named = false;
  Narrowing narrowing;
  SnapshotPtr snapshot;  // nullptr: no tools attached
  std::string model;
  bool stream = false;
  std::size_t agent_depth = 0;  // rounds of automatic calls; 0: nothing runs by itself
};

}  // namespace sluice::ingress
