#include "services/policy-engine/domain/policy_reload.h"

#include "services/policy-engine/domain/rule_check.h"
#include "services/policy-engine/limits.h"

#include <utility>

namespace sluice::policy_engine {
namespace {

// True until the frame it stands in ends, however that ends.
class Raised {
 public:
  explicit Raised(bool* flag) : flag_(flag) { *flag_ = true; }

  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;
  Raised(Raised&&) = delete;
  Raised& operator=(Raised&&) = delete;

  ~Raised() { *flag_ = false; }

 private:
  bool* flag_;
};

}  // namespace

Async<PolicyReload::Read> PolicyReload::read() {
  SLUICE_CO_TRY(ReadSettings settings, co_await deps_.settings->read());
  Read read;
  read.policy = std::move(settings.policy);
  read.checked.hash = read.policy.hash();
  read.checked.warnings = std::move(settings.warnings);
  for (std::string& warning : rule_warnings(read.policy, deps_.catalogs->known().get())) {
    read.checked.warnings.push_back(std::move(warning));
  }
  co_return read;
}

Async<CheckedSettings> PolicyReload::check() {
  SLUICE_CO_TRY(Read read, co_await this->read());
  co_return std::move(read.checked);
}

Async<CheckedSettings> PolicyReload::apply(audit::v1::Record record) {
  if (reading_) {
    co_return Error(Code::Conflict, "the settings are being taken over: try again in a second");
  }
  const Raised reading(&reading_);
  SLUICE_CO_TRY(Read read, co_await this->read());
  SLUICE_CO_CHECK_OK(co_await take_over(std::move(read.policy), std::move(record)));
  co_return std::move(read.checked);
}

Async<void> PolicyReload::take_over(Policy policy, audit::v1::Record record) {
  const PolicyState::Snapshot before = deps_.policy->loaded();
  SLUICE_CO_CHECK_OK(co_await deps_.binding->claim(std::move(policy)));
  const PolicyState::Snapshot after = deps_.policy->loaded();
  if (before != nullptr && before->version == after->version) {
    co_return Result<void>();
  }
  record.set_policy_version(after->version);
  SLUICE_CO_TRY(
      [[maybe_unused]] const std::string event_id, deps_.audit->record(std::move(record))
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  deps_.log->info("policy-loaded", {{"version", after->version}});
  co_return Result<void>();
}

Async<void> PolicyReload::watch() {
  while (true) {
    const auto looked = co_await look();
    if (!looked.ok()) {
      if (looked.error().code() == Code::Cancelled) {
        co_return looked;
      }
      deps_.log->warn("policy-not-reloaded", {{"error", looked.error().to_log()}});
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kSettingsLookInterval));
  }
}

Async<void> PolicyReload::look() {
  if (reading_) {
    co_return Result<void>();
  }
  const Raised reading(&reading_);
  SLUICE_CO_TRY(std::string stamp, co_await deps_.settings->stamp());
  if (stamp != stamp_) {
    std::swap(stamp, stamp_);
    auto taken = co_await take_over_change();
    if (!taken.ok() && taken.error().code() != Code::Invalid) {
      stamp_ = std::move(stamp);  // the file is not what is wrong: it is tried again
    }
    co_return taken;
  }
  if (deps_.policy->is_behind()) {
    SLUICE_CO_TRY(Read read, co_await this->read());
    co_return co_await deps_.binding->catch_up(std::move(read.policy));
  }
  co_return Result<void>();
}

Async<void> PolicyReload::take_over_change() {
  SLUICE_CO_TRY(Read read, co_await this->read());
  const PolicyState::Snapshot loaded = deps_.policy->loaded();
  if (loaded != nullptr && loaded->hash == read.checked.hash) {
    co_return Result<void>();
  }
  for (const std::string& warning : read.checked.warnings) {
    deps_.log->warn("policy-warning", {{"warning", warning}});
  }
  audit::v1::Record record = audit::record_of(RequestContext(), "policy.reload");
  record.set_detail("the settings file changed");
  co_return co_await take_over(std::move(read.policy), std::move(record));
}

}  // namespace sluice::policy_engine
