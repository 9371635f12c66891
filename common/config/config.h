// One JSON file for all services (comments allowed). Each service reads its own sections fully and
// reports every fault at once; nothing connects before all settings are known to be good. Defaults
// < file < environment.
#pragma once

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/json/value.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

// Every setting documents itself; README tables are printed from these (./dev docs runs the service
// with --print-settings).
struct Text {
  std::optional<std::string> fallback;  // none: required
  std::vector<std::string> choices;     // empty: any
  std::string description;
};

struct Integer {
  std::optional<std::int64_t> fallback;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string unit;  // "ms", "bytes", "" …; the key carries it as suffix
  std::string description;
};

struct Flag {
  std::optional<bool> fallback;
  std::string description;
};

struct List {
  std::optional<std::vector<std::string>> fallback;
  std::string description;
};

// One object of the file; valid as long as its Document. Reads never fail: a fault is noted, a
// usable value returned, and Document::finish() reports. A text value "env.NAME" is replaced by
// that variable; unset is a fault. SLUICE_<SECTION>_<KEY> overrides a top-level section's scalar
// (SLUICE_POLICY_CACHE_TTL_MS for policy.cache_ttl_ms).
class Section {
 public:
  [[nodiscard]] std::string text(std::string_view key, Text setting);
  [[nodiscard]] std::int64_t integer(std::string_view key, Integer setting);
  [[nodiscard]] std::chrono::milliseconds milliseconds(std::string_view key, Integer setting);
  [[nodiscard]] bool flag(std::string_view key, Flag setting);
  [[nodiscard]] std::vector<std::string> list(std::string_view key, List setting);
  // Content of the file <key>_file, or the value itself.
  [[nodiscard]] Secret<std::string> secret(std::string_view key, Text setting);
  [[nodiscard]] Section child(std::string_view key);                  // absent: empty object
  [[nodiscard]] std::vector<Section> children(std::string_view key);  // array of objects
  // An object of objects; with an empty key, the members of this section itself (providers.<name>).
  [[nodiscard]] std::vector<std::pair<std::string, Section>> named(std::string_view key);
  // The member as it stands ("env.NAME" not replaced), marked as known; null when absent.
  [[nodiscard]] json::Value raw(std::string_view key, std::string description);

  [[nodiscard]] bool has(std::string_view key) const;
  // For a reader that takes only a part of this object: its unknown keys are the business of the
  // service that owns it.
  void leave_rest();
  [[nodiscard]] std::string path() const;                   // "mcp.client_configs[2]"
  void fault(std::string_view key, std::string_view what);  // what, and what to do
  void warn(std::string_view key, std::string_view what);

  struct State;  // internal

  explicit Section(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

// Variables by name.
using Environment = std::map<std::string, std::string, std::less<>>;

// Where a document came from, to read it again.
struct Source {
  std::string path;  // "": from no file
  Environment environment;
};

class Document {
 public:
  // Errors: Invalid (unreadable, malformed, not an object).
  [[nodiscard]] static Result<Document> load(const std::string& path, Environment environment);
  [[nodiscard]] static Result<Document> from_text(std::string_view text, Environment environment);

  [[nodiscard]] Source source() const;

  // An empty document whose lists and maps have one empty element: reading it names every setting
  // (settings_table).
  [[nodiscard]] static Document describing();

  // A top-level section: bus redis postgres http auth providers mcp policy codemode audit
  // observability.
  [[nodiscard]] Section section(std::string_view name);

  // After all reads: unknown top-level keys, unknown keys of sections read, bad values. Errors:
  // Invalid, message lists all faults, one a line: "policy.cache_ttl_ms: is "x", a string; give an
  // integer from 1 to 60000 (ms)".
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] std::vector<std::string> warnings() const;
  // key, type, unit, default, bounds, description of every setting read so far, as a Markdown
  // table.
  [[nodiscard]] std::string settings_table() const;
  // Every setting read so far with its value and where it came from, one a line. Secrets and raw
  // members are masked.
  [[nodiscard]] std::string effective() const;

 private:
  struct Body;
  std::shared_ptr<Body> body_;
};

// The environment of this process: the one place that reads it.
[[nodiscard]] Environment process_environment();

}  // namespace sluice::config
