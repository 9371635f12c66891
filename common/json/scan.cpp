// The hot reader: simdjson finds the structure, this file walks it once and checks every token.
// simdjson's On-Demand front end skips what it is not asked for, so scalars and escapes are checked
// here.
#include "common/json/scan.h"

#include "common/json/number.h"
#include "common/json/string_text.h"
#include "common/json/value.h"

#include <algorithm>

#include <simdjson.h>

namespace sluice::json {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(kScanPadding >= simdjson::SIMDJSON_PADDING);

constexpr int kDepthMax = 64;
// Larger documents get a parser of their own, so that a thread does not keep its large index
// buffers for good. Source: the index takes 4 bytes, the string buffer 5/3 byte a byte of input: 1
// MiB keeps under 6 MiB a thread.
constexpr std::size_t kKeptParserBytesMax = std::size_t{1} << 20;
constexpr std::size_t kLinearKeysMax = 16;

Error malformed(std::string_view what, std::size_t offset) {
  return Error(
      Code::Invalid,
      std::string(what) + " at byte " + std::to_string(offset) +
          " of the JSON document: send one well-formed JSON object"
  );
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// token: one scalar as it stands, white space behind it removed.
bool is_scalar_token(std::string_view token) {
  switch (token.empty() ? '\0' : token.front()) {
    case '"':
      return token.size() >= 2 && token.back() == '"' &&
             has_valid_escapes(token.substr(1, token.size() - 2));
    case 't':
      return token == "true";
    case 'f':
      return token == "false";
    case 'n':
      return token == "null";
    default:
      return is_number_token(token) && (is_integer_token(token) || double_of(token).has_value());
  }
}

// The raw key of a field. simdjson knows where it begins; it ends at the first quote not escaped.
std::string_view raw_key(const char* begin, const char* limit) {
  const char* at = begin;
  while (at < limit && *at != '"') {
    at += *at == '\\' ? 2 : 1;
  }
  return {begin, static_cast<std::size_t>(std::min(at, limit) - begin)};
}

// Walks one document. Functions answer nullptr, or what is wrong in a few words.
class Walker {
 public:
  Walker(std::string_view document, ondemand::document& parsed)
      : document_(document), parsed_(parsed) {}

  const char* value(ondemand::value value, int depth) {
    const std::string_view token = without_trailing_space(value.raw_json_token());
    at_ = offset_of(token.begin());
    switch (token.empty() ? '\0' : token.front()) {
      case '{':
        return nested_object(value, depth);
      case '[':
        return nested_array(value, depth);
      case '"':
        // Taken, not left for simdjson to skip: it takes a skipped string before a colon for a key,
        // anywhere.
        if (value.get_raw_json_string().error() != simdjson::SUCCESS) {
          return "malformed value";
        }
        break;
      default:
        break;
    }
    end_ = at_ + token.size();
    return is_scalar_token(token) ? nullptr : "malformed value";
  }

  // Raw key of a member, checked.
  const char* key(ondemand::field& field, std::string_view& raw) {
    const char* const begin = field.key().raw();
    raw = raw_key(begin, document_.data() + document_.size());
    at_ = offset_of(begin) - 1;
    return has_valid_escapes(raw) ? nullptr : "malformed key";
  }

  [[nodiscard]] std::size_t offset_of(const char* place) const {
    return static_cast<std::size_t>(place - document_.data());
  }

  [[nodiscard]] std::size_t at() const { return at_; }  // begin of what was looked at last

  [[nodiscard]] std::size_t end() const { return end_; }  // behind the value walked last

 private:
  const char* nested_object(ondemand::value& value, int depth) {
    if (depth > kDepthMax) {
      return "nesting deeper than 64 levels";
    }
    auto object = value.get_object();
    if (object.error() != simdjson::SUCCESS) {
      return "malformed object";
    }
    for (auto item : object.value_unsafe()) {
      ondemand::field field;
      std::string_view raw;
      if (std::move(item).get(field) != simdjson::SUCCESS) {
        return "malformed object";
      }
      if (const char* const wrong = key(field, raw); wrong != nullptr) {
        return wrong;
      }
      if (const char* const wrong = this->value(field.value(), depth + 1); wrong != nullptr) {
        return wrong;
      }
    }
    return closed();
  }

  const char* nested_array(ondemand::value& value, int depth) {
    if (depth > kDepthMax) {
      return "nesting deeper than 64 levels";
    }
    auto array = value.get_array();
    if (array.error() != simdjson::SUCCESS) {
      return "malformed array";
    }
    for (auto item : array.value_unsafe()) {
      ondemand::value element;
      if (std::move(item).get(element) != simdjson::SUCCESS) {
        return "malformed array";
      }
      if (const char* const wrong = this->value(element, depth + 1); wrong != nullptr) {
        return wrong;
      }
    }
    return closed();
  }

  // The reader stands on the token behind the container; its own end is the last byte before that
  // is not space.
  const char* closed() {
    auto next = parsed_.current_location();
    if (next.error() != simdjson::SUCCESS) {
      return "missing brace";
    }
    end_ = without_trailing_space(document_.substr(0, offset_of(next.value_unsafe()))).size();
    return nullptr;
  }

  std::string_view document_;
  ondemand::document& parsed_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

Error syntax_error(simdjson::error_code code) {
  return Error(Code::Invalid, "not a JSON object: send one well-formed JSON object")
      .with_detail(simdjson::error_message(code));
}

Result<void> refuse_duplicates(const std::vector<Field>& fields) {
  if (fields.size() <= 1) {
    return {};
  }
  const Field* repeated = nullptr;
  if (fields.size() <= kLinearKeysMax) {
    for (std::size_t i = 1; i < fields.size() && repeated == nullptr; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        repeated = fields[j].key == fields[i].key ? &fields[i] : repeated;
      }
    }
  } else {
    std::vector<const Field*> sorted;
    sorted.reserve(fields.size());
    for (const Field& field : fields) {
      sorted.push_back(&field);
    }
    std::sort(sorted.begin(), sorted.end(), [](const Field* a, const Field* b) {
      return a->key < b->key;
    });
    const auto found =
        std::adjacent_find(sorted.begin(), sorted.end(), [](const Field* a, const Field* b) {
          return a->key == b->key;
        });
    repeated = found == sorted.end() ? nullptr : *found;
  }
  if (repeated == nullptr) {
    return {};
  }
  return malformed(
      "duplicate key \"" + std::string(repeated->key.substr(0, 80)) + "\"", repeated->key_begin
  );
}

}  // namespace

Result<Scan> Scan::object(std::string& document) {
  if (document.starts_with("\xEF\xBB\xBF")) {  // some versions of simdjson skip it
    return malformed("a byte order mark", 0);
  }
  document.reserve(document.size() + kScanPadding);
  thread_local ondemand::parser kept_parser(kKeptParserBytesMax);
  std::optional<ondemand::parser> large_parser;
  if (document.size() > kKeptParserBytesMax) {
    large_parser.emplace();
  }
  ondemand::parser& parser = large_parser ? *large_parser : kept_parser;

  ondemand::document parsed;
  const simdjson::padded_string_view view(document.data(), document.size(), document.capacity());
  if (const auto code = parser.iterate(view).get(parsed); code != simdjson::SUCCESS) {
    return syntax_error(code);
  }
  auto members = parsed.get_object();
  if (members.error() != simdjson::SUCCESS) {
    return syntax_error(members.error());
  }

  Scan scan;
  scan.document_ = document;
  Walker walker(document, parsed);
  for (auto item : members.value_unsafe()) {
    ondemand::field member;
    if (const auto code = std::move(item).get(member); code != simdjson::SUCCESS) {
      return syntax_error(code);
    }
    Field field;
    if (const char* const wrong = walker.key(member, field.key); wrong != nullptr) {
      return malformed(wrong, walker.at());
    }
    field.key_begin = walker.at();
    field.value_begin = walker.offset_of(std::string_view(member.value().raw_json_token()).begin());
    if (const char* const wrong = walker.value(member.value(), 2); wrong != nullptr) {
      return malformed(wrong, walker.at());
    }
    field.value_end = walker.end();
    if (field.key.find('\\') != std::string_view::npos) {
      scan.unescaped_.push_back(std::make_unique<std::string>(*unescape(field.key)));
      field.key = *scan.unescaped_.back();
    }
    if (scan.fields_.size() == kScanFieldsMax) {
      return malformed("more than " + std::to_string(kScanFieldsMax) + " members", walker.at());
    }
    scan.fields_.push_back(field);
  }
  if (parsed.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return Error(
        Code::Invalid,
        "something follows the JSON object: send one well-formed JSON object and nothing else"
    );
  }
  SLUICE_CHECK_OK(refuse_duplicates(scan.fields_));
  return scan;
}

const Field* Scan::find(std::string_view key) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(), [key](const Field& field) {
    return field.key == key;
  });
  return found == fields_.end() ? nullptr : &*found;
}

std::string_view Scan::raw(std::string_view key) const {
  const Field* const field = find(key);
  return field == nullptr
             ? std::string_view()
             : document_.substr(field->value_begin, field->value_end - field->value_begin);
}

namespace {

Error expected(std::string_view key, std::string_view type, std::string_view raw) {
  return Error(
      Code::Invalid,
      "\"" + std::string(key) +
          (raw.empty() ? "\" is missing: send " : "\" is of another type: send ") +
          std::string(type)
  );
}

}  // namespace

Result<std::string> Scan::text(std::string_view key) const {
  const std::string_view token = raw(key);
  if (!token.starts_with('"')) {
    return expected(key, "a string", token);
  }
  return *unescape(token.substr(1, token.size() - 2));
}

Result<bool> Scan::flag_or(std::string_view key, bool fallback) const {
  const std::string_view token = raw(key);
  if (token.empty()) {
    return fallback;
  }
  if (token != "true" && token != "false") {
    return expected(key, "true or false", token);
  }
  return token == "true";
}

Result<std::int64_t> Scan::integer(std::string_view key) const {
  const std::string_view token = raw(key);
  const auto number = is_number_token(token) ? integer_of(token) : std::nullopt;
  if (!number) {
    return expected(key, "an integer", token);
  }
  return *number;
}

}  // namespace sluice::json
