// A directory of its own for one test, removed at its end.
#pragma once

#include "common/base/check.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace sluice::audit {

class TemporaryDirectory {
 public:
  TemporaryDirectory()
      : path_((std::filesystem::temp_directory_path() / "sluice-audit-XXXXXX").string()) {
    SLUICE_CHECK(
        ::mkdtemp(path_.data()) != nullptr, "tests may write below the temporary directory"
    );
  }

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  TemporaryDirectory(TemporaryDirectory&&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;

  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sluice::audit
