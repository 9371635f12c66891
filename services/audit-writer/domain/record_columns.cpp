#include "services/audit-writer/domain/record_columns.h"

#include "common/base/bytes.h"

#include <array>
#include <functional>

namespace sluice::audit_writer {
namespace {

using Add = void (*)(ArrayLiteral&, const StoredRecord&);

struct Column {
  std::string_view name;
  std::string_view type;
  Add add;
};

void text_or_null(ArrayLiteral& out, const std::string& text) {
  text.empty() ? out.add_null() : out.add(text);
}

void bytes_or_null(ArrayLiteral& out, const std::string& bytes) {
  bytes.empty() ? out.add_null() : out.add_bytes(bytes);
}

void number_or_null(ArrayLiteral& out, std::int64_t number) {
  number == 0 ? out.add_null() : out.add_number(number);
}

void add_outcome(ArrayLiteral& out, audit::v1::Outcome outcome) {
  switch (outcome) {
    case audit::v1::OUTCOME_DONE:
      return out.add("done");
    case audit::v1::OUTCOME_REFUSED:
      return out.add("refused");
    case audit::v1::OUTCOME_FAILED:
      return out.add("failed");
    case audit::v1::OUTCOME_UNKNOWN:
      return out.add("unknown");
    default:
      return out.add_null();
  }
}

// The table, once. Order is that of the INSERT; names are those of
// migrations/0001_audit_records.sql. Times are milliseconds here and become timestamptz in the
// statement.
constexpr std::array kColumns{
    Column{"day", "integer", [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.day); }},
    Column{
        "event_id",
        "uuid",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add(r.fields.event_id()); }
    },
    Column{
        "producer",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add(r.fields.producer()); }
    },
    Column{
        "instance",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add(r.fields.instance()); }
    },
    Column{
        "boot",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) {
          o.add_number(static_cast<std::int64_t>(r.fields.boot()));
        }
    },
    Column{
        "sequence",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) {
          o.add_number(static_cast<std::int64_t>(r.fields.sequence()));
        }
    },
    Column{
        "schema_version",
        "integer",
        [](ArrayLiteral& o, const StoredRecord& r) {
          o.add_number(static_cast<std::int32_t>(r.fields.schema_version()));
        }
    },
    Column{
        "tenant",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.tenant()); }
    },
    Column{
        "principal",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.principal()); }
    },
    Column{
        "agent",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.agent()); }
    },
    Column{
        "key_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.key_id()); }
    },
    Column{
        "source_address",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.source_address()); }
    },
    Column{
        "chain_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.chain_id()); }
    },
    Column{
        "hop",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.fields.hop()); }
    },
    Column{
        "request_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.request_id()); }
    },
    Column{
        "run_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.run_id()); }
    },
    Column{
        "trace_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.trace_id()); }
    },
    Column{
        "action", "text", [](ArrayLiteral& o, const StoredRecord& r) { o.add(r.fields.action()); }
    },
    Column{
        "server",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.server()); }
    },
    Column{
        "tool",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.tool()); }
    },
    Column{
        "definition_hash",
        "bytea",
        [](ArrayLiteral& o, const StoredRecord& r) { bytes_or_null(o, r.fields.definition_hash()); }
    },
    Column{
        "provider",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.provider()); }
    },
    Column{
        "model",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.model()); }
    },
    Column{
        "tool_call_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.tool_call_id()); }
    },
    Column{
        "policy_version",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) {
          number_or_null(o, static_cast<std::int64_t>(r.fields.policy_version()));
        }
    },
    Column{
        "rule",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.rule()); }
    },
    Column{
        "decision",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.decision()); }
    },
    Column{
        "reason",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.reason()); }
    },
    Column{
        "grant_id",
        "bytea",
        [](ArrayLiteral& o, const StoredRecord& r) { bytes_or_null(o, r.fields.grant_id()); }
    },
    Column{
        "approval_id",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.approval_id()); }
    },
    Column{
        "effect_class",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.effect_class()); }
    },
    Column{
        "decision_id",
        "bytea",
        [](ArrayLiteral& o, const StoredRecord& r) { bytes_or_null(o, r.fields.decision_id()); }
    },
    Column{
        "args_digest",
        "bytea",
        [](ArrayLiteral& o, const StoredRecord& r) { bytes_or_null(o, r.fields.args_digest()); }
    },
    Column{
        "result_digest",
        "bytea",
        [](ArrayLiteral& o, const StoredRecord& r) { bytes_or_null(o, r.fields.result_digest()); }
    },
    Column{
        "body_truncated",
        "boolean",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add(r.fields.body_truncated() ? "t" : "f"); }
    },
    Column{
        "prompt_tokens",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.fields.prompt_tokens()); }
    },
    Column{
        "completion_tokens",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.fields.completion_tokens()); }
    },
    Column{
        "cost_micro_usd",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.fields.cost_micro_usd()); }
    },
    Column{
        "latency_us",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) {
          o.add_number(static_cast<std::int64_t>(r.fields.latency_us()));
        }
    },
    Column{
        "outcome",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { add_outcome(o, r.fields.outcome()); }
    },
    Column{
        "error_code",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.error_code()); }
    },
    Column{
        "detail",
        "text",
        [](ArrayLiteral& o, const StoredRecord& r) { text_or_null(o, r.fields.detail()); }
    },
    Column{
        "occurred_at",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.fields.wall_unix_ms()); }
    },
    Column{
        "monotonic_ns",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_number(r.fields.monotonic_ns()); }
    },
    Column{
        "deadline_at",
        "bigint",
        [](ArrayLiteral& o, const StoredRecord& r) {
          number_or_null(o, r.fields.deadline_unix_ms());
        }
    },
    Column{"record", "bytea", [](ArrayLiteral& o, const StoredRecord& r) { o.add_bytes(r.bytes); }},
    Column{
        "record_sha256",
        "bytea",
        [](ArrayLiteral& o, const StoredRecord& r) { o.add_bytes(r.sha256); }
    },
};

}  // namespace

void ArrayLiteral::separate() {
  if (text_.size() > 1) {
    text_.push_back(',');
  }
}

void ArrayLiteral::add(std::string_view text) {
  separate();
  text_.push_back('"');
  for (const char c : text) {
    if (c == '\0') {
      text_.append("\xEF\xBF\xBD");
      continue;
    }
    if (c == '"' || c == '\\') {
      text_.push_back('\\');
    }
    text_.push_back(c);
  }
  text_.push_back('"');
}

void ArrayLiteral::add_bytes(std::string_view bytes) {
  separate();
  text_.append("\"\\\\x").append(to_hex(bytes)).push_back('"');
}

void ArrayLiteral::add_number(std::int64_t number) {
  separate();
  text_.append(std::to_string(number));
}

void ArrayLiteral::add_null() {
  separate();
  text_.append("NULL");
}

std::string ArrayLiteral::take() {
  text_.push_back('}');
  return std::exchange(text_, "{");
}

std::vector<ColumnArray> record_columns(std::span<const StoredRecord* const> records) {
  std::vector<ColumnArray> arrays;
  arrays.reserve(kColumns.size());
  for (const Column& column : kColumns) {
    ArrayLiteral literal;
    for (const StoredRecord* record : records) {
      column.add(literal, *record);
    }
    arrays.push_back({column.name, column.type, literal.take()});
  }
  return arrays;
}

bool fits_text(std::string_view bytes) {
  return is_utf8(bytes) && bytes.find('\0') == std::string_view::npos;
}

}  // namespace sluice::audit_writer
