#include "services/policy-engine/testing/fakes.h"

#include "common/crypto/sha256.h"
#include "common/mcp/server_id.h"

namespace sluice::policy_engine {

Async<connector::v1::CatalogReply> FakeToolServers::catalog(
    connector::v1::CatalogRequest request, RequestContext
) {
  ++fetches_;
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  if (request.known_version() == reply_.version()) {
    connector::v1::CatalogReply unchanged;
    unchanged.set_version(reply_.version());
    co_return unchanged;
  }
  co_return reply_;
}

void FakeToolServers::put(
    const std::string& server, const std::string& tool, const std::string& definition
) {
  connector::v1::ServerCatalog* const listed = server_named(server);
  connector::v1::ToolDefinition* entry = nullptr;
  for (auto& candidate : *listed->mutable_tools()) {
    entry = candidate.name() == tool ? &candidate : entry;
  }
  if (entry == nullptr) {
    entry = listed->add_tools();
    entry->set_name(tool);
  }
  entry->set_definition(definition);
  entry->set_definition_hash(crypto::sha256(definition));
  take_new_version();
}

void FakeToolServers::put_server(const std::string& server, connector::v1::ServerState state) {
  server_named(server)->set_state(state);
  take_new_version();
}

void FakeToolServers::remove_all() {
  reply_.Clear();
  take_new_version();
}

connector::v1::ServerCatalog* FakeToolServers::server_named(const std::string& server) {
  for (auto& listed : *reply_.mutable_servers()) {
    if (listed.name() == server) {
      return &listed;
    }
  }
  auto* const added = reply_.add_servers();
  added->set_name(server);
  added->set_server_id(mcp::server_id(server).str());
  return added;
}

void FakeToolServers::take_new_version() {
  reply_.set_version(crypto::sha256(std::to_string(++changes_)));
}

Async<BoundVersion> FakeVersionStore::claim(VersionClaim claim) {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  const BoundVersion newest = versions_.empty() ? BoundVersion{} : versions_.back();
  if (newest.hash == claim.hash || (claim.replaces && newest.version != *claim.replaces)) {
    co_return newest;
  }
  if (stored_ != nullptr && stored_->stored.revision != claim.stored_revision) {
    co_return Error(Code::Conflict, "the stored policy changed meanwhile: try again");
  }
  versions_.push_back({versions_.size() + 1, std::move(claim.hash)});
  co_return versions_.back();
}

Async<BoundVersion> FakeVersionStore::claim(std::string hash) {
  VersionClaim claim{std::move(hash), stored_ != nullptr ? stored_->stored.revision : 0, {}};
  co_return co_await this->claim(std::move(claim));
}

Async<BoundVersion> FakeVersionStore::newest() {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  co_return versions_.empty() ? BoundVersion{} : versions_.back();
}

Async<ReadSettings> FakeSettingsFile::read() {
  ++reads_;
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  if (error_) {
    co_return *error_;
  }
  co_return settings_;
}

Async<std::string> FakeSettingsFile::stamp() {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  co_return std::to_string(changes_);
}

void FakeSettingsFile::write(ReadSettings settings) {
  settings_ = std::move(settings);
  error_.reset();
  ++changes_;
}

void FakeSettingsFile::spoil(Error error) {
  error_ = std::move(error);
  ++changes_;
}

Async<std::string> FakeKeySets::fetch(JwtIssuer issuer, TimePoint) {
  fetches.push_back(issuer.issuer);
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  if (down_) {
    co_return Error(Code::Unavailable, "the issuer does not answer");
  }
  co_return published;
}

Result<void> RecordingBeatSink::publish(const policy::v1::PolicyBeat& beat) {
  if (faults_ != nullptr) {
    SLUICE_CHECK_OK(faults_->step());
  }
  beats_.push_back(beat);
  return {};
}

}  // namespace sluice::policy_engine
