#include "common/bus/nats_access.h"

#include "common/base/check.h"
#include "common/bus/wire.h"

#include "proto/endpoints.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <tuple>

namespace sluice::bus {
namespace {

constexpr std::array<std::string_view, 6> kServices{
    "ingress",
    "provider-router",
    "mcp-connector",
    "policy-engine",
    "codemode-sandbox",
    "audit-writer",
};

// Every endpoint of proto/endpoints.h; nats_access_test.cpp counts them.
constexpr std::tuple kAll{
    endpoints::kProviderChat,
    endpoints::kProviderEmbed,
    endpoints::kProviderModels,
    endpoints::kPolicyAuthenticate,
    endpoints::kPolicyVisible,
    endpoints::kPolicyDecide,
    endpoints::kPolicyManage,
    endpoints::kPolicyBeat,
    endpoints::kPolicyApprovalsList,
    endpoints::kPolicyApprovalsGet,
    endpoints::kPolicyApprovalsAnswer,
    endpoints::kPolicySetup,
    endpoints::kApprovalChanged,
    endpoints::kConnectorRequest,
    endpoints::kConnectorServerCatalog,
    endpoints::kConnectorCatalog,
    endpoints::kConnectorManage,
    endpoints::kConnectorInput,
    endpoints::kResourceUpdated,
    endpoints::kServersChanged,
    endpoints::kCallEnded,
    endpoints::kClientMessage,
    endpoints::kCatalogChanged,
    endpoints::kServerChanged,
    endpoints::kCodemodeRun,
    endpoints::kCodemodeDescribe,
    endpoints::kCodemodeRuns,
    endpoints::kRunChanged,
    endpoints::kRunCancelled,
    endpoints::kAuditCommit,
    endpoints::kAuditVoidGrant,
    endpoints::kAuditQuery,
    endpoints::kAuditVerify,
    endpoints::kAuditJournal,
    endpoints::kAuditRecord,
};

enum class Kind { Request, Event, Durable };

struct Entry {
  std::string subject;
  std::string owner;
  Kind kind = Kind::Request;
};

template <class T>
struct IsEvent : std::false_type {};

template <class Message>
struct IsEvent<endpoints::Event<Message>> : std::true_type {};

template <class T>
struct IsDurable : std::false_type {};

template <class Batch>
struct IsDurable<endpoints::Durable<Batch>> : std::true_type {};

template <class Endpoint>
Entry entry_of(const Endpoint& endpoint) {
  Entry entry;
  entry.owner = endpoint.owner;
  if constexpr (requires { endpoint.prefix; }) {
    entry.subject = std::string(endpoint.prefix) + "*" + std::string(endpoint.suffix);
  } else {
    entry.subject = endpoint.subject;
  }
  if constexpr (IsEvent<Endpoint>::value) {
    entry.kind = Kind::Event;
  } else if constexpr (IsDurable<Endpoint>::value) {
    entry.kind = Kind::Durable;
  }
  return entry;
}

std::vector<Entry> entries() {
  return std::apply(
      [](const auto&... endpoint) { return std::vector<Entry>{entry_of(endpoint)...}; }, kAll
  );
}

// What the one consumer of the stream asks of JetStream (nats_durable.cpp).
std::vector<std::string> stream_api() {
  const std::string stream(endpoints::kAuditRecord.stream);
  const std::string consumer(endpoints::kAuditRecord.consumer);
  return {
      "$JS.ACK." + stream + "." + consumer + ".>",
      "$JS.API.CONSUMER.DURABLE.CREATE." + stream + "." + consumer,
      "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer,
      "$JS.API.STREAM.CREATE." + stream,
      "$JS.API.STREAM.UPDATE." + stream,
  };
}

Access access_of(const std::string& service) {
  std::set<std::string> publish{"_INBOX.*." + service + ".>"};
  std::set<std::string> subscribe{"_INBOX." + service + ".>"};
  for (const Entry& entry : entries()) {
    const bool own = entry.owner == service;
    const bool uses = std::any_of(
        endpoints::kUses.begin(),
        endpoints::kUses.end(),
        [&](const endpoints::Use& use) {
          return use.service == service && use.subject == entry.subject;
        }
    );
    switch (entry.kind) {
      case Kind::Request:
        if (own) {
          subscribe.insert(entry.subject);
          subscribe.insert(control_subject(service, "*"));
        }
        if (uses) {
          publish.insert(entry.subject);
          publish.insert(control_subject(entry.owner, "*"));
        }
        break;
      case Kind::Event:
        if (own) {
          publish.insert(entry.subject);
        }
        if (uses) {
          subscribe.insert(entry.subject);
        }
        break;
      case Kind::Durable:
        publish.insert(entry.subject + "." + service);
        if (own) {
          for (const std::string& subject : stream_api()) {
            publish.insert(subject);
          }
        }
        break;
    }
  }
  return {service, {publish.begin(), publish.end()}, {subscribe.begin(), subscribe.end()}};
}

void append_list(std::string& text, const char* name, const std::vector<std::string>& subjects) {
  text += std::string("        ") + name + ": {allow: [\n";
  for (const std::string& subject : subjects) {
    text += "          \"" + subject + "\"\n";
  }
  text += "        ]}\n";
}

constexpr const char* kHead =
    R"(# nats-server's configuration: one user per service, with what it may publish and subscribe. Allow-lists only.
# Written by endpoints_dump from proto/endpoints.h: run ./dev docs, never edit this file.
#
# Values come from the environment. nats-server reads a value as configuration text, so put double quotes around each:
# without them a password like 12e4ab is taken for a number.
#   SLUICE_NATS_LISTEN                '"127.0.0.1:4222"'
#   SLUICE_NATS_MONITOR               '"127.0.0.1:8222"'  for audit-writer's check; never a public address
#   SLUICE_NATS_STORE                 '"/var/lib/sluice/nats"'
#   SLUICE_NATS_<SERVICE>_PASSWORD    '"..."'
listen: $SLUICE_NATS_LISTEN
http: $SLUICE_NATS_MONITOR
server_name: sluice
max_payload: 8MB

# An acknowledgement means "on disk" only with sync_interval: always; audit-writer refuses to start without it.
jetstream {
  store_dir: $SLUICE_NATS_STORE
  sync_interval: always
  max_file_store: 8GB
  max_memory_store: 1MB
}

authorization {
  users: [
)";

}  // namespace

std::vector<Access> nats_access() {
  std::vector<Access> all;
  all.reserve(kServices.size());
  for (const std::string_view service : kServices) {
    all.push_back(access_of(std::string(service)));
  }
  return all;
}

std::vector<std::string> nats_subjects() {
  std::set<std::string> subjects;
  for (const Entry& entry : entries()) {
    subjects.insert(entry.subject);
  }
  for (const endpoints::Owner& owner : endpoints::kOwners) {
    subjects.insert(control_subject(owner.service, "*"));
  }
  for (const std::string_view asking : kServices) {
    for (const std::string_view answering : kServices) {
      subjects.insert("_INBOX." + std::string(asking) + "." + std::string(answering) + ".*.r");
    }
  }
  for (const std::string& subject : stream_api()) {
    subjects.insert(subject);
  }
  return {subjects.begin(), subjects.end()};
}

std::string password_variable(const std::string& service) {
  std::string name = "SLUICE_NATS_" + service + "_PASSWORD";
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return name;
}

std::string nats_conf() {
  std::string text = kHead;
  for (const Access& access : nats_access()) {
    text += "    {\n      user: \"" + access.service + "\"\n      password: $" +
            password_variable(access.service) + "\n      permissions: {\n";
    append_list(text, "publish", access.publish);
    append_list(text, "subscribe", access.subscribe);
    text += "      }\n    }\n";
  }
  return text + "  ]\n}\n";
}

}  // namespace sluice::bus
