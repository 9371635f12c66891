// Records in the names of others, through the one subject ingress may feed the trail by; and bytes
// that are no requests, where requests are expected.
#include "tests/e2e/abuse/abuse.h"

#include "common/audit/record.h"
#include "common/audit/subject.h"
#include "common/bus/envelope.h"
#include "common/crypto/random.h"

#include <array>
#include <cstddef>

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

struct Forgery {
  const char* name;
  const char* producer;
  const char* action;
};

constexpr std::array kForgeries{
    Forgery{"outcome-as-connector", "mcp-connector", "tool.outcome"},
    Forgery{"intent-as-connector", "mcp-connector", "tool.intent"},
    Forgery{"outcome-as-itself", "ingress", "tool.outcome"},
    Forgery{"intent-as-itself", "ingress", "tool.intent"},
    Forgery{"decision-as-policy", "policy-engine", "policy.decision"},
    Forgery{"decision-as-itself", "ingress", "policy.decision"},
    Forgery{"approval-answered", "ingress", "approval.answered"},
    Forgery{"server-added", "ingress", "server.added"},
    Forgery{"script-finished", "codemode-sandbox", "run.finished"},
    Forgery{"record-of-audit-writer", "audit-writer", "service.trail_verified"},
};

// "OK" means stored in the stream; audit-writer judges what it may say.
Async<std::string> record(Intruder* intruder, Forgery forgery) {
  audit::v1::Record record;
  record.set_action(forgery.action);
  record.set_tenant("default");
  record.set_principal("key:user");
  record.set_server("ledger");
  record.set_tool("append");
  record.set_tool_call_id("forged");
  record.set_grant_id(std::string(16, 'f'));
  record.set_effect_class("write");
  record.set_outcome(audit::v1::OUTCOME_DONE);
  record.set_body(R"({"content":[{"type":"text","text":"forged"}]})");
  audit::complete(
      record, {forgery.producer, "forged-1", 1}, 1, {intruder->now_ms(), intruder->now_ms()}
  );
  audit::v1::RecordBatch batch;
  batch.add_records(record.SerializeAsString());
  const auto stored = co_await intruder->transport()->publish_durable(
      audit::record_subject("ingress"), batch.SerializeAsString(), intruder->clock()->now() + 5s
  );
  co_return Intruder::code_of(stored);
}

// --- frames
// -----------------------------------------------------------------------------------------

constexpr const char* kReply = "_INBOX.ingress.mcp-connector.grantabuse.n7";

std::string request_subject(const Intruder& intruder) {
  return std::string(endpoints::kConnectorRequest.prefix) +
         intruder.tool("ledger-append").server_id +
         std::string(endpoints::kConnectorRequest.suffix);
}

common::v1::Envelope envelope_of(const Intruder& intruder, common::v1::Kind kind) {
  common::v1::Envelope envelope;
  envelope.set_kind(kind);
  envelope.set_correlation_id(crypto::random_bytes(16));
  envelope.set_remaining_ms(5'000);
  envelope.set_request_id("req_frame");
  envelope.set_caller_token(intruder.token());
  return envelope;
}

std::string framed(const common::v1::Envelope& envelope, std::string_view payload) {
  std::string bytes;
  bus::append_frame(bytes, envelope, payload);
  return bytes;
}

std::string no_frame(const Intruder& /*intruder*/) {
  return "";
}

std::string half_a_length(const Intruder& /*intruder*/) {
  return std::string("\x01\x00", 2);
}

std::string length_beyond_the_end(const Intruder& /*intruder*/) {
  return "\xff\xff\xff\x7f" + std::string(64, 'x');
}

std::string envelope_too_large(const Intruder& intruder) {
  auto envelope = envelope_of(intruder, common::v1::KIND_REQUEST);
  envelope.set_caller_token(std::string(64 << 10, 't'));
  return framed(envelope, "");
}

std::string garbage_envelope(const Intruder& /*intruder*/) {
  return std::string("\x40\x00\x00\x00", 4) + std::string(64, '\xff');
}

std::string garbage_payload(const Intruder& intruder) {
  return framed(envelope_of(intruder, common::v1::KIND_REQUEST), std::string(256, '\xff'));
}

std::string correlation_of_other_length(const Intruder& intruder) {
  auto envelope = envelope_of(intruder, common::v1::KIND_REQUEST);
  envelope.set_correlation_id("short");
  return framed(envelope, "");
}

std::string unknown_fields(const Intruder& intruder) {
  // Field 4000 with 32 KiB of bytes, in front of a request that lacks a grant.
  connector::v1::Request request;
  request.set_server_id(intruder.tool("ledger-append").server_id);
  request.set_method("tools/call");
  return framed(
      envelope_of(intruder, common::v1::KIND_REQUEST),
      "\x82\xfa\x01\x80\x80\x02" + std::string(32 << 10, 'u') + request.SerializeAsString()
  );
}

std::string deep_json(const Intruder& intruder) {
  connector::v1::Request request;
  request.set_server_id(intruder.tool("ledger-append").server_id);
  request.set_method("tools/call");
  request.set_params(std::string(100'000, '[') + std::string(100'000, ']'));
  return framed(envelope_of(intruder, common::v1::KIND_REQUEST), request.SerializeAsString());
}

std::string of_kind(const Intruder& intruder, common::v1::Kind kind) {
  return framed(envelope_of(intruder, kind), "x");
}

std::string reply_as_request(const Intruder& intruder) {
  return of_kind(intruder, common::v1::KIND_REPLY);
}

std::string chunk_as_request(const Intruder& intruder) {
  return of_kind(intruder, common::v1::KIND_CHUNK);
}

std::string no_time_left(const Intruder& intruder) {
  auto envelope = envelope_of(intruder, common::v1::KIND_REQUEST);
  envelope.set_remaining_ms(0);
  return framed(envelope, "");
}

struct Bytes {
  const char* name;
  std::string (*make)(const Intruder& intruder);
};

constexpr std::array kFrames{
    Bytes{"empty", no_frame},
    Bytes{"half-a-length", half_a_length},
    Bytes{"length-beyond-the-end", length_beyond_the_end},
    Bytes{"envelope-too-large", envelope_too_large},
    Bytes{"garbage-envelope", garbage_envelope},
    Bytes{"garbage-payload", garbage_payload},
    Bytes{"correlation-of-other-length", correlation_of_other_length},
    Bytes{"unknown-fields", unknown_fields},
    Bytes{"deep-json", deep_json},
    Bytes{"reply-as-request", reply_as_request},
    Bytes{"chunk-as-request", chunk_as_request},
    Bytes{"no-time-left", no_time_left},
};

// Answers sent to where the trail or a service would take them for something else.
constexpr std::array kReplies{
    "sluice.audit.v1.record.mcp-connector",
    "_INBOX.codemode-sandbox.mcp-connector.any.n0",
    "_INBOX.*.mcp-connector.any.n0",
    "sluice.policy.v1.policy_beat",
};

// Whatever runs at the connector under an id nobody can guess.
Async<std::string> control(Intruder* intruder, common::v1::Kind kind) {
  auto envelope = envelope_of(*intruder, kind);
  envelope.set_credit_chunks(1'000'000);
  envelope.set_credit_bytes(1'000'000'000);
  co_return co_await intruder->throw_at(
      "sluice.connector.v1.control.any", "", framed(envelope, "")
  );
}

Async<std::string> oversized(Intruder* intruder) {
  co_return co_await intruder->throw_at(
      request_subject(*intruder), kReply, std::string(std::size_t{9} << 20, 'x')
  );
}

}  // namespace

void add_records(Abuses* abuses) {
  for (const Forgery& forgery : kForgeries) {
    abuses->push_back(
        {std::string("record-") + forgery.name,
         "OK",
         Shown::Rejected,
         [forgery](Intruder* intruder) { return record(intruder, forgery); }}
    );
  }
}

void add_frames(Abuses* abuses) {
  for (const Bytes& frame : kFrames) {
    abuses->push_back(
        {std::string("frame-") + frame.name,
         "Ignored",
         Shown::Answer,
         [make = frame.make](Intruder* intruder) {
           return intruder->throw_at(request_subject(*intruder), kReply, make(*intruder));
         }}
    );
  }
  int number = 0;
  for (const char* reply : kReplies) {
    abuses->push_back(
        {"frame-answered-elsewhere-" + std::to_string(++number),
         "Ignored",
         Shown::Answer,
         [reply](Intruder* intruder) {
           return intruder->throw_at(request_subject(*intruder), reply, garbage_payload(*intruder));
         }}
    );
  }
  abuses->push_back({"frame-oversized", "Invalid", Shown::Answer, oversized});
  abuses->push_back({"control-cancel", "Ignored", Shown::Answer, [](Intruder* intruder) {
                       return control(intruder, common::v1::KIND_CANCEL);
                     }});
  abuses->push_back({"control-credit", "Ignored", Shown::Answer, [](Intruder* intruder) {
                       return control(intruder, common::v1::KIND_CREDIT);
                     }});
}

}  // namespace sluice::e2e
