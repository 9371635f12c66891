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
  connector::v1::ServerCatalog* listed = nullptr;
  for (auto& candidate : *reply_.mutable_servers()) {
    listed = candidate.name() == server ? &candidate : listed;
  }
  if (listed == nullptr) {
    listed = reply_.add_servers();
    listed->set_name(server);
    listed->set_server_id(mcp::server_id(server).str());
  }
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
  reply_.set_version(crypto::sha256(std::to_string(++changes_)));
}

void FakeToolServers::remove_all() {
  reply_.Clear();
  reply_.set_version(crypto::sha256(std::to_string(++changes_)));
}

Async<BoundVersion> FakeVersionStore::claim(std::string hash) {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  if (versions_.empty() || versions_.back().hash != hash) {
    versions_.push_back({versions_.size() + 1, std::move(hash)});
  }
  co_return versions_.back();
}

Async<BoundVersion> FakeVersionStore::newest() {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  co_return versions_.empty() ? BoundVersion{} : versions_.back();
}

Result<void> RecordingBeatSink::publish(const policy::v1::PolicyBeat& beat) {
  if (faults_ != nullptr) {
    SLUICE_CHECK_OK(faults_->step());
  }
  beats_.push_back(beat);
  return {};
}

}  // namespace sluice::policy_engine
