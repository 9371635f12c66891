// The tools of one server as it lists them, what it offers besides, and the hashes everyone
// compares. Immutable once built.
#pragma once

#include "services/mcp-connector/domain/offerings.h"

#include "common/base/ids.h"
#include "common/json/value.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

struct Tool {
  std::string name;
  std::string definition;       // the server's object as compact JSON, unknown members included
  std::string definition_hash;  // SHA-256 of its canonical form by value, 32 bytes
  json::Value input_schema;     // null when the server gives none

  friend bool operator==(const Tool& a, const Tool& b) {
    return a.name == b.name && a.definition_hash == b.definition_hash;
  }
};

class ToolCatalog {
 public:
  ToolCatalog();  // no tools

  // Sorts by name; of two tools with one name the first stays. Offerings that are too large beside
  // the tools are left out. Errors: Invalid (too many, too large, a definition without a canonical
  // form).
  [[nodiscard]] static Result<ToolCatalog> build(
      std::vector<json::Value> definitions, Offerings offerings = {}
  );
  // From a copy; what cannot be read is left out.
  [[nodiscard]] static ToolCatalog from_copy(const connector::v1::ServerCatalog& copy);

  [[nodiscard]] const Tool* find(std::string_view name) const;

  [[nodiscard]] const std::vector<Tool>& tools() const { return tools_; }

  [[nodiscard]] const Offerings& offerings() const { return offerings_; }

  // SHA-256 over the sorted (name, definition hash) pairs, and the offerings where there are any.
  [[nodiscard]] const std::string& hash() const { return hash_; }

  [[nodiscard]] std::size_t duplicates() const { return duplicates_; }

  // The offerings given to build() were too large.
  [[nodiscard]] bool left_offerings_out() const { return left_offerings_out_; }

  void fill(connector::v1::ServerCatalog* out) const;

 private:
  ToolCatalog(std::vector<Tool> tools, Offerings offerings);

  std::vector<Tool> tools_;
  Offerings offerings_;
  std::string hash_;
  std::size_t duplicates_ = 0;
  bool left_offerings_out_ = false;
};

// SHA-256 over the (server id, definitions hash) pairs, sorted by server id.
[[nodiscard]] std::string catalog_version(std::vector<std::pair<std::string, std::string>> servers);

}  // namespace sluice::mcp_connector
