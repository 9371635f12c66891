#include "services/mcp-connector/config_client.h"

#include <algorithm>
#include <vector>

namespace sluice::mcp_connector {
namespace {

constexpr std::string_view kCapabilities = "client_capabilities";
constexpr std::string_view kRoots = "roots";

}  // namespace

ClientOffer read_client(config::Section& entry) {
  ClientOffer offer{.roots = false, .sampling = false, .elicitation = false, .root_uris = {}};
  const auto names = entry.list(
      kCapabilities,
      {.fallback = std::vector<std::string>{"roots", "sampling", "elicitation"},
       .description = "own: what the server may ask callers that can answer it: roots, sampling, "
                      "elicitation; empty: nothing"}
  );
  for (const std::string& name : names) {
    if (name == "roots") {
      offer.roots = true;
    } else if (name == "sampling") {
      offer.sampling = true;
    } else if (name == "elicitation") {
      offer.elicitation = true;
    } else {
      entry.fault(
          kCapabilities, "names \"" + name + "\"; use some of roots, sampling and elicitation"
      );
    }
  }
  offer.root_uris = entry.list(
      kRoots,
      {.fallback = std::vector<std::string>(),
       .description = "own: file:// URIs that answer the server's roots/list, for every caller; "
                      "empty: callers answer it themselves"}
  );
  if (!std::all_of(offer.root_uris.begin(), offer.root_uris.end(), [](const std::string& uri) {
        return uri.starts_with("file://");
      })) {
    entry.fault(kRoots, "holds something else than a file:// URI; give such URIs");
  }
  return offer;
}

}  // namespace sluice::mcp_connector
