// The highest policy version heard in a beat. Grants signed under an older one are not carried out.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::mcp_connector {

class PolicyVersions {
 public:
  void heard(std::uint64_t version) { highest_ = std::max(highest_, version); }

  [[nodiscard]] std::uint64_t highest() const { return highest_; }

 private:
  std::uint64_t highest_ = 0;
};

}  // namespace sluice::mcp_connector
