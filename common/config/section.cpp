#include "common/config/config.h"
#include "common/config/ledger.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <utility>

namespace sluice::config {
namespace {

constexpr std::size_t kSecretFileBytesMax = std::size_t{64} << 10;

// Where the value of one key stands: in a variable (text), in the file (value), or nowhere.
struct Found {
  std::optional<std::string> text;
  const json::Value* value = nullptr;
  std::string source = "default";
  bool faulty = false;  // noted already

  [[nodiscard]] bool absent() const { return !text && value == nullptr; }
};

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&is_letter](char c) {
           return is_letter(c) || (c >= '0' && c <= '9');
         });
}

// "env.NAME" -> "NAME"
std::optional<std::string> reference_in(std::string_view text) {
  constexpr std::string_view kPrefix = "env.";
  if (text.starts_with(kPrefix) && is_variable_name(text.substr(kPrefix.size()))) {
    return std::string(text.substr(kPrefix.size()));
  }
  return std::nullopt;
}

std::string path_of(const Section::State& state, std::string_view key) {
  return key.empty() ? state.path : state.path + "." + std::string(key);
}

void note_fault(Section::State& state, std::string_view key, std::string_view what) {
  if (!state.broken) {
    state.ledger->fault(path_of(state, key), what);
  }
}

// The variable's value, or nullopt after a fault.
std::optional<std::string> resolve(
    Section::State& state, std::string_view key, const std::string& name
) {
  const auto variable = state.ledger->environment.find(name);
  if (variable == state.ledger->environment.end()) {
    note_fault(
        state, key, "refers to env." + name + ", which is not set; set it or give the value itself"
    );
    return std::nullopt;
  }
  return variable->second;
}

Found find(Section::State& state, std::string_view key) {
  state.known.emplace(key);
  Found found;
  if (!state.section.empty()) {
    const std::string name = variable_of(state.section, key);
    const auto variable = state.ledger->environment.find(name);
    if (variable != state.ledger->environment.end()) {
      found.text = variable->second;
      found.source = name;
      return found;
    }
  }
  const json::Value* value = state.object == nullptr ? nullptr : state.object->find(key);
  if (value == nullptr) {
    return found;
  }
  found.source = "file";
  const std::string* text = value->as_string();
  const auto reference = text == nullptr ? std::nullopt : reference_in(*text);
  if (!reference) {
    found.value = value;
    return found;
  }
  found.source = "env." + *reference;
  found.text = resolve(state, key, *reference);
  found.faulty = !found.text.has_value();
  return found;
}

void add_row(
    Section::State& state, std::string_view key, std::string type, std::string fallback, Row rest
) {
  rest.path = state.pattern + "." + std::string(key);
  rest.type = std::move(type);
  rest.fallback = std::move(fallback);
  state.ledger->add_row(std::move(rest));
}

void add_reading(
    Section::State& state, std::string_view key, std::string value, std::string source
) {
  state.ledger->add_reading(
      {.path = path_of(state, key), .value = std::move(value), .source = std::move(source)}
  );
}

// What stands there, for a message; the value of a variable is never shown.
std::string what_is(const Found& found) {
  return found.text ? "is what " + found.source + " holds, which does not fit"
                    : "is " + describe(*found.value);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : ", ") + word;
  }
  return out;
}

std::string wanted(const Integer& setting) {
  return "give an integer from " + std::to_string(setting.min) + " to " +
         std::to_string(setting.max) + (setting.unit.empty() ? "" : " (" + setting.unit + ")");
}

std::optional<std::int64_t> integer_in(const Found& found) {
  if (!found.text) {
    return found.value->as_int();
  }
  std::int64_t number = 0;
  const char* end = found.text->data() + found.text->size();
  const auto parsed = std::from_chars(found.text->data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::optional<bool> flag_in(const Found& found) {
  if (!found.text) {
    return found.value->as_bool();
  }
  if (*found.text == "true" || *found.text == "false") {
    return *found.text == "true";
  }
  return std::nullopt;
}

std::optional<std::string> secret_file(Section::State& state, std::string_view key) {
  const Found found = find(state, key);
  if (found.absent()) {
    return std::nullopt;
  }
  const std::string* path = found.text ? &*found.text : found.value->as_string();
  if (path == nullptr) {
    note_fault(state, key, what_is(found) + "; give the path of a file");
    return "";
  }
  std::ifstream file(*path, std::ios::binary);
  std::string content(kSecretFileBytesMax + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.empty() || content.size() > kSecretFileBytesMax) {
    note_fault(
        state, key, "names a file that is empty, too large or cannot be read; check path and owner"
    );
    return "";
  }
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) {
    content.pop_back();
  }
  return content;
}

}  // namespace

std::string Section::text(std::string_view key, Text setting) {
  const bool is_choice = !setting.choices.empty();
  add_row(
      *state_,
      key,
      is_choice ? "choice" : "text",
      !setting.fallback           ? "required"
      : setting.fallback->empty() ? ""
                                  : "`" + *setting.fallback + "`",
      {.bounds = joined(setting.choices), .description = setting.description}
  );
  const Found found = find(*state_, key);
  std::string fallback = setting.fallback.value_or(is_choice ? setting.choices.front() : "");
  const std::string want = is_choice ? "give one of: " + joined(setting.choices) : "give a string";
  if (found.absent()) {
    if (!setting.fallback && !found.faulty) {
      note_fault(*state_, key, "is missing; " + want);
    }
    add_reading(*state_, key, json::write(without_credentials(fallback)), found.source);
    return fallback;
  }
  const std::string* text = found.text ? &*found.text : found.value->as_string();
  if (text == nullptr ||
      (is_choice &&
       std::find(setting.choices.begin(), setting.choices.end(), *text) == setting.choices.end())) {
    note_fault(*state_, key, what_is(found) + "; " + want);
    return fallback;
  }
  add_reading(*state_, key, json::write(without_credentials(*text)), found.source);
  return *text;
}

std::int64_t Section::integer(std::string_view key, Integer setting) {
  add_row(
      *state_,
      key,
      "integer",
      setting.fallback ? std::to_string(*setting.fallback) : "required",
      {.unit = setting.unit,
       .bounds = std::to_string(setting.min) + " … " + std::to_string(setting.max),
       .description = setting.description}
  );
  const Found found = find(*state_, key);
  std::int64_t number = setting.fallback.value_or(setting.min);
  if (found.absent()) {
    if (!setting.fallback && !found.faulty) {
      note_fault(*state_, key, "is missing; " + wanted(setting));
    }
  } else if (const auto given = integer_in(found);
             !given || *given < setting.min || *given > setting.max) {
    note_fault(*state_, key, what_is(found) + "; " + wanted(setting));
  } else {
    number = *given;
  }
  add_reading(*state_, key, std::to_string(number), found.source);
  return number;
}

std::chrono::milliseconds Section::milliseconds(std::string_view key, Integer setting) {
  setting.unit = "ms";
  return std::chrono::milliseconds(integer(key, std::move(setting)));
}

bool Section::flag(std::string_view key, Flag setting) {
  const auto shown = [](bool flag) { return std::string(flag ? "true" : "false"); };
  add_row(
      *state_,
      key,
      "boolean",
      setting.fallback ? shown(*setting.fallback) : "required",
      {.description = setting.description}
  );
  const Found found = find(*state_, key);
  bool flag = setting.fallback.value_or(false);
  if (found.absent()) {
    if (!setting.fallback && !found.faulty) {
      note_fault(*state_, key, "is missing; give true or false");
    }
  } else if (const auto given = flag_in(found); !given) {
    note_fault(*state_, key, what_is(found) + "; give true or false");
  } else {
    flag = *given;
  }
  add_reading(*state_, key, shown(flag), found.source);
  return flag;
}

std::vector<std::string> Section::list(std::string_view key, List setting) {
  add_row(
      *state_,
      key,
      "list of text",
      !setting.fallback           ? "required"
      : setting.fallback->empty() ? ""
                                  : joined(*setting.fallback),
      {.description = setting.description}
  );
  state_->known.emplace(key);
  const json::Value* value = state_->object == nullptr ? nullptr : state_->object->find(key);
  std::vector<std::string> fallback = setting.fallback.value_or(std::vector<std::string>());
  if (value == nullptr) {
    if (!setting.fallback) {
      note_fault(*state_, key, "is missing; give an array of strings");
    }
    add_reading(*state_, key, joined(fallback), "default");
    return fallback;
  }
  if (!value->is_array()) {
    note_fault(*state_, key, "is " + describe(*value) + "; give an array of strings");
    return fallback;
  }
  std::vector<std::string> items;
  for (const json::Value& item : *value->as_array()) {
    const std::string* text = item.as_string();
    const std::string place = std::string(key) + "[" + std::to_string(items.size()) + "]";
    if (text == nullptr) {
      note_fault(*state_, place, "is " + describe(item) + "; give a string");
      items.emplace_back();
      continue;
    }
    const auto reference = reference_in(*text);
    items.push_back(reference ? resolve(*state_, place, *reference).value_or("") : *text);
  }
  add_reading(*state_, key, "(" + std::to_string(items.size()) + " items)", "file");
  return items;
}

Secret<std::string> Section::secret(std::string_view key, Text setting) {
  const std::string file_key = std::string(key) + "_file";
  const std::string fallback = setting.fallback ? "" : "required";
  add_row(*state_, key, "secret", fallback, {.description = setting.description});
  add_row(
      *state_, file_key, "path", "", {.description = "file that holds `" + std::string(key) + "`"}
  );
  const auto from_file = secret_file(*state_, file_key);
  const Found found = find(*state_, key);
  if (from_file && !found.absent()) {
    note_fault(*state_, key, "is given twice; give " + std::string(key) + " or " + file_key);
  }
  if (from_file) {
    add_reading(*state_, key, "(secret)", "file of " + file_key);
    return Secret<std::string>(*from_file);
  }
  if (found.absent()) {
    if (!setting.fallback && !found.faulty) {
      note_fault(*state_, key, "is missing; give a string, env.NAME, or " + file_key);
    }
    return Secret<std::string>(setting.fallback.value_or(""));
  }
  const std::string* text = found.text ? &*found.text : found.value->as_string();
  if (text == nullptr) {
    note_fault(*state_, key, "is no string; give a string, env.NAME, or " + file_key);
    return {};
  }
  add_reading(*state_, key, "(secret)", found.source);
  return Secret<std::string>(*text);
}

Section Section::child(std::string_view key) {
  state_->known.emplace(key);
  const json::Value* value = state_->object == nullptr ? nullptr : state_->object->find(key);
  const json::Object* object = value == nullptr ? nullptr : value->as_object();
  const bool is_new = !state_->ledger->states.contains(path_of(*state_, key));
  auto state = state_->ledger->state(
      path_of(*state_, key), state_->pattern + "." + std::string(key), object, ""
  );
  state->broken = state->broken || state_->broken;
  if (is_new && value != nullptr && object == nullptr) {
    note_fault(*state_, key, "is " + describe(*value) + "; give an object");
    state->broken = true;
  }
  return Section(std::move(state));
}

std::vector<Section> Section::children(std::string_view key) {
  Ledger& ledger = *state_->ledger;
  state_->known.emplace(key);
  const std::string pattern = state_->pattern + "." + std::string(key) + "[]";
  std::vector<Section> sections;
  const auto path = [&](std::size_t i) {
    return path_of(*state_, key) + "[" + std::to_string(i) + "]";
  };
  if (ledger.describing) {
    sections.emplace_back(ledger.state(path(0), pattern, nullptr, ""));
    return sections;
  }
  const json::Value* value = state_->object == nullptr ? nullptr : state_->object->find(key);
  if (value == nullptr) {
    return sections;
  }
  const json::Array* items = value->as_array();
  if (items == nullptr) {
    note_fault(*state_, key, "is " + describe(*value) + "; give an array of objects");
    return sections;
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    const json::Object* object = (*items)[i].as_object();
    if (object == nullptr) {
      ledger.fault(path(i), "is " + describe((*items)[i]) + "; give an object");
      continue;
    }
    sections.emplace_back(ledger.state(path(i), pattern, object, ""));
  }
  return sections;
}

std::vector<std::pair<std::string, Section>> Section::named(std::string_view key) {
  Ledger& ledger = *state_->ledger;
  // An empty key asks for the members of this object itself (providers.<name>).
  const json::Object* object = state_->object;
  const std::string path = path_of(*state_, key);
  const std::string pattern =
      state_->pattern + (key.empty() ? "" : "." + std::string(key)) + ".<name>";
  std::vector<std::pair<std::string, Section>> sections;
  if (ledger.describing) {
    sections.emplace_back("name", ledger.state(path + ".name", pattern, nullptr, ""));
    return sections;
  }
  if (!key.empty()) {
    state_->known.emplace(key);
    const json::Value* value = object == nullptr ? nullptr : object->find(key);
    object = value == nullptr ? nullptr : value->as_object();
    if (value != nullptr && object == nullptr) {
      note_fault(*state_, key, "is " + describe(*value) + "; give an object of objects");
    }
  }
  if (object == nullptr) {
    return sections;
  }
  for (const auto& [name, value] : object->members()) {
    std::string member = path;
    member.append(".").append(name);
    if (key.empty()) {
      state_->known.emplace(name);
    }
    if (!value.is_object()) {
      ledger.fault(member, "is " + describe(value) + "; give an object");
      continue;
    }
    sections.emplace_back(name, ledger.state(std::move(member), pattern, value.as_object(), ""));
  }
  return sections;
}

json::Value Section::raw(std::string_view key, std::string description) {
  add_row(*state_, key, "JSON", "", {.description = std::move(description)});
  state_->known.emplace(key);
  const json::Value* value = state_->object == nullptr ? nullptr : state_->object->find(key);
  if (value == nullptr) {
    return {};
  }
  add_reading(*state_, key, "(" + std::string(value->type_name()) + ")", "file");
  return *value;
}

bool Section::has(std::string_view key) const {
  if (!state_->section.empty() &&
      state_->ledger->environment.contains(variable_of(state_->section, key))) {
    return true;
  }
  return state_->object != nullptr && state_->object->contains(key);
}

void Section::leave_rest() {
  state_->rest_is_left = true;
}

std::string Section::path() const {
  return state_->path;
}

void Section::fault(std::string_view key, std::string_view what) {
  note_fault(*state_, key, what);
}

void Section::warn(std::string_view key, std::string_view what) {
  state_->ledger->warnings.push_back(path_of(*state_, key) + ": " + std::string(what));
}

}  // namespace sluice::config
