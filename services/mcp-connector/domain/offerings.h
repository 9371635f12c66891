// What one server offers besides tools, as it lists it: resources, resource templates, prompts, and
// whether it completes their arguments.
#pragma once

#include "common/base/result.h"
#include "common/crypto/sha256.h"
#include "common/json/value.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector {

struct Offering {
  std::string key;  // uri, uriTemplate or name
  // The server's object as compact JSON, unknown members included; its name is its key where it has
  // none: clients may refuse a whole list for one item without.
  std::string definition;
  std::string definition_hash;  // SHA-256 of its canonical form, 32 bytes
};

// One list of them, sorted by key.
struct OfferingList {
  std::vector<Offering> items;
  std::size_t left_out = 0;  // of what the server listed: without a key, or with one that was there
  std::size_t unnamed = 0;   // without a name

  // key: the member that holds it. Errors: Invalid (too many, too large).
  [[nodiscard]] static Result<OfferingList> build(
      std::string_view key, const std::vector<json::Value>& definitions
  );
};

struct Offerings {
  std::vector<Offering> resources;  // each sorted by key, keys unique
  std::vector<Offering> templates;
  std::vector<Offering> prompts;
  bool completions = false;

  // From a copy; what cannot be read is left out.
  [[nodiscard]] static Offerings from_copy(const connector::v1::ServerCatalog& copy);

  [[nodiscard]] bool empty() const {
    return resources.empty() && templates.empty() && prompts.empty() && !completions;
  }

  // Of all definitions.
  [[nodiscard]] std::size_t bytes() const;
  void add_to(crypto::Sha256* hash) const;
  void fill(connector::v1::ServerCatalog* out) const;
};

}  // namespace sluice::mcp_connector
