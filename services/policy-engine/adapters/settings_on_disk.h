// SettingsFile over the file the service was started with.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/async/blocking_pool.h"
#include "common/config/config.h"

namespace sluice::policy_engine {

class SettingsOnDisk final : public SettingsFile {
 public:
  // The pool outlives it.
  SettingsOnDisk(config::Source source, async::BlockingPool* pool)
      : source_(std::move(source)), pool_(pool) {}

  Async<ReadSettings> read() override;
  Async<std::string> stamp() override;

 private:
  config::Source source_;
  async::BlockingPool* pool_;
};

}  // namespace sluice::policy_engine
