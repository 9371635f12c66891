// VirtualServer: a part of all tools, resources and prompts, served at /mcp/<slug> as /mcp serves
// the whole. It takes away from what policy shows the caller, never adds.
#pragma once

#include "services/ingress/domain/narrowing.h"

#include "common/http/message.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

struct VirtualServer {
  std::string slug;
  std::string description;  // "": none
  Narrowing selection;
};

// [a-z0-9-]{1,64}.
[[nodiscard]] bool is_slug(std::string_view text);

// "/mcp/<slug>".
[[nodiscard]] std::string path_of(const VirtualServer& server);

// The slug of such a path; "" for any other.
[[nodiscard]] std::string_view slug_of(std::string_view path);

// Narrows a request to the selection: its include headers then say what they and the selection both
// allow. Headers that cannot be read stay, to be refused where they are read.
void narrow_to(const VirtualServer& server, http::Headers* headers);

}  // namespace sluice::ingress
