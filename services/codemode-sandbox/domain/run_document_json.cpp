// RunDocument as JSON. Parts are left out, the least telling first, until the whole fits.
#include "services/codemode-sandbox/domain/run_document.h"
#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include "common/base/bytes.h"
#include "common/grant/policy_names.h"
#include "common/json/write.h"

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kErrorInSummaryMax = 512;

// What is left out of a document.
enum class Left { Nothing, Arguments, Console, Value, Calls };

// Writes members in their order; values that are JSON already go in as they are.
class Json {
 public:
  void begin(char open) {
    out_.push_back(open);
    first_ = true;
  }

  void end(char close) {
    out_.push_back(close);
    first_ = false;
  }

  void key(std::string_view name) {
    item();
    json::append_quoted(out_, name);
    out_.push_back(':');
    first_ = true;  // the value needs no comma
  }

  void item() {
    if (!first_) {
      out_.push_back(',');
    }
    first_ = false;
  }

  void text(std::string_view name, std::string_view value) {
    key(name);
    json::append_quoted(out_, value);
    first_ = false;
  }

  // Leaves an empty one out.
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      text(name, value);
    }
  }

  void number(std::string_view name, std::int64_t value) {
    key(name);
    out_ += std::to_string(value);
    first_ = false;
  }

  void flag(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
    first_ = false;
  }

  void raw(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
    first_ = false;
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  std::string out_;
  bool first_ = true;
};

void add(Json* out, const codemode::v1::Check& check) {
  out->key("check");
  out->begin('{');
  out->key("diagnostics");
  out->begin('[');
  for (const auto& diagnostic : check.diagnostics()) {
    out->item();
    out->begin('{');
    out->flag("blocks", diagnostic.blocks());
    out->text("message", diagnostic.message());
    out->number("line", diagnostic.line());
    out->number("column", diagnostic.column());
    out->text_if("excerpt", diagnostic.excerpt());
    out->text_if("hint", diagnostic.hint());
    out->number("code", diagnostic.code());
    out->end('}');
  }
  out->end(']');
  out->key("calls");
  out->begin('[');
  for (const auto& call : check.calls()) {
    out->item();
    out->begin('{');
    out->text("server", call.server());
    out->text("tool", call.tool());
    out->number("line", call.line());
    out->number("column", call.column());
    out->flag("in_function", call.in_function());
    out->flag("in_loop", call.in_loop());
    out->end('}');
  }
  out->end(']');
  out->key("escapes");
  out->begin('[');
  for (const auto& escape : check.escapes()) {
    out->item();
    out->begin('{');
    out->text("reason", escape.reason());
    out->number("line", escape.line());
    out->number("column", escape.column());
    out->text_if("excerpt", escape.excerpt());
    out->text_if("hint", escape.hint());
    out->end('}');
  }
  out->end(']');
  out->end('}');
}

void add(Json* out, const std::vector<codemode::v1::CallVerdict>& call_set) {
  out->key("call_set");
  out->begin('[');
  for (const auto& call : call_set) {
    out->item();
    out->begin('{');
    out->text("server", call.server());
    out->text("tool", call.tool());
    out->text("verdict", policy::v1::name_of(call.verdict()));
    out->text("rule", call.rule());
    out->text_if("reason", clipped(call.reason(), kRunMessageShownMax));
    out->end('}');
  }
  out->end(']');
}

void add(Json* out, const codemode::v1::ScriptError& error) {
  out->key("error");
  out->begin('{');
  out->text("message", error.message());
  if (error.line() > 0) {
    out->number("line", error.line());
    out->number("column", error.column());
  }
  out->text_if("stack", error.stack());
  out->text_if("hint", error.hint());
  out->text_if("excerpt", error.excerpt());
  out->end('}');
}

void add(Json* out, const RunLimits& limits) {
  out->key("limits");
  out->begin('{');
  out->number("wall_ms", limits.wall.count());
  out->number("heap_bytes", static_cast<std::int64_t>(limits.heap_bytes));
  out->number("console_bytes", static_cast<std::int64_t>(limits.console_bytes));
  out->number("calls_max", limits.calls_max);
  out->end('}');
}

void add_used(Json* out, const runner::Finished& used, std::uint32_t calls) {
  out->key("used");
  out->begin('{');
  out->number("compile_us", used.compile_us());
  out->number("start_us", used.start_us());
  out->number("wall_us", used.wall_us());
  out->number("cpu_us", used.cpu_us());
  out->number("memory_peak_kib", used.memory_peak_kib());
  out->number("calls", calls);
  out->end('}');
}

}  // namespace

// Writes what a document holds.
class RunDocument::Writer {
 public:
  Writer(const RunDocument& document, std::int64_t now_unix_ms)
      : document_(document), now_unix_ms_(now_unix_ms) {}

  void head(Json* out) const {
    out->text("run_id", document_.run_id_);
    out->text("state", document_.state_);
    out->text("tenant", document_.tenant_);
    out->text("principal", document_.principal_);
    out->text_if("agent", document_.agent_);
    out->text_if("key_id", document_.key_id_);
    out->text("chain_id", document_.chain_id_);
    out->text_if("request_id", document_.request_id_);
    out->text_if("tool_call_id", document_.tool_call_id_);
    out->flag("unattended", document_.is_unattended_);
    out->number("started_unix_ms", document_.started_unix_ms_);
    out->number("updated_unix_ms", now_unix_ms_);
    if (document_.has_ended()) {
      out->number("ended_unix_ms", document_.ended_unix_ms_);
      out->number("duration_ms", document_.duration_ms_);
    }
    out->text_if("approval_id", document_.approval_id_);
    out->number("calls_made", document_.calls_made_);
  }

  [[nodiscard]] std::string summary() const {
    Json out;
    out.begin('{');
    head(&out);
    if (document_.has_error_) {
      out.text("error", clipped(document_.error_.message(), kErrorInSummaryMax));
    }
    out.end('}');
    return out.take();
  }

  [[nodiscard]] std::string json(Left left) const {
    Json out;
    out.begin('{');
    head(&out);
    out.text("source", document_.source_);
    out.text("source_digest", to_hex(document_.source_digest_));
    if (document_.is_checked_) {
      add(&out, document_.check_);
    }
    add(&out, document_.call_set_);
    calls(&out, left);
    console(&out, left);
    value(&out, left);
    if (document_.has_error_) {
      add(&out, document_.error_);
    }
    if (document_.limits_) {
      add(&out, *document_.limits_);
    }
    if (document_.has_used_) {
      add_used(&out, document_.used_, document_.calls_made_);
    }
    if (left != Left::Nothing) {
      out.flag("shortened", true);
    }
    out.end('}');
    return out.take();
  }

 private:
  void calls(Json* out, Left left) const {
    out->key("calls");
    out->begin('[');
    for (const auto& call : document_.calls_) {
      if (left >= Left::Calls) {
        break;
      }
      out->item();
      one(out, call, left);
    }
    out->end(']');
  }

  static void one(Json* out, const RunDocument::Call& call, Left left) {
    out->begin('{');
    out->number("id", call.start.call_id);
    out->text("server", call.start.server);
    out->text("tool", call.start.tool);
    out->text_if("call_site", call.start.call_site);
    if (left >= Left::Arguments || (!call.whole && call.start.arguments.empty())) {
      out->flag("arguments_clipped", true);
    } else if (call.whole) {
      out->raw("arguments", call.start.arguments);
    } else {
      out->text("arguments", call.start.arguments);
      out->flag("arguments_clipped", true);
    }
    out->text("arguments_digest", to_hex(call.digest));
    out->number("started_unix_ms", call.started_unix_ms);
    if (call.ended_unix_ms != 0) {
      out->number("ended_unix_ms", call.ended_unix_ms);
      out->text("outcome", call.end.outcome);
      out->text_if("message", call.end.message);
      out->text_if("rule", call.end.rule);
    }
    out->end('}');
  }

  void console(Json* out, Left left) const {
    out->key("console");
    out->begin('[');
    for (const auto& line : document_.console_) {
      if (left >= Left::Console) {
        break;
      }
      out->item();
      out->begin('{');
      out->text("level", line.level);
      out->text("text", line.text);
      out->end('}');
    }
    out->end(']');
    const std::uint64_t dropped =
        document_.console_bytes_dropped_ + (left >= Left::Console ? document_.console_bytes_ : 0);
    out->number("console_bytes_dropped", static_cast<std::int64_t>(dropped));
  }

  void value(Json* out, Left left) const {
    if (!document_.has_value_) {
      return;
    }
    if (document_.value_clipped_ || left >= Left::Value) {
      out->text("value", left >= Left::Value ? "" : std::string_view(document_.value_));
      out->flag("value_clipped", true);
    } else {
      out->raw("value", document_.value_);
    }
    out->number("value_bytes", static_cast<std::int64_t>(document_.value_bytes_));
  }

  const RunDocument& document_;
  std::int64_t now_unix_ms_;
};

std::string RunDocument::summary(std::int64_t now_unix_ms) const {
  return Writer(*this, now_unix_ms).summary();
}

std::string RunDocument::json(std::int64_t now_unix_ms) const {
  const Writer writer(*this, now_unix_ms);
  for (const Left left :
       {Left::Nothing, Left::Arguments, Left::Console, Left::Value, Left::Calls}) {
    std::string whole = writer.json(left);
    if (whole.size() <= kRunDocumentBytesMax) {
      return whole;
    }
  }
  return writer.summary();
}

}  // namespace sluice::codemode_sandbox
