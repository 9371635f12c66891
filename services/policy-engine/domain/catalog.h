// Catalog: the servers and tools that exist, as mcp-connector told them. An immutable snapshot with
// a version.
#pragma once

#include "common/base/result.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

struct CatalogServer {
  std::string id;
  std::string name;
  bool awaited = false;  // nobody knows its tools at the moment: it is not connected yet, or again
};

struct CatalogTool {
  std::string server_id;
  std::string server;
  std::string tool;
  std::string definition_hash;
  bool read_only_hint = false;
};

class Catalog {
 public:
  // Errors: Exhausted (more tools than kCatalogToolsMax).
  [[nodiscard]] static Result<std::shared_ptr<const Catalog>> from(
      const connector::v1::CatalogReply& reply
  );

  [[nodiscard]] const std::string& version() const { return version_; }

  [[nodiscard]] const std::vector<CatalogServer>& servers() const {
    return servers_;
  }  // sorted by id, each id once

  [[nodiscard]] const std::vector<CatalogTool>& tools() const {
    return tools_;
  }  // sorted by (server, tool)

  [[nodiscard]] const CatalogTool* find(std::string_view server_id, std::string_view tool) const;

  [[nodiscard]] const CatalogServer* find_server(std::string_view server_id) const;

 private:
  std::string version_;
  std::vector<CatalogServer> servers_;
  std::vector<CatalogTool> tools_;
  std::vector<std::size_t> by_id_;  // indexes into tools_, sorted by (server id, tool)
};

}  // namespace sluice::policy_engine
