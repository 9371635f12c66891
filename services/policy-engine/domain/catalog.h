// Catalog: the servers and tools that exist, as mcp-connector told them. An immutable snapshot with
// a version.
#pragma once

#include "services/policy-engine/domain/pin_book.h"
#include "services/policy-engine/domain/policy.h"

#include "common/base/result.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// Of a server added by API: what the operator's file says of the others. It comes with the catalog
// and under its version, not the policy's: replicas with the same file have the same policy version
// whatever they have fetched, and a change here makes a new catalog version, under which everyone
// asks anew.
using AddedPolicy = std::shared_ptr<const ServerPolicy>;

// Reads policy_config of a server of that name; nullptr: unusable. May be empty.
using AddedPolicyReader =
    std::function<AddedPolicy(const std::string& server, const std::string& policy_config)>;

struct CatalogServer {
  std::string id;
  std::string name;
  bool awaited = false;  // nobody knows its tools at the moment: it is not connected yet, or again
  AddedPolicy added;     // nullptr: of the file, or without a policy
  std::string route;     // of one added by API: how it is reached, as one value
};

struct CatalogTool {
  std::string server_id;
  std::string server;
  std::string tool;
  std::string definition_hash;
  bool read_only_hint = false;
  AddedPolicy added;  // of its server
  PinState pin = PinState::Unread;
};

// Errors: Exhausted (more tools than kCatalogToolsMax).
[[nodiscard]] Result<void> check_size(const connector::v1::CatalogReply& reply);

class Catalog {
 public:
  // pins: of the reply's tools; without, nothing is known of them. Errors: those of check_size().
  [[nodiscard]] static Result<std::shared_ptr<const Catalog>> from(
      const connector::v1::CatalogReply& reply,
      const AddedPolicyReader& read_added = {},
      const CheckedPins& pins = {}
  );

  [[nodiscard]] const std::string& version() const { return version_; }

  [[nodiscard]] const std::vector<CatalogServer>& servers() const {
    return servers_;
  }  // sorted by id, each id once

  [[nodiscard]] const std::vector<CatalogTool>& tools() const {
    return tools_;
  }  // sorted by (server, tool)

  [[nodiscard]] const PinStamp& pins_stamp() const { return pins_stamp_; }

  // Whether all pins were read, and what is new noted.
  [[nodiscard]] bool has_all_pins() const { return has_all_pins_; }

  [[nodiscard]] const CatalogTool* find(std::string_view server_id, std::string_view tool) const;

  [[nodiscard]] const CatalogServer* find_server(std::string_view server_id) const;

 private:
  std::string version_;
  std::vector<CatalogServer> servers_;
  std::vector<CatalogTool> tools_;
  PinStamp pins_stamp_;
  bool has_all_pins_ = false;
  std::vector<std::size_t> by_id_;  // indexes into tools_, sorted by (server id, tool)
};

}  // namespace sluice::policy_engine
