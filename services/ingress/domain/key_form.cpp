#include "services/ingress/domain/key_form.h"

#include "common/grant/approval_form.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace sluice::ingress {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

constexpr std::array<std::string_view, 8> kMembers{
    "id", "tenant", "roles", "agent", "servers", "tools", "models", "expires_at"
};
constexpr std::array<std::string_view, 4> kShownOnly{
    "from_file", "created_by", "created_at", "revoked"
};

json::Value list_of(bool restricted, const Names& names) {
  if (!restricted) {
    return json::Value();
  }
  json::Array list;
  for (const std::string& name : names) {
    list.emplace_back(name);
  }
  return list;
}

json::Value time_of(std::int64_t unix_ms) {
  return unix_ms == 0 ? json::Value() : json::Value(grant::rfc3339_of(unix_ms));
}

Error wrong(std::string_view member, std::string_view what) {
  return Error(Code::Invalid, "\"" + std::string(member) + "\" " + std::string(what));
}

Result<void> check_members(const json::Object& body) {
  const auto is_in = [](const auto& known, const std::string& key) {
    return std::find(known.begin(), known.end(), key) != known.end();
  };
  for (const auto& [key, value] : body.members()) {
    if (is_in(kShownOnly, key)) {
      return wrong(key, "is what the gateway says of a key: leave it out");
    }
    if (!is_in(kMembers, key)) {
      return wrong(
          key,
          "is unknown: send id, tenant, roles, agent, servers, tools, models and expires_at only"
      );
    }
  }
  return {};
}

// nullptr: absent or null.
const json::Value* member(const json::Object& body, std::string_view key) {
  const json::Value* const value = body.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<void> read_text(const json::Object& body, std::string_view key, std::string* out) {
  const json::Value* const value = member(body, key);
  if (value == nullptr) {
    return {};
  }
  if (!value->is_string()) {
    return wrong(key, "is no string: send one, or leave it out");
  }
  *out = *value->as_string();
  return {};
}

// True where the list is there.
Result<bool> read_list(const json::Object& body, std::string_view key, Names* out) {
  const json::Value* const value = member(body, key);
  if (value == nullptr) {
    return false;
  }
  const json::Array* const items = value->as_array();
  const bool texts =
      items != nullptr &&
      std::all_of(items->begin(), items->end(), [](const auto& i) { return i.is_string(); });
  if (!texts) {
    return wrong(key, "is no list of strings: send one, or leave it out");
  }
  for (const json::Value& item : *items) {
    *out->Add() = *item.as_string();
  }
  return true;
}

Result<void> read_expiry(const json::Object& body, policy::v1::VirtualKey* key) {
  std::string text;
  SLUICE_CHECK_OK(read_text(body, "expires_at", &text));
  if (text.empty() && member(body, "expires_at") == nullptr) {
    return {};
  }
  const auto time = unix_ms_of(text);
  if (!time.ok()) {
    return wrong("expires_at", time.error().message());
  }
  key->set_expires_unix_ms(time.value());
  return {};
}

// Digits at a place of a text, or -1.
int number_at(std::string_view text, std::size_t begin, std::size_t digits) {
  if (begin + digits > text.size()) {
    return -1;
  }
  const std::string_view part = text.substr(begin, digits);
  int number = 0;
  for (const char c : part) {
    if (c < '0' || c > '9') {
      return -1;
    }
    number = number * 10 + (c - '0');
  }
  return number;
}

// Minutes east of UTC: "Z", "+hh:mm" or "-hh:mm".
std::optional<int> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") {
    return 0;
  }
  constexpr std::size_t kBytes = 6;
  constexpr int kMinutesPerHour = 60;
  if (text.size() != kBytes || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
    return std::nullopt;
  }
  const int hours = number_at(text, 1, 2);
  const int minutes = number_at(text, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
    return std::nullopt;
  }
  return (text[0] == '-' ? -1 : 1) * (hours * kMinutesPerHour + minutes);
}

}  // namespace

json::Value key_form(const policy::v1::VirtualKey& key) {
  json::Array roles;
  for (const std::string& role : key.roles()) {
    roles.emplace_back(role);
  }
  return json::object({
      {"id", key.id()},
      {"tenant", key.tenant()},
      {"roles", std::move(roles)},
      {"agent", key.agent()},
      {"servers", list_of(key.servers_restricted(), key.servers())},
      {"tools", list_of(key.tools_restricted(), key.tools())},
      {"models", list_of(key.models_restricted(), key.models())},
      {"expires_at", time_of(key.expires_unix_ms())},
      {"from_file", key.from_file()},
      {"created_by", key.from_file() ? json::Value() : json::Value(key.created_by())},
      {"created_at", time_of(key.created_unix_ms())},
      {"revoked", key.revoked()},
  });
}

std::string keys_json(const policy::v1::ManageReply& reply) {
  json::Array keys;
  for (const policy::v1::VirtualKey& key : reply.keys()) {
    keys.push_back(key_form(key));
  }
  return json::write(json::object({{"keys", std::move(keys)}}));
}

std::string new_key_json(const policy::v1::VirtualKey& key, const std::string& text) {
  json::Value form = key_form(key);
  form.as_object()->set("key", text);
  return json::write(form);
}

Result<policy::v1::VirtualKey> parse_key(std::string_view body, std::string_view id) {
  SLUICE_TRY(const json::Value parsed, json::parse(body));
  const json::Object* const members = parsed.as_object();
  if (members == nullptr) {
    return Error(Code::Invalid, "the body is no JSON object: send {\"roles\": [\"caller\"], …}");
  }
  SLUICE_CHECK_OK(check_members(*members));
  policy::v1::VirtualKey key;
  SLUICE_CHECK_OK(read_text(*members, "id", key.mutable_id()));
  if (!id.empty() && !key.id().empty() && key.id() != id) {
    return wrong("id", "is not that of the path: send the same, or leave it out");
  }
  if (!id.empty()) {
    key.set_id(std::string(id));
  }
  SLUICE_CHECK_OK(read_text(*members, "tenant", key.mutable_tenant()));
  SLUICE_CHECK_OK(read_text(*members, "agent", key.mutable_agent()));
  SLUICE_TRY(const bool has_roles, read_list(*members, "roles", key.mutable_roles()));
  if (!has_roles) {
    key.add_roles("caller");
  }
  SLUICE_TRY(const bool servers, read_list(*members, "servers", key.mutable_servers()));
  key.set_servers_restricted(servers);
  SLUICE_TRY(const bool tools, read_list(*members, "tools", key.mutable_tools()));
  key.set_tools_restricted(tools);
  SLUICE_TRY(const bool models, read_list(*members, "models", key.mutable_models()));
  key.set_models_restricted(models);
  SLUICE_CHECK_OK(read_expiry(*members, &key));
  return key;
}

Result<std::int64_t> unix_ms_of(std::string_view rfc3339) {
  const Error no_time(Code::Invalid, "is no RFC 3339 time: send one such as 2027-01-31T12:00:00Z");
  constexpr std::size_t kSecondsEnd = 19;
  constexpr std::size_t kMsDigits = 3;
  if (rfc3339.size() <= kSecondsEnd || rfc3339[4] != '-' || rfc3339[7] != '-' ||
      (rfc3339[10] != 'T' && rfc3339[10] != 't') || rfc3339[13] != ':' || rfc3339[16] != ':') {
    return no_time;
  }
  const int year = number_at(rfc3339, 0, 4);
  const std::chrono::year_month_day date{
      std::chrono::year(year),
      std::chrono::month(static_cast<unsigned>(number_at(rfc3339, 5, 2))),
      std::chrono::day(static_cast<unsigned>(number_at(rfc3339, 8, 2)))
  };
  const int hour = number_at(rfc3339, 11, 2);
  const int minute = number_at(rfc3339, 14, 2);
  const int second = number_at(rfc3339, 17, 2);
  std::size_t end = kSecondsEnd;
  int ms = 0;
  if (rfc3339[end] == '.') {
    std::size_t digits = 0;
    for (++end; end < rfc3339.size() && number_at(rfc3339, end, 1) >= 0; ++end, ++digits) {
      ms = digits < kMsDigits ? ms * 10 + number_at(rfc3339, end, 1) : ms;
    }
    if (digits == 0) {
      return no_time;
    }
    for (; digits < kMsDigits; ++digits) {
      ms *= 10;
    }
  }
  const auto offset = offset_of(rfc3339.substr(end));
  if (year < 1970 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60 || !offset) {
    return no_time;
  }
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                    std::chrono::minutes(minute - *offset) + std::chrono::seconds(second) +
                    std::chrono::milliseconds(ms);
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace sluice::ingress
