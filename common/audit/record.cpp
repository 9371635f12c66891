#include "common/audit/record.h"

#include "common/audit/client.h"
#include "common/audit/limits.h"
#include "common/audit/redact.h"
#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/observability/trace.h"

#include <array>

namespace sluice::audit {
namespace {

struct TextField {
  const std::string& (v1::Record::*get)() const;
  std::string* (v1::Record::*change)();
};

constexpr std::array<TextField, 18> kTextFields{{
    {&v1::Record::tenant, &v1::Record::mutable_tenant},
    {&v1::Record::principal, &v1::Record::mutable_principal},
    {&v1::Record::agent, &v1::Record::mutable_agent},
    {&v1::Record::key_id, &v1::Record::mutable_key_id},
    {&v1::Record::source_address, &v1::Record::mutable_source_address},
    {&v1::Record::chain_id, &v1::Record::mutable_chain_id},
    {&v1::Record::request_id, &v1::Record::mutable_request_id},
    {&v1::Record::run_id, &v1::Record::mutable_run_id},
    {&v1::Record::trace_id, &v1::Record::mutable_trace_id},
    {&v1::Record::action, &v1::Record::mutable_action},
    {&v1::Record::server, &v1::Record::mutable_server},
    {&v1::Record::tool, &v1::Record::mutable_tool},
    {&v1::Record::provider, &v1::Record::mutable_provider},
    {&v1::Record::model, &v1::Record::mutable_model},
    {&v1::Record::tool_call_id, &v1::Record::mutable_tool_call_id},
    {&v1::Record::rule, &v1::Record::mutable_rule},
    {&v1::Record::reason, &v1::Record::mutable_reason},
    {&v1::Record::detail, &v1::Record::mutable_detail},
}};

// A proto3 string that is not UTF-8 cannot be read back, so every stray byte becomes '?'.
void bound_text(v1::Record& record) {
  for (const TextField& field : kTextFields) {
    const std::string& text = (record.*field.get)();
    if (text.size() > kTextBytesMax) {
      (record.*field.change)()->resize(clip_utf8(text, kTextBytesMax).size());
    }
    if (!is_utf8(text)) {
      for (char& c : *(record.*field.change)()) {
        c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
      }
    }
  }
}

void bound_body(v1::Record& record) {
  std::string& body = *record.mutable_body();
  if (keeps_exact_result(record)) {
    if (body.size() > kResultBytesMax) {
      body = redact(clip_utf8(body, kBodyBytesMax));
      record.set_body_truncated(true);
    }
    return;
  }
  // Redacting the part that can stay is enough; a secret cut off at the end is masked to the end.
  const bool cut = body.size() > 2 * kBodyBytesMax;
  std::string masked = redact(cut ? clip_utf8(body, 2 * kBodyBytesMax) : std::string_view(body));
  if (cut || masked.size() > kBodyBytesMax) {
    masked.resize(clip_utf8(masked, kBodyBytesMax).size());
    record.set_body_truncated(true);
  }
  body = std::move(masked);
}

}  // namespace

bool keeps_exact_result(const v1::Record& record) {
  return record.action() == kToolOutcome &&
         (record.effect_class() == "write" || record.effect_class() == "delete") &&
         !record.body_truncated();
}

void bound(v1::Record& record) {
  if (!record.body().empty()) {
    bound_body(record);
  }
  bound_text(record);
}

void complete(v1::Record& record, const Producer& producer, std::uint64_t sequence, Times times) {
  bound(record);
  if (record.event_id().empty(
      )) {  // a producer may choose it beforehand, to name the record elsewhere
    record.set_event_id(crypto::uuid_v7(times.wall_unix_ms));
  }
  record.set_producer(producer.service);
  record.set_instance(producer.instance);
  record.set_boot(producer.boot);
  record.set_sequence(sequence);
  record.set_schema_version(kSchemaVersion);
  record.set_wall_unix_ms(times.wall_unix_ms);
  record.set_monotonic_ns(times.monotonic_ns);
}

void begin(v1::Record& record, const RequestContext& context, std::string_view action) {
  record.Clear();
  record.set_action(action.data(), action.size());
  record.set_tenant(context.tenant.str());
  record.set_principal(context.principal.str());
  record.set_chain_id(context.chain.str());
  record.set_hop(context.hop);
  record.set_request_id(context.request.str());
  record.set_run_id(context.run.str());
  if (const auto trace = observability::parse_trace_parent(context.trace_parent)) {
    record.set_trace_id(trace->trace_id.data(), trace->trace_id.size());
  }
}

v1::Record record_of(const RequestContext& context, std::string_view action) {
  v1::Record record;
  begin(record, context, action);
  return record;
}

}  // namespace sluice::audit
