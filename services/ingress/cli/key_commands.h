// sluice keys list, create, revoke.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::cli {

// What a new key may do; a list that is not there does not restrict it.
struct NewKey {
  std::string id;  // "": one is made
  std::vector<std::string> roles;
  std::string agent;
  std::string tenant;
  std::optional<std::vector<std::string>> servers;
  std::optional<std::vector<std::string>> tools;
  std::optional<std::vector<std::string>> models;
  std::string expires_at;  // RFC 3339; "": never
};

// Errors of all: those of the gateway.
Async<Answer> list_keys(Gateway* gateway, Format format);
// As text the key alone, on a line, for scripts.
Async<Answer> create_key(Gateway* gateway, NewKey key, Format format);
Async<Answer> revoke_key(Gateway* gateway, std::string id, Format format);

}  // namespace sluice::cli
