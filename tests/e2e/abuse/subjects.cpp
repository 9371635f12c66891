// Subjects that ingress has no right to: nats-server itself refuses them.
#include "tests/e2e/abuse/abuse.h"

#include <array>

namespace sluice::e2e {
namespace {

struct Subject {
  const char* name;
  const char* subject;
};

// "<id>" stands for the ledger's server id.
constexpr std::array kPublished{
    Subject{"commit", "sluice.audit.v1.commit"},
    Subject{"void-grant", "sluice.audit.v1.void_grant"},
    Subject{"record-without-name", "sluice.audit.v1.record"},
    Subject{"record-of-connector", "sluice.audit.v1.record.mcp-connector"},
    Subject{"record-of-policy", "sluice.audit.v1.record.policy-engine"},
    Subject{"record-of-sandbox", "sluice.audit.v1.record.codemode-sandbox"},
    Subject{"record-of-nobody", "sluice.audit.v1.record.stranger"},
    Subject{"catalog-changed", "sluice.connector.v1.catalog_changed"},
    Subject{"server-changed", "sluice.connector.v1.server_changed"},
    Subject{"servers-changed", "sluice.connector.v1.servers_changed"},
    Subject{"resource-updated", "sluice.connector.v1.resource_updated"},
    Subject{"call-ended", "sluice.connector.v1.call_ended"},
    Subject{"server-catalog", "sluice.connector.v1.server.<id>.catalog"},
    Subject{"policy-beat", "sluice.policy.v1.policy_beat"},
    Subject{"approval-changed", "sluice.policy.v1.approval_changed"},
    Subject{"run-changed", "sluice.codemode.v1.run_changed"},
    Subject{"control-of-ingress", "sluice.ingress.v1.control.any"},
    Subject{"reply-of-policy", "_INBOX.codemode-sandbox.policy-engine.any.r"},
    Subject{"reply-of-connector", "_INBOX.ingress.mcp-connector.any.r"},
    Subject{"reply-of-audit", "_INBOX.mcp-connector.audit-writer.any.r"},
    Subject{"stream-purge", "$JS.API.STREAM.PURGE.AUDIT"},
    Subject{"stream-delete", "$JS.API.STREAM.DELETE.AUDIT"},
    Subject{"stream-update", "$JS.API.STREAM.UPDATE.AUDIT"},
    Subject{"stream-create", "$JS.API.STREAM.CREATE.OTHER"},
    Subject{"stream-message-delete", "$JS.API.STREAM.MSG.DELETE.AUDIT"},
    Subject{"stream-message-get", "$JS.API.STREAM.MSG.GET.AUDIT"},
    Subject{"stream-direct-get", "$JS.API.DIRECT.GET.AUDIT"},
    Subject{"consumer-delete", "$JS.API.CONSUMER.DELETE.AUDIT.audit-writer"},
    Subject{"consumer-create", "$JS.API.CONSUMER.DURABLE.CREATE.AUDIT.thief"},
    Subject{"consumer-next", "$JS.API.CONSUMER.MSG.NEXT.AUDIT.audit-writer"},
    Subject{"consumer-ack", "$JS.ACK.AUDIT.audit-writer.1.1.1.1.0"},
    Subject{"system-request", "$SYS.REQ.SERVER.PING"},
};

constexpr std::array kSubscribed{
    Subject{"everything", ">"},
    Subject{"all-inboxes", "_INBOX.>"},
    Subject{"inbox-of-connector", "_INBOX.mcp-connector.>"},
    Subject{"inbox-of-sandbox", "_INBOX.codemode-sandbox.>"},
    Subject{"all-of-sluice", "sluice.>"},
    Subject{"requests-of-servers", "sluice.connector.v1.server.*.request"},
    Subject{"requests-of-the-ledger", "sluice.connector.v1.server.<id>.request"},
    Subject{"inputs-of-servers", "sluice.connector.v1.server.*.input"},
    Subject{"manage-of-connector", "sluice.connector.v1.manage"},
    Subject{"authenticate", "sluice.policy.v1.authenticate"},
    Subject{"decide", "sluice.policy.v1.decide"},
    Subject{"answers-to-approvals", "sluice.policy.v1.approvals.answer"},
    Subject{"commits", "sluice.audit.v1.commit"},
    Subject{"records", "sluice.audit.v1.record.*"},
    Subject{"scripts", "sluice.codemode.v1.run"},
    Subject{"control-of-connector", "sluice.connector.v1.control.*"},
    Subject{"jetstream", "$JS.>"},
};

std::string subject_of(const Intruder& intruder, std::string text) {
  const auto place = text.find("<id>");
  if (place != std::string::npos) {
    text.replace(place, 4, intruder.tool("ledger-append").server_id);
  }
  return text;
}

}  // namespace

void add_subjects(Abuses* abuses) {
  for (const Subject& subject : kPublished) {
    abuses->push_back(
        {std::string("publish-") + subject.name,
         "Denied",
         Shown::Server,
         [text = subject.subject](Intruder* intruder) {
           return intruder->publish(subject_of(*intruder, text), "{}");
         }}
    );
  }
  for (const Subject& subject : kSubscribed) {
    abuses->push_back(
        {std::string("subscribe-") + subject.name,
         "Denied",
         Shown::Server,
         [text = subject.subject](Intruder* intruder) {
           return intruder->subscribe(subject_of(*intruder, text));
         }}
    );
  }
}

}  // namespace sluice::e2e
