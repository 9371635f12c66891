// What policy-engine needs from outside: interfaces filled with bus, Postgres and HTTP adapters in
// main.cpp and with fakes in tests. Errors of all: Unavailable, Deadline.
#pragma once

#include "services/policy-engine/domain/policy.h"

#include "common/async/request_context.h"

#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string>

namespace sluice::policy_engine {

// The tools that exist now.
class ToolServers {
 public:
  virtual ~ToolServers() = default;
  virtual Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) = 0;
};

// A policy version and the SHA-256 of the policy it is bound to.
struct BoundVersion {
  std::uint64_t version = 0;
  std::string hash;
};

// The sequence of policy versions, shared by all replicas.
class VersionStore {
 public:
  virtual ~VersionStore() = default;
  // The newest version if it is bound to hash, else a new one bound to it.
  virtual Async<BoundVersion> claim(std::string hash) = 0;
  virtual Async<BoundVersion> newest() = 0;
};

// Public keys of authorization servers.
class KeySets {
 public:
  virtual ~KeySets() = default;
  // The JWK Set of an issuer, as it is published now. Errors: Invalid and Denied besides.
  virtual Async<std::string> fetch(JwtIssuer issuer, TimePoint deadline) = 0;
};

class BeatSink {
 public:
  virtual ~BeatSink() = default;
  virtual Result<void> publish(const policy::v1::PolicyBeat& beat) = 0;
};

}  // namespace sluice::policy_engine
