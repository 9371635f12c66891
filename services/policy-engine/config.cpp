#include "services/policy-engine/config.h"

#include "services/policy-engine/limits.h"

#include "common/postgres/settings.h"
#include "common/redis/settings.h"
#include "common/service/connect.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

std::string first_lines(const std::string& text, std::size_t lines_max) {
  std::size_t end = 0;
  for (std::size_t lines = 0; lines < lines_max; ++lines) {
    const std::size_t next = text.find('\n', end);
    if (next == std::string::npos) {
      return text;
    }
    end = next + 1;
  }
  const auto more =
      std::count(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), '\n') + 1;
  return text.substr(0, end) + "and " + std::to_string(more) + " more";
}

}  // namespace

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.audit = service::read_audit(document, "policy-engine");
  config.postgres = postgres::read_options(document, "policy-engine");
  config.redis = redis::read_options(document, "policy-engine");
  config.policy = read_policy(document);
  config::Section policy = document.section("policy");
  config.webhook = read_webhook(policy);
  config.source = document.source();
  return config;
}

Result<ReadSettings> read_settings(const config::Source& source) {
  if (source.path.empty()) {
    return Error(Code::Invalid, "the settings came from no file: restart this service");
  }
  SLUICE_TRY(auto document, config::Document::load(source.path, source.environment));
  Config config = Config::load(document);
  ReadSettings read{
      .policy = std::move(config.policy), .warnings = {}, .webhook = std::move(config.webhook)
  };
  const auto finished = document.finish();
  if (!finished.ok()) {
    return Error(Code::Invalid, first_lines(finished.error().message(), kFaultsToldMax));
  }
  read.warnings = document.warnings();
  read.warnings.resize(std::min(read.warnings.size(), kRuleWarningsMax));
  return read;
}

}  // namespace sluice::policy_engine
