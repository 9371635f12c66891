// RunFile: <runner id>.json in the folder where services note their process, as long as this lives.
#pragma once

#include "common/observability/log.h"

#include <string>

namespace sluice::codemode_runner {

class RunFile {
 public:
  // Nothing is written when the folder is empty; a failure is logged.
  RunFile(const std::string& folder, const std::string& runner_id, observability::Log& log);
  RunFile(const RunFile&) = delete;
  RunFile& operator=(const RunFile&) = delete;
  RunFile(RunFile&&) = delete;
  RunFile& operator=(RunFile&&) = delete;
  ~RunFile();

 private:
  std::string path_;
};

}  // namespace sluice::codemode_runner
