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
  SLUICE_CO_TRY(const StoredPolicy stored, co_await deps_.stored->read());
  Read read;
  read.policy = with_stored(std::move(settings.policy), stored);
  read.checked.hash = read.policy.hash();
  read.checked.warnings = std::move(settings.warnings);
  for (const std::string& id : hidden_keys(read.policy, stored)) {
    read.checked.warnings.push_back(
        "auth.keys holds the id or the text of the key \"" + id +
        "\", which was made by API and is not valid meanwhile; rename one or revoke it"
    );
  }
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
  const TimePoint deadline = deps_.clock->now() + kTakeOverTimeout;
  while (reading_) {  // most often a look, which is over in milliseconds
    if (deps_.clock->now() >= deadline) {
      co_return Error(Code::Conflict, "the settings are being taken over: try again in a second");
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kTakeOverInterval));
  }
  const Raised reading(&reading_);
  SLUICE_CO_TRY(Read read, co_await this->read());
  SLUICE_CO_CHECK_OK(co_await take_over(std::move(read.policy), std::move(record)));
  co_return std::move(read.checked);
}

Async<void> PolicyReload::begin(Policy file) {
  const Raised reading(&reading_);
  co_return co_await claim(std::move(file));
}

// With the stored policy as it is right before: one that changes meanwhile is read again.
Async<void> PolicyReload::claim(Policy policy) {
  Result<void> claimed = Error(Code::Internal, "no claim was tried");
  for (int attempt = 0; attempt < kClaimAttemptsMax; ++attempt) {
    SLUICE_CO_TRY(const StoredPolicy stored, co_await deps_.stored->read());
    policy = with_stored(std::move(policy), stored);
    claimed = co_await deps_.binding->claim(policy);
    if (claimed.ok() || claimed.error().code() != Code::Conflict) {
      break;
    }
  }
  co_return claimed;
}

Async<void> PolicyReload::take_over(Policy policy, audit::v1::Record record) {
  const PolicyState::Snapshot before = deps_.policy->loaded();
  SLUICE_CO_CHECK_OK(co_await claim(std::move(policy)));
  const PolicyState::Snapshot after = deps_.policy->loaded();
  if (before != nullptr && before->version == after->version) {
    co_return Result<void>();
  }
  tell();
  record.set_policy_version(after->version);
  SLUICE_CO_TRY(
      [[maybe_unused]] const std::string event_id, deps_.audit->record(std::move(record))
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return Result<void>();
}

// The settings stay as they are loaded, whatever the file says by now. Only the version that is
// loaded here is replaced: a replica with older settings must not undo those of another.
Async<void> PolicyReload::replace_stored() {
  Result<void> replaced = Error(Code::Internal, "no claim was tried");
  for (int attempt = 0; attempt < kClaimAttemptsMax; ++attempt) {
    SLUICE_CO_TRY(const StoredPolicy stored, co_await deps_.stored->read());
    const PolicyState::Snapshot before = deps_.policy->loaded();
    if (before->policy.stored_revision == stored.revision) {
      co_return Result<void>();
    }
    replaced = co_await deps_.binding->replace(with_stored(before->policy, stored));
    if (replaced.ok() && before->version != deps_.policy->loaded()->version) {
      tell();
    }
    if (replaced.ok() || replaced.error().code() != Code::Conflict) {
      break;
    }
  }
  co_return replaced;
}

bool PolicyReload::is_in_force(std::uint64_t revision) const {
  const auto current = deps_.policy->current();
  return current.ok() && current.value()->policy.stored_revision >= revision;
}

Async<void> PolicyReload::take_over_stored(std::uint64_t revision) {
  const TimePoint deadline = deps_.clock->now() + kTakeOverTimeout;
  while (!is_in_force(revision)) {
    if (!reading_) {
      const Raised reading(&reading_);
      const auto taken = co_await (deps_.policy->is_behind() ? look_behind() : replace_stored());
      if (!taken.ok() && taken.error().code() == Code::Cancelled) {
        co_return taken;
      }
      if (is_in_force(revision)) {
        break;
      }
    }
    if (deps_.clock->now() >= deadline) {
      co_return Error(
          Code::Unavailable,
          "the change is stored, but not in force yet: look at it again in a few seconds"
      );
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kTakeOverInterval));
  }
  co_return Result<void>();
}

void PolicyReload::tell() {
  deps_.log->info("policy-loaded", {{"version", deps_.policy->loaded()->version}});
  if (tell_) {
    tell_();
  }
}

Async<void> PolicyReload::watch() {
  while (true) {
    SLUICE_CO_CHECK_OK(co_await catch_up());
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kSettingsLookInterval));
  }
}

Async<void> PolicyReload::catch_up() {
  const auto looked = co_await look();
  if (!looked.ok()) {
    if (looked.error().code() == Code::Cancelled) {
      co_return looked;
    }
    deps_.log->warn("policy-not-reloaded", {{"error", looked.error().to_log()}});
  }
  co_return Result<void>();
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
    co_return co_await look_behind();
  }
  SLUICE_CO_TRY(const std::uint64_t revision, co_await deps_.stored->revision());
  const PolicyState::Snapshot loaded = deps_.policy->loaded();
  if (loaded != nullptr && loaded->policy.stored_revision != revision) {
    co_return co_await replace_stored();
  }
  co_return Result<void>();
}

// Most often another replica has taken over a change of the stored policy, and the file needs no
// look.
Async<void> PolicyReload::look_behind() {
  SLUICE_CO_TRY(const StoredPolicy stored, co_await deps_.stored->read());
  const PolicyState::Snapshot before = deps_.policy->loaded();
  SLUICE_CO_CHECK_OK(co_await deps_.binding->catch_up(with_stored(before->policy, stored)));
  if (deps_.policy->is_behind()) {
    SLUICE_CO_TRY(Read read, co_await this->read());
    SLUICE_CO_CHECK_OK(co_await deps_.binding->catch_up(std::move(read.policy)));
  }
  if (before->version != deps_.policy->loaded()->version) {
    tell();
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
