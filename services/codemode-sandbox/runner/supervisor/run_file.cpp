#include "services/codemode-sandbox/runner/supervisor/run_file.h"

#include "common/json/value.h"
#include "common/json/write.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include <unistd.h>

namespace sluice::codemode_runner {

RunFile::RunFile(const std::string& folder, const std::string& runner_id, observability::Log& log) {
  if (folder.empty()) {
    return;
  }
  path_ = folder + "/" + runner_id + ".json";
  const std::string aside = folder + "/." + runner_id + ".tmp";
  json::Object content;
  content.set("service", "codemode-runner");
  content.set("instance", runner_id);
  content.set("pid", std::int64_t{::getpid()});
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::ofstream file(aside, std::ios::binary | std::ios::trunc);
  file << json::write(json::Value(std::move(content))) << '\n';
  file.close();
  if (file.good()) {
    std::filesystem::rename(aside, path_, error);
  }
  if (!file.good() || error) {
    log.warn("run-file-failed", {{"path", path_}, {"error", error.message()}});
  }
}

RunFile::~RunFile() {
  if (!path_.empty()) {
    std::error_code ignored;  // gone already is as good
    std::filesystem::remove(path_, ignored);
  }
}

}  // namespace sluice::codemode_runner
