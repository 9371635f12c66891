// The *.pem files of a folder of public keys.
#pragma once

#include "common/base/result.h"

#include <string>
#include <vector>

namespace sluice::grant {

struct KeyFile {
  std::string path;
  Result<std::string> pem;  // Error: Invalid (unreadable)
};

// Sorted by path; none of a folder without keys. Errors: Unavailable (no such folder, or not
// readable), Invalid (more than a ring holds).
[[nodiscard]] Result<std::vector<KeyFile>> read_key_files(const std::string& folder);

}  // namespace sluice::grant
