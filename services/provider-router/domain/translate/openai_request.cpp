#include "services/provider-router/domain/translate/openai_request.h"

#include "services/provider-router/domain/json_walk.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

namespace sluice::provider_router {
namespace {

constexpr std::string_view kAskUsage = "{\"include_usage\":true}";

// Source: providers.md 9 and 11; the recordings of mistral and deepseek.
constexpr std::array kMistralRenames{
    Rename{"seed", "random_seed"}, Rename{"max_completion_tokens", "max_tokens"}
};
constexpr std::array kOldMaxTokens{Rename{"max_completion_tokens", "max_tokens"}};

constexpr std::array kQuirks{
    Quirks{"api.mistral.ai", false, kMistralRenames},
    Quirks{"api.deepseek.com", true, kOldMaxTokens},
    Quirks{"api.perplexity.ai", true, kOldMaxTokens},
    Quirks{"api.together.xyz", true, kOldMaxTokens},
};
constexpr Quirks kPlain{};

// The splices of one body, in any order; texts live as long as this.
class Edits {
 public:
  void replace(std::size_t begin, std::size_t end, std::string text) {
    texts_.push_back(std::move(text));
    splices_.push_back({begin, end, texts_.back()});
  }

  [[nodiscard]] std::string apply(std::string_view document) {
    std::sort(splices_.begin(), splices_.end(), [](const json::Splice& a, const json::Splice& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    return json::splice(document, splices_);
  }

 private:
  std::vector<json::Splice> splices_;
  std::deque<std::string> texts_;
};

std::string quoted_json(std::string_view text) {
  std::string out;
  json::append_quoted(out, text);
  return out;
}

Result<void> set_model(const json::Scan& scan, std::string_view model, Edits& edits) {
  const json::Field* field = scan.find("model");
  if (field == nullptr || !scan.raw("model").starts_with('"')) {
    return Error(
        Code::Invalid, "\"model\" is missing or no string; send \"model\": \"provider/model\""
    );
  }
  edits.replace(field->value_begin, field->value_end, quoted_json(model));
  return {};
}

// Behind the last member: sorts after any replacement of that member.
void append_member(const json::Scan& scan, std::string text, Edits& edits) {
  const std::size_t end = scan.fields().back().value_end;
  edits.replace(end, end, "," + std::move(text));
}

void set_stream(const json::Scan& scan, bool stream, Edits& edits) {
  const std::string_view wanted = stream ? "true" : "false";
  const json::Field* field = scan.find("stream");
  if (field == nullptr) {
    if (stream) {
      append_member(scan, "\"stream\":true", edits);
    }
  } else if (scan.raw("stream") != wanted) {
    edits.replace(field->value_begin, field->value_end, std::string(wanted));
  }
}

void remove_member(const json::Scan& scan, const json::Field& field, Edits& edits) {
  const auto& fields = scan.fields();
  const auto place = static_cast<std::size_t>(&field - fields.data());
  if (place + 1 < fields.size()) {
    edits.replace(field.key_begin, fields[place + 1].key_begin, "");
  } else {
    edits.replace(fields[place - 1].value_end, field.value_end, "");
  }
}

Result<bool> ask_for_usage(const json::Scan& scan, const Quirks& quirks, Edits& edits) {
  const json::Field* field = scan.find("stream_options");
  const std::string_view options = scan.raw("stream_options");
  if (field != nullptr && options != "null" && !options.starts_with('{')) {
    return Error(
        Code::Invalid,
        "\"stream_options\" is no object; send {\"include_usage\": true} or leave it out"
    );
  }
  const std::string_view include = member(options, "include_usage");
  const bool asked = include == "true";
  if (!quirks.takes_stream_options) {
    if (field != nullptr && scan.fields().size() > 1) {
      remove_member(scan, *field, edits);
    }
    return asked;
  }
  if (field == nullptr) {
    append_member(scan, "\"stream_options\":" + std::string(kAskUsage), edits);
  } else if (options == "null" || options.size() == 2) {
    edits.replace(field->value_begin, field->value_end, std::string(kAskUsage));
  } else if (include.empty()) {
    edits.replace(field->value_begin + 1, field->value_begin + 1, "\"include_usage\":true,");
  } else if (!asked) {
    const std::size_t begin =
        field->value_begin + static_cast<std::size_t>(include.data() - options.data());
    edits.replace(begin, begin + include.size(), "true");
  }
  return asked;
}

// What Sluice's own tool messages carry beyond OpenAI's shape, which OpenAI refuses.
constexpr std::array<std::string_view, 2> kOwnToolMembers{"is_error", "body_expired"};

Result<void> drop_own_members(const json::Scan& scan, Edits& edits) {
  const json::Field* field = scan.find("messages");
  const std::string_view raw = scan.raw("messages");
  const bool present =
      std::any_of(kOwnToolMembers.begin(), kOwnToolMembers.end(), [raw](std::string_view name) {
        return raw.find(name) != std::string_view::npos;
      });
  if (field == nullptr || !present) {
    return {};
  }
  SLUICE_TRY(json::Value messages, json::parse(raw));
  bool changed = false;
  if (!messages.is_array()) {
    return {};
  }
  for (json::Value& message : *messages.as_array()) {
    if (message.text_or("role", "") == "tool") {
      for (const std::string_view name : kOwnToolMembers) {
        changed = message.as_object()->erase(name) || changed;
      }
    }
  }
  if (changed) {
    edits.replace(field->value_begin, field->value_end, json::write(messages));
  }
  return {};
}

void rename_members(const json::Scan& scan, const Quirks& quirks, Edits& edits) {
  for (const Rename& rename : quirks.renames) {
    const json::Field* field = scan.find(rename.from);
    if (field != nullptr && scan.find(rename.to) == nullptr) {
      edits.replace(
          field->key_begin, field->key_begin + rename.from.size() + 2, quoted_json(rename.to)
      );
    }
  }
}

}  // namespace

const Quirks& quirks_of(std::string_view base_url) {
  const std::size_t scheme = base_url.find("://");
  const std::string_view rest =
      scheme == std::string_view::npos ? base_url : base_url.substr(scheme + 3);
  const std::string_view host = rest.substr(0, rest.find_first_of(":/"));
  for (const Quirks& quirks : kQuirks) {
    if (quirks.host == host) {
      return quirks;
    }
  }
  return kPlain;
}

Result<UpstreamBody> openai_request(
    std::string body, std::string_view model, bool stream, const Quirks& quirks
) {
  body.reserve(body.size() + json::kScanPadding);
  SLUICE_TRY(const json::Scan scan, json::Scan::object(body));
  Edits edits;
  UpstreamBody result;
  SLUICE_CHECK_OK(set_model(scan, model, edits));
  set_stream(scan, stream, edits);
  rename_members(scan, quirks, edits);
  SLUICE_CHECK_OK(drop_own_members(scan, edits));
  if (stream) {
    SLUICE_TRY(result.usage_asked, ask_for_usage(scan, quirks, edits));
  }
  result.body = edits.apply(body);
  return result;
}

Result<std::string> openai_embed_request(std::string body, std::string_view model) {
  body.reserve(body.size() + json::kScanPadding);
  SLUICE_TRY(const json::Scan scan, json::Scan::object(body));
  Edits edits;
  SLUICE_CHECK_OK(set_model(scan, model, edits));
  return edits.apply(body);
}

}  // namespace sluice::provider_router
