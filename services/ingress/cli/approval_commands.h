// sluice approvals list, show, approve, deny.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

#include <string>

namespace sluice::cli {

struct ApprovalQuery {
  std::string state = "pending";  // "": all
  int limit = 50;
  std::string after;  // id of the last one of the page before
};

// Errors of all: those of the gateway.
Async<Answer> list_approvals(Gateway* gateway, ApprovalQuery query, Format format);
Async<Answer> show_approval(Gateway* gateway, std::string id, Format format);

struct ApprovalAnswer {
  std::string id;
  std::string action;  // "approve" or "deny"
  std::string reason;
};

Async<Answer> answer_approval(Gateway* gateway, ApprovalAnswer given, Format format);

}  // namespace sluice::cli
