#include "common/config/config.h"
#include "common/config/ledger.h"
#include "common/json/parse.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace sluice::config {
namespace {

// Source: the configuration chapter of ARCHITECTURE.md; one file for all services.
constexpr std::array kSections{
    "bus",
    "redis",
    "postgres",
    "http",
    "auth",
    "providers",
    "mcp",
    "policy",
    "codemode",
    "audit",
    "observability"
};

constexpr std::size_t kFileBytesMax = std::size_t{8} << 20;

std::set<std::string, std::less<>> section_names() {
  return {kSections.begin(), kSections.end()};
}

std::string hint(std::string_view word, const std::set<std::string, std::less<>>& candidates) {
  const std::string meant = nearest(word, candidates);
  return meant.empty() ? "remove it" : "did you mean \"" + meant + "\"? Else remove it";
}

void find_unknown_keys(Ledger& ledger, const Section::State& state) {
  if (state.object == nullptr || state.rest_is_left) {
    return;
  }
  for (const auto& [key, value] : state.object->members()) {
    if (!state.known.contains(key)) {
      ledger.fault(
          state.path + "." + key, "is not a setting of this section; " + hint(key, state.known)
      );
    }
  }
}

// A variable that overrides nothing is most likely a mistake too, but may belong to another
// program: a warning.
void find_unknown_variables(Ledger& ledger, const Section::State& state) {
  if (state.section.empty() || state.rest_is_left) {
    return;
  }
  std::set<std::string, std::less<>> variables;
  for (const std::string& key : state.known) {
    variables.insert(variable_of(state.section, key));
  }
  const std::string prefix = variable_of(state.section, "");
  for (auto place = ledger.environment.lower_bound(prefix);
       place != ledger.environment.end() && place->first.starts_with(prefix);
       ++place) {
    if (!variables.contains(place->first)) {
      ledger.warnings.push_back(
          place->first + ": overrides no setting of " + state.section + "; " +
          hint(place->first, variables)
      );
    }
  }
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '|' ? "\\|" : std::string(1, c);
  }
  return out;
}

}  // namespace

struct Document::Body {
  Ledger ledger;
  std::string path;
};

Result<Document> Document::from_text(std::string_view text, Environment environment) {
  SLUICE_TRY(json::Value root, json::parse_with_comments(text, {.bytes_max = kFileBytesMax}));
  if (!root.is_object()) {
    return Error(
        Code::Invalid,
        "the configuration is " + describe(root) +
            "; give one object with the sections bus, redis, …"
    );
  }
  Document document;
  document.body_ = std::make_shared<Body>();
  document.body_->ledger.root = std::move(root);
  document.body_->ledger.environment = std::move(environment);
  return document;
}

Result<Document> Document::load(const std::string& path, Environment environment) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error(
        Code::Invalid,
        "the configuration file " + path + " cannot be read (" +
            std::generic_category().message(errno) + "); give its path by --config or SLUICE_CONFIG"
    );
  }
  std::string text;
  std::array<char, 16384> piece{};
  while (text.size() <= kFileBytesMax && (file.read(piece.data(), piece.size()), file.gcount() > 0)
  ) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad() || text.empty()) {
    return Error(
        Code::Invalid,
        "the configuration file " + path + " is empty or no file; give one JSON object"
    );
  }
  auto document = from_text(text, std::move(environment));
  if (!document.ok()) {
    return Error(Code::Invalid, path + ": " + document.error().message());
  }
  document.value().body_->path = path;
  return document;
}

Source Document::source() const {
  return {body_->path, body_->ledger.environment};
}

Document Document::describing() {
  Document document;
  document.body_ = std::make_shared<Body>();
  document.body_->ledger.root = json::Value(json::Object());
  document.body_->ledger.describing = true;
  return document;
}

Section Document::section(std::string_view name) {
  Ledger& ledger = body_->ledger;
  const json::Value* value = ledger.root.find(name);
  const json::Object* object = value == nullptr ? nullptr : value->as_object();
  const bool is_new = !ledger.states.contains(name);
  auto state = ledger.state(std::string(name), std::string(name), object, name);
  if (is_new && value != nullptr && object == nullptr) {
    state->broken = true;
    ledger.fault(name, "is " + describe(*value) + "; give an object");
  }
  return Section(std::move(state));
}

Result<void> Document::finish() {
  Ledger& ledger = body_->ledger;
  for (const auto& [key, value] : ledger.root.as_object()->members()) {
    if (!section_names().contains(key)) {
      ledger.fault(key, "is not a section of this file; " + hint(key, section_names()));
    }
  }
  for (const auto& [path, state] : ledger.states) {
    find_unknown_keys(ledger, *state);
    find_unknown_variables(ledger, *state);
  }
  if (ledger.faults.empty()) {
    return {};
  }
  std::string message;
  for (const std::string& fault : ledger.faults) {
    message += message.empty() ? "" : "\n";
    message += fault;
  }
  return Error(Code::Invalid, std::move(message));
}

std::vector<std::string> Document::warnings() const {
  return body_->ledger.warnings;
}

std::string Document::settings_table() const {
  std::string out =
      "| Setting | Type | Unit | Default | Bounds | Meaning |\n|---|---|---|---|---|---|\n";
  for (const Row& row : body_->ledger.rows) {
    out += "| `" + cell(row.path) + "` | " + row.type + " | " + row.unit + " | " +
           cell(row.fallback) + " | " + cell(row.bounds) + " | " + cell(row.description) + " |\n";
  }
  return out;
}

std::string Document::effective() const {
  std::string out;
  for (const Reading& reading : body_->ledger.readings) {
    out += reading.path + " = " + reading.value + "  (" + reading.source + ")\n";
  }
  return out;
}

Environment process_environment() {
  constexpr std::size_t kVariablesMax = 65536;
  Environment environment;
  for (std::size_t i = 0; i < kVariablesMax && environ[i] != nullptr; ++i) {
    const std::string_view entry(environ[i]);
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos) {
      environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
  }
  return environment;
}

}  // namespace sluice::config
